"""When ``response-invalid`` is claimed, and how sure."""

from __future__ import annotations

import pytest

from tests.unit.explain.facts_factory import (
    DAY,
    certificate,
    error,
    exchange,
    facts,
    handshake,
    outcome,
    response,
    single,
    verdict,
)

shop, other = certificate(), certificate("other.test")

visit = handshake("shop.test", shop)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (response(other), "another certificate"),
        (
            response(shop, signature="invalid", signer=None, signature_note="signed by nobody"),
            "signed by nobody",
        ),
        (response(single(shop, next_update=-1000)), "nextUpdate"),
        (response(single(shop, this_update=DAY, next_update=2 * DAY)), "thisUpdate"),
        (error(None, parse_error="no OCSPResponse"), "no OCSPResponse"),
        (None, "it is no OCSP response (text/html)"),
    ],
    ids=["another certificate", "bad signature", "stale", "premature", "unreadable", "captive page"],
)
def test_response_invalid(answer: object, reason: str) -> None:
    query = exchange(shop, answer, content_type="text/html" if answer is None else None)  # type: ignore[arg-type]
    found = verdict(facts(shop, other, visit, query))
    assert (found.presence, found.cause, found.confidence) == ("attempted", "response-invalid", "confirmed")
    assert reason in found.summary


def test_a_foreign_nonce_makes_an_answer_invalid_and_a_missing_one_does_not() -> None:
    replayed = exchange(shop, response(shop, nonce="bb"), nonce="aa")
    assert outcome(facts(shop, visit, replayed)) == ("response-invalid", "confirmed")
    assert outcome(facts(shop, visit, exchange(shop, nonce="aa"))) == ("queried", "confirmed")


def test_an_answer_hashed_in_a_way_nobody_knows_may_be_the_right_one() -> None:
    answer = response(single(shop, hash_algorithm="sha3_256", issuer_name_hash="00"))
    assert outcome(facts(shop, visit, exchange(shop, answer))) == ("response-invalid", "likely")


def test_an_answer_barely_before_this_update_is_likely() -> None:
    answer = response(single(shop, this_update=100))
    assert outcome(facts(shop, visit, exchange(shop, answer))) == ("queried", "likely")


def test_a_failure_for_a_loosely_matched_certificate_is_likely() -> None:
    loose = certificate(issuer_known=False)
    seen = facts(loose, handshake("shop.test", loose), exchange(loose, None, http_status=503))
    assert outcome(seen) == ("http-error", "likely")
