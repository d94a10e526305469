"""When ``stapled`` is claimed, and how sure."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.engine import explain
from tests.unit.explain.facts_factory import (
    authority,
    certificate,
    facts,
    frames,
    handshake,
    outcome,
    response,
    single,
    verdict,
)

shop, other = certificate(), certificate("other.test")


def stapled(*staples: Any, **more: Any) -> Any:
    return handshake("shop.test", shop, staples=staples, **more)


middle = authority("CN=Middle", self_signed=False, ocsp=("http://ocsp.ca.test/",), serial="77")


def test_a_fresh_staple() -> None:
    visit = stapled(response(shop))
    found = verdict(facts(shop, visit))
    assert (found.presence, found.cause, found.confidence) == ("absent", "stapled", "confirmed")
    assert found.status == "good"
    assert frames(found) == {visit.frames.certificate_status}


@pytest.mark.parametrize(
    ("staple", "more"),
    [
        (response(shop, signature="unverifiable"), {}),
        (response(single(shop, next_update=None)), {}),
        (response(single(shop, this_update=200)), {}),
        (response(shop), {"status_request": False}),
    ],
    ids=["unverifiable", "no nextUpdate", "thisUpdate minutes ahead", "nobody asked for it"],
)
def test_a_staple_that_some_validators_would_not_take_is_likely(staple: Any, more: dict[str, Any]) -> None:
    assert outcome(facts(shop, stapled(staple, **more))) == ("stapled", "likely")


def test_a_staple_for_a_certificate_whose_issuer_was_not_seen_is_likely() -> None:
    loose = certificate(issuer_known=False)
    visit = handshake("shop.test", loose, staples=(response(loose),))
    assert outcome(facts(loose, visit)) == ("stapled", "likely")


def test_of_several_staples_the_good_one_counts() -> None:
    visit = stapled(response(single(shop, next_update=-100)), response(shop))
    assert outcome(facts(shop, visit)) == ("stapled", "confirmed")


def test_a_staple_for_the_intermediate_only() -> None:
    visit = handshake("shop.test", shop, middle, staples=(response(middle),))
    seen = facts(shop, middle, visit)
    assert outcome(seen)[0] not in ("stapled", "staple-invalid")
    about_middle = next(v for v in explain(seen).verdicts if v.chain_role == "intermediate")
    assert (about_middle.cause, about_middle.confidence) == ("stapled", "confirmed")
