"""When ``no-response`` is claimed, and how sure."""

from __future__ import annotations

import pytest

from tests.unit.explain.facts_factory import (
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
    verdict,
)

shop, other = certificate(), certificate("other.test")

visit = handshake("shop.test", shop)


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


def test_an_answer_may_stand_out_of_order() -> None:
    query = exchange(shop, None, http_status=None)
    seen = [shop, visit, query, connection(query)]
    assert outcome(facts(*seen)) == ("no-response", "confirmed")
    found = verdict(facts(*seen, capture(step_back=40_000)))
    assert (found.cause, found.confidence) == ("no-response", "likely")
    assert [doubt.code for doubt in found.doubts] == ["packets-lost"]


def test_what_was_asked_inside_tls_may_be_answered_by_what_no_key_opens() -> None:
    """The keys of one direction may be missing, and of TLS 1.3 nothing shows what the other one carries."""
    for decrypted, answer in ((True, ("no-response", "likely")), (False, ("no-response", "confirmed"))):
        query = silence(shop, closed="fin", decrypted=decrypted)
        assert outcome(facts(shop, visit, query, connection(query))) == answer
