"""Requests that were seen: answered, refused, unanswered, answered wrongly."""

from __future__ import annotations

import pytest

from ocsp_pcap.facts import ExchangeFrames

from .facts_factory import (
    CHILD,
    CLIENT,
    DAY,
    PARENT,
    PARENT_INSIDE,
    alternatives,
    capture,
    certificate,
    connection,
    error,
    exchange,
    facts,
    frames,
    handshake,
    outcome,
    response,
    silence,
    single,
    site,
    verdict,
)

shop, other = certificate(), certificate("other.test")
visit = handshake("shop.test", shop)


def test_asked_and_answered() -> None:
    query = exchange(shop)
    found = verdict(facts(shop, visit, query))
    assert (found.presence, found.cause, found.confidence) == ("present", "queried", "confirmed")
    assert found.status == "good"
    assert frames(found) == {visit.frames.certificate, query.frames.request, query.frames.response}
    assert "asked http://ocsp.ca.test/" in found.summary
    assert found.alternatives == ()


def test_a_long_url_of_a_get_is_quoted_in_part() -> None:
    url = "http://ocsp.ca.test/" + "MEUw" * 40
    found = verdict(facts(shop, visit, exchange(shop, method="GET", url=url)))
    assert f"asked {url[:60]}… and" in found.summary


@pytest.mark.parametrize("status", ["good", "revoked", "unknown"])
def test_the_status_is_that_of_the_answer(status: str) -> None:
    assert verdict(facts(shop, visit, exchange(shop, status))).status == status


@pytest.mark.parametrize(
    ("subject", "confidence"),
    [
        (certificate(), "confirmed"),
        (certificate(issuer_known=False), "likely"),
        (certificate(issuer_known=False, key_identifier=False), "likely"),
    ],
    ids=["whole CertID", "key identifier", "name and serial"],
)
def test_only_the_whole_cert_id_proves(subject: object, confidence: str) -> None:
    assert outcome(facts(subject, handshake("shop.test", subject), exchange(subject))) == (  # type: ignore[arg-type]
        "queried",
        confidence,
    )


def test_a_query_for_another_certificate_answers_nothing_here() -> None:
    assert outcome(facts(shop, other, visit, exchange(other)))[0] != "queried"


def test_a_query_of_another_host_answers_nothing_here() -> None:
    assert outcome(facts(shop, visit, exchange(shop, client=CHILD)))[0] != "queried"


def test_a_query_from_another_address_of_the_same_proxy_counts() -> None:
    seen = facts(shop, visit, exchange(shop, client=PARENT_INSIDE))
    assert outcome(seen, site=site(parent={})) == ("queried", "confirmed")


def test_a_query_from_an_address_that_only_seems_the_same_proxy_is_likely() -> None:
    inside = handshake("shop.test", shop, client=CHILD, server=PARENT_INSIDE, proxied=True)
    seen = facts(
        shop,
        inside,
        handshake("shop.test", shop, random=inside.client_random),
        exchange(shop, client=PARENT_INSIDE),
    )
    assert outcome(seen) == ("queried", "likely")


def test_an_unverifiable_answer_is_likely() -> None:
    answer = response(shop, signature="unverifiable")
    assert outcome(facts(shop, visit, exchange(shop, answer))) == ("queried", "likely")


def test_an_answer_whose_request_is_not_in_the_capture_is_likely() -> None:
    query = exchange(shop, frames=ExchangeFrames(None, 5), requests=(), method=None, url=None)
    found = verdict(facts(shop, visit, query))
    assert (found.cause, found.confidence) == ("queried", "likely")
    assert "the request itself is not in the capture" in found.summary


def test_the_nearest_handshake_before_asked_and_later_ones_used_the_cache() -> None:
    early, late, later = (handshake("shop.test", shop, time=t) for t in (0, 100, 200))
    found = verdict(facts(shop, early, late, later, exchange(shop, time=101)))
    assert found.cause == "queried"
    causes = {s.stream: s.cause for s in found.sightings}
    assert causes[late.stream] == "queried"
    assert causes[later.stream] == "cached"
    assert causes[early.stream] != "queried"


def test_handshakes_side_by_side_wait_for_one_answer() -> None:
    beside = handshake("shop.test", shop, time=0.5)
    found = verdict(facts(shop, visit, beside, exchange(shop)))
    assert {(s.stream, s.cause, s.confidence) for s in found.sightings} == {
        (visit.stream, "queried", "likely"),
        (beside.stream, "queried", "confirmed"),
    }
    assert found.confidence == "confirmed"


@pytest.mark.parametrize("status", [503, 404, 302, 407, 511])
def test_http_error(status: int) -> None:
    query = exchange(shop, None, http_status=status)
    found = verdict(facts(shop, visit, query))
    assert (found.presence, found.cause, found.confidence) == ("attempted", "http-error", "confirmed")
    assert f"HTTP {status}" in found.summary
    assert {query.frames.request, query.frames.response} <= frames(found)


