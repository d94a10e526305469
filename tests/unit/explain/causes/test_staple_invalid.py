"""When ``staple-invalid`` is claimed, and how sure."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.engine import explain
from tests.unit.explain.facts_factory import (
    DAY,
    authority,
    capture,
    certificate,
    error,
    exchange,
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


@pytest.mark.parametrize(
    ("staple", "reason"),
    [
        (response(single(shop, next_update=-1000)), "stale"),
        (response(single(shop, this_update=DAY, next_update=2 * DAY)), "future"),
        (response(other), "another certificate"),
        (response(shop, signature="invalid", signer=None), "signature"),
        (error("tryLater"), "tryLater"),
        (error(None, parse_error="no DER"), "no DER"),
    ],
)
def test_a_staple_that_proves_nothing(staple: Any, reason: str) -> None:
    visit = stapled(staple)
    found = verdict(facts(shop, other, visit))
    assert (found.presence, found.cause, found.confidence) == ("absent", "staple-invalid", "confirmed")
    assert reason in found.summary
    assert visit.frames.certificate_status in frames(found)


def test_after_a_bad_staple_the_query_is_the_answer() -> None:
    assert outcome(facts(shop, stapled(response(other)), exchange(shop)))[0] == "queried"


@pytest.mark.parametrize(
    "defect",
    [{"dropped": 1}, {"tcp_gaps": 1}, {"one_sided_streams": 1}, {"ports_seen": (443,)}],
    ids=str,
)
def test_that_no_query_followed_is_not_proven_by_a_capture_that_may_lack_it(defect: dict[str, Any]) -> None:
    seen = facts(capture(**defect), shop, stapled(response(single(shop, next_update=-1000))))
    assert outcome(seen) == ("staple-invalid", "likely")


def test_what_packets_cannot_decide_about_a_staple() -> None:
    """A clock may be off by five minutes, and a validator may trust a responder that nobody else does."""
    for staple, doubt in (
        (response(single(shop, next_update=-100)), "clock"),
        (response(shop, signature="invalid"), "trust-open"),
    ):
        found = verdict(facts(shop, stapled(staple)))
        assert (found.cause, [d.code for d in found.doubts]) == ("staple-invalid", [doubt])


def test_a_bad_staple_of_a_certificate_without_responder_needs_no_query_to_be_missed() -> None:
    silent = certificate(ocsp=(), crl=("http://crl.ca.test/",))
    visit = handshake("shop.test", silent, staples=(response(single(silent, next_update=-1000)),))
    assert outcome(facts(capture(ports_seen=(443,)), silent, visit)) == ("staple-invalid", "confirmed")


def test_a_staple_hashed_in_a_way_nobody_knows_may_be_the_right_one() -> None:
    staple = response(single(shop, hash_algorithm="sha3_256", issuer_name_hash="00"))
    assert outcome(facts(shop, stapled(staple))) == ("staple-invalid", "likely")


def test_a_staple_stale_by_less_than_the_clocks_differ() -> None:
    copies = [
        handshake(
            "shop.test",
            shop,
            time=t,
            random="aa",
            capture=c,
            staples=(response(single(shop, next_update=-100)),),
        )
        for t, c in ((0, "a.pcap"), (600, "b.pcap"))
    ]
    assert outcome(facts(shop, *copies)) == ("staple-invalid", "likely")


def test_a_staple_for_the_leaf_says_nothing_bad_of_the_intermediate() -> None:
    visit = handshake("shop.test", shop, middle, staples=(response(single(shop, next_update=-100)),))
    causes = {v.chain_role: v.cause for v in explain(facts(shop, middle, visit)).verdicts}
    assert causes["leaf"] == "staple-invalid"
    assert causes["intermediate"] != "staple-invalid"


@pytest.mark.parametrize(("said", "status"), [("good", None), ("unknown", None), ("revoked", "revoked")])
def test_what_proves_nothing_is_no_status_but_that_it_is_revoked(said: str, status: str | None) -> None:
    old = response(single(shop, said, next_update=-5000))
    for seen in (
        facts(shop, handshake("shop.test", shop, staples=(old,))),
        facts(shop, handshake("shop.test", shop), exchange(shop, old)),
    ):
        found = verdict(seen)
        assert (found.cause.partition("-")[2], found.status) == ("invalid", status)
