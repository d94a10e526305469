"""How a validator looks for a responder."""

from __future__ import annotations

import pytest

from ocsp_pcap.explain.seeking import reached_out

from .facts_factory import (
    RESPONDER,
    RESPONDER_HOST,
    attempt,
    certificate,
    connection,
    crl_fetch,
    dns,
    exchange,
    facts,
    handshake,
    question,
    verdict,
)

shop, other = certificate(), certificate("other.test")

visit = handshake("shop.test", shop)


def test_reaching_out_for_a_crl_on_the_same_host_is_not_for_ocsp() -> None:
    both = certificate(crl=(f"http://{RESPONDER_HOST}/ca.crl",))
    assert reached_out(question(facts(shop, visit, dns(RESPONDER)), shop))
    assert not reached_out(question(facts(both, handshake("shop.test", both), dns(RESPONDER)), both))
    assert not reached_out(question(facts(handshake("shop.test")), None))


@pytest.mark.parametrize(
    ("server", "time", "sure"),
    [("2001:db8::1", 100.9, "confirmed"), ("2001:db8::1", 97.5, "likely"), ("198.51.100.2", 100.9, "likely")],
    ids=["the other family, just before", "long before", "the same family"],
)
def test_a_connection_refused_by_one_family_and_made_by_the_other_is_no_failure(
    server: str, time: float, sure: str
) -> None:
    """Who asks about another certificate tries IPv6 first: what it holds is no less certain for that."""
    query, next_query = exchange(shop), exchange(other, time=101)
    visits = [handshake("shop.test", shop, time=time) for time in (0, 97)]
    lookups = [dns(RESPONDER), dns(server, kind="AAAA" if ":" in server else "A")]
    refused = attempt("refused", server=server, time=time)
    seen = facts(
        shop, other, *visits, *lookups, query, connection(query),
        handshake("other.test", other, time=97.1), refused, next_query, connection(next_query),
    )  # fmt: skip
    assert [(each.cause, each.confidence) for each in verdict(seen).sightings] == [
        ("queried", "confirmed"),
        ("cached", sure),
    ]


def test_a_crl_that_came_by_the_other_family_makes_no_try_to_ask_undone() -> None:
    """It may be fetched because nobody could be asked: what was held need not be what was used."""
    listed = certificate(crl=(f"http://{RESPONDER_HOST}/ca.crl",))
    visits = [handshake("shop.test", listed, time=time) for time in (0, 97)]
    lookups = [dns(RESPONDER), dns("2001:db8::1", kind="AAAA")]
    fetch = crl_fetch(f"http://{RESPONDER_HOST}/ca.crl", server=RESPONDER, time=99)
    seen = facts(
        listed, *visits, *lookups, query := exchange(listed), connection(query),
        attempt("refused", server="2001:db8::1", time=98.5),
        attempt("established", stream=fetch.stream, time=98.9), fetch,
    )  # fmt: skip
    assert [(each.cause, each.confidence) for each in verdict(seen).sightings] == [
        ("queried", "confirmed"),
        ("responder-unreachable", "likely"),
    ]
