"""When ``capture-filtered`` is claimed, and how sure."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.model import Verdict
from ocsp_pcap.explain.trace_entry import TraceEntry
from tests.unit.explain.facts_factory import (
    CHILD,
    PARENT_INSIDE,
    RESPONDER,
    alternatives,
    at,
    attempt,
    capture,
    certificate,
    connection,
    dns,
    exchange,
    facts,
    handshake,
    outcome,
    site,
    verdict,
)

shop = certificate()

visit = handshake("shop.test", shop)

many = [certificate(f"host{number}.test") for number in range(5)]

visits = [handshake(subject.sans[0], subject, time=number) for number, subject in enumerate(many)]

only_443 = capture(ports_seen=(443,))

queried = TraceEntry("policy.trace", 2, at(0), "shop.test", "query", "http://ocsp.ca.test/")

SHOP, NEWS = certificate(), certificate("news.test")

VISIT = handshake("shop.test", SHOP)


def why(found: Verdict, cause: str) -> str:
    return next((item.why for item in found.alternatives if item.cause == cause), "")


def test_a_looked_up_responder_without_a_packet_of_its_kind() -> None:
    found = verdict(facts(capture(ports_seen=(53, 443)), shop, visit, dns(RESPONDER)))
    assert (found.presence, found.cause, found.confidence) == ("unknown", "capture-filtered", "likely")


def test_a_lookup_for_the_crl_of_the_same_host_is_no_sign_of_a_filter() -> None:
    both = certificate(crl=("http://ocsp.ca.test/ca.crl",))
    seen = facts(capture(ports_seen=(53, 443)), both, handshake("shop.test", both), dns(RESPONDER))
    assert outcome(seen)[0] != "capture-filtered"


def test_a_capture_of_one_port() -> None:
    """The outer side of a child that goes through a parent holds nothing else, without any filter."""
    for found in (
        verdict(facts(only_443, *many, *visits), host="host0.test"),
        verdict(facts(only_443, shop, visit)),
    ):
        assert found.cause == "unexplained"
        assert "capture-filtered" in alternatives(found)


def test_the_port_of_a_forwarding_host_is_where_queries_travel() -> None:
    forwarded = site(parent={"forwarding_host": "10.9.9.9:3128"})
    seen = facts(capture(ports_seen=(53, 443, 3128)), *many, *visits)
    assert outcome(seen, host="host0.test", site=forwarded) == ("ocsp-disabled", "likely")
    assert "capture-filtered" not in alternatives(verdict(seen, host="host0.test", site=forwarded))


def test_a_trace_says_that_it_queried() -> None:
    assert outcome(facts(only_443, shop, visit), trace=(queried,)) == ("capture-filtered", "likely")
    found = verdict(facts(shop, visit), trace=(queried,))
    assert (found.cause, found.confidence) == ("capture-filtered", "likely")
    assert "not in the capture" in found.summary
    assert outcome(facts(shop, visit, exchange(shop)), trace=(queried,))[0] == "queried"


def test_a_trace_that_queried_proves_that_ocsp_is_on() -> None:
    lines = tuple(
        TraceEntry("policy.trace", n, at(n), subject.sans[0], "query", None) for n, subject in enumerate(many)
    )
    assert outcome(facts(*many, *visits), host="host0.test", trace=lines) == ("capture-filtered", "likely")


def test_a_trace_that_may_be_of_another_proxy_is_likely() -> None:
    copy = certificate(issuer="CN=Proxy CA")
    child = handshake("shop.test", copy, client=CHILD, server=PARENT_INSIDE, proxied=True)
    seen = facts(only_443, shop, copy, child, visit)
    assert outcome(seen, trace=(queried,), site=site(child={}, parent={})) == ("capture-filtered", "likely")


def test_a_lookup_without_a_connection() -> None:
    lookup = dns(RESPONDER)
    found = verdict(facts(SHOP, VISIT, lookup))
    assert found.confidence != "confirmed"
    words = why(found, "capture-filtered")
    assert f"frame {lookup.frames.response}" in words
    assert "no connection to it" in words


def test_a_lookup_by_way_of_a_cname() -> None:
    chain = [dns("cdn.test"), dns(RESPONDER, name="cdn.test", time=0.6)]
    assert "no connection to it" in why(verdict(facts(SHOP, VISIT, *chain)), "capture-filtered")


@pytest.mark.parametrize(
    "more",
    [
        [attempt("established")],
        [attempt("refused")],
        [connection(exchange(SHOP)), exchange(SHOP)],
    ],
)
def test_a_lookup_with_a_connection(more: list[Any]) -> None:
    found = verdict(facts(SHOP, VISIT, dns(RESPONDER), *more))
    assert "no connection to it" not in why(found, "capture-filtered")


def test_a_lookup_that_may_be_for_a_crl() -> None:
    both = certificate(crl=("http://ocsp.ca.test/ca.crl",))
    found = verdict(facts(both, handshake("shop.test", both), dns(RESPONDER)))
    assert "no connection to it" not in why(found, "capture-filtered")