def test_an_answer_under_an_http_error_is_no_answer() -> None:
    assert outcome(facts(shop, visit, exchange(shop, http_status=500)))[0] == "http-error"


def test_a_redirect_that_leads_to_an_answer() -> None:
    moved = exchange(shop, None, http_status=302, location="http://ocsp2.ca.test/")
    assert outcome(facts(shop, visit, moved, exchange(shop, time=1.5))) == ("queried", "confirmed")


def test_a_redirect_to_where_nobody_can_look_may_have_been_followed() -> None:
    moved = exchange(shop, None, http_status=301, location="https://ocsp.ca.test/")
    assert outcome(facts(shop, visit, moved)) == ("http-error", "likely")


@pytest.mark.parametrize("status", ["tryLater", "unauthorized", "internalError", "malformedRequest"])
def test_responder_error(status: str) -> None:
    found = verdict(facts(shop, visit, exchange(shop, error(status))))
    assert (found.presence, found.cause, found.confidence) == ("attempted", "responder-error", "confirmed")
    assert status in found.summary
    assert found.status is None


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


def test_no_response() -> None:
    query = silence(shop, closed="fin")
    found = verdict(facts(shop, visit, query, connection(query)))
    assert (found.presence, found.cause, found.confidence) == ("attempted", "no-response", "confirmed")
    assert query.frames.request in frames(found)


def test_no_response_on_a_connection_that_stayed_open_for_long() -> None:
    query = silence(shop)
    assert outcome(facts(shop, visit, query, connection(query))) == ("no-response", "confirmed")


def test_no_response_is_only_likely_where_the_capture_ends_soon() -> None:
    query = silence(shop)
    assert outcome(facts(capture(until=20), shop, visit, query, connection(query))) == (
        "no-response",
        "likely",
    )


def test_no_response_is_only_likely_where_the_responder_s_side_was_not_captured() -> None:
    assert outcome(facts(shop, visit, silence(shop, closed="rst"))) == ("no-response", "likely")


@pytest.mark.parametrize(
    "defect",
    [{"dropped": 1}, {"tcp_gaps": 1}, {"one_sided_streams": 1}, {"damage": "cut"}, {"truncated_packets": 1}],
    ids=str,
)
def test_no_response_is_only_likely_where_packets_are_missing(defect: dict[str, object]) -> None:
    query = silence(shop, closed="fin")
    assert outcome(facts(capture(**defect), shop, visit, query, connection(query))) == (
        "no-response",
        "likely",
    )


def test_an_answer_of_which_bytes_are_missing_may_have_been_good() -> None:
    for query in (exchange(shop, None, missing_bytes=900), silence(shop, missing_bytes=900, closed="fin")):
        found = verdict(facts(shop, visit, query, connection(query)))
        assert (found.presence, found.cause, found.confidence) == ("attempted", "no-response", "likely")
        assert alternatives(found) == {"queried"}


def test_a_partial_answer_is_attempted_even_beside_a_good_staple() -> None:
    stapled = handshake("shop.test", shop, staples=(response(shop),))
    assert outcome(facts(shop, stapled, exchange(shop, None, missing_bytes=9))) == ("no-response", "likely")


def test_of_several_tries_the_last_is_told() -> None:
    first, second = exchange(shop, None, http_status=503), exchange(shop, error("tryLater"), time=2)
    found = verdict(facts(shop, visit, first, second))
    assert (found.cause, found.confidence) == ("responder-error", "confirmed")
    assert "the last of 2 tries" in found.summary


def test_a_good_answer_after_failures_counts() -> None:
    seen = facts(shop, visit, exchange(shop, None, http_status=503), exchange(shop, time=2))
    assert outcome(seen) == ("queried", "confirmed")


def test_a_failure_for_a_loosely_matched_certificate_is_likely() -> None:
    loose = certificate(issuer_known=False)
    seen = facts(loose, handshake("shop.test", loose), exchange(loose, None, http_status=503))
    assert outcome(seen) == ("http-error", "likely")


def test_a_client_asks_for_itself() -> None:
    seen = facts(shop, handshake("shop.test", shop, client=CLIENT), visit, exchange(shop))
    assert outcome(seen, PARENT)[0] == "queried"
    assert outcome(seen, CLIENT)[0] != "queried"


def test_a_request_for_several_certificates_answered_for_one() -> None:
    visits = (visit, handshake("other.test", other, time=0.5))
    both = exchange(shop, "good", requests=(*exchange(shop).requests, *exchange(other).requests))
    seen = facts(shop, other, *visits, both)
    assert outcome(seen) == ("queried", "confirmed")
    assert outcome(seen, host="other.test") == ("response-invalid", "confirmed")
