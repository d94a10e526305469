"""Facts put side by side: visits, queries, cache windows."""

from __future__ import annotations

import pytest

from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.repetition import early_repeats, soonest_repeats
from ocsp_pcap.explain.responders import names_responder, responder_hosts
from ocsp_pcap.explain.site import Proxy, Site
from ocsp_pcap.facts import Facts, OcspExchangeFact

from .facts_factory import (
    PARENT,
    PARENT_INSIDE,
    SECOND,
    at,
    certificate,
    exchange,
    facts,
    handshake,
    response,
    silence,
    single,
    site,
)

shop = certificate()


def case(seen: Facts, told: Site | None = None) -> Case:
    return Case(seen, Context(site=told or Site()))


def test_a_query_is_triggered_by_the_nearest_handshake_before() -> None:
    visits = [handshake("shop.test", shop, time=t) for t in (0, 10, 20)]
    indexed = case(facts(shop, *visits, exchange(shop, time=11), exchange(shop, time=-1)))
    triggered = indexed.host(PARENT).triggered
    asking = [visit.handshake for visit in indexed.visits if (shop.sha256, id(visit)) in triggered]
    assert asking == [visits[1]]


def test_how_long_a_cache_may_answer() -> None:
    def end(answer: object, told: Proxy | None = None, **more: object) -> int | None:
        indexed = case(facts(shop, exchange(shop, answer, **more)))  # type: ignore[arg-type]
        window = indexed.window(indexed.host(PARENT).queries[shop.sha256][0], told)
        return window.end if window is not None else None

    until = response(single(shop, next_update=500))
    endless = response(single(shop, next_update=None))
    assert end(until) == at(500)
    assert end(until, Proxy("parent", cache_ttl=60 * SECOND)) == at(1.1 + 60)
    assert end(endless) is None
    assert end(endless, max_age=30) == at(1.1 + 30)
    assert end(response(shop, signature="invalid")) is None
    assert end(None, http_status=503) is None


def test_exchanges_for_certificates_that_nobody_showed() -> None:
    mine, foreign, silent = exchange(shop), exchange(certificate("else.test")), silence(certificate("x.test"))
    found = explain(facts(shop, handshake("shop.test", shop), mine, foreign, silent)).unmatched_exchanges
    assert set(found) == {foreign, silent}


def test_what_the_site_file_says_of_a_host() -> None:
    seen = facts(shop, handshake("shop.test", shop))
    by_address = case(seen, site(parent={"ocsp": True})).proxy(PARENT_INSIDE)
    assert by_address is not None
    assert by_address.ocsp is True
    assert case(seen, site(child={})).proxy(PARENT) is None


def test_early_repeats() -> None:
    def repeats(*queries: OcspExchangeFact) -> int:
        return len(early_repeats(case(facts(shop, *queries)).host(PARENT).queries[shop.sha256]))

    assert repeats(exchange(shop, time=1), exchange(shop, time=100)) == 1
    assert repeats(exchange(shop, time=1), exchange(shop, time=2)) == 0
    assert repeats(exchange(shop, response(single(shop, next_update=50))), exchange(shop, time=100)) == 0
    assert repeats(exchange(shop, None, http_status=503), exchange(shop, time=100)) == 0


def test_how_soon_a_validator_asked_again() -> None:
    asked = [exchange(shop, time=t) for t in (1, 100, 110)]
    (soonest,) = soonest_repeats(case(facts(shop, *asked))).values()
    assert soonest == at(110) - at(100.1)
    assert soonest_repeats(case(facts(shop, asked[0]))) == {}


def test_who_asked_without_having_received() -> None:
    other = certificate("else.test")
    seen = facts(shop, other, handshake("shop.test", shop), exchange(shop), exchange(other))
    indexed = case(seen)
    assert [host.identity for host in indexed.strangers_to(other)] == [PARENT]
    assert not indexed.strangers_to(shop)
    (received,), (unseen,) = indexed.asked_about(shop, "IPv4"), indexed.asked_about(other, None)
    assert (received.received, unseen.received) == (at(0), None)
    assert not indexed.asked_about(shop, "IPv6")
    assert [exchange.requests[0].serial for exchange in indexed.host(PARENT).unmatched] == [other.serial]


def test_clocks_can_be_compared_where_captures_share_traffic() -> None:
    legs = [
        handshake("shop.test", random="aa", capture=c, time=t) for c, t in (("a.pcap", 0), ("b.pcap", 90))
    ]
    indexed = case(facts(*legs, handshake("shop.test", capture="c.pcap")))
    assert indexed.clocks.comparable("a.pcap", "b.pcap")
    assert indexed.clocks.comparable("c.pcap", "c.pcap")
    assert not indexed.clocks.comparable("a.pcap", "c.pcap")


def test_responder_hosts() -> None:
    usable = ("http://OCSP.ca.test./", "https://b.test", "http://c.test:8080/x")
    urls = (*usable, "ldap://d.test", "http://[", "http://e:x/")
    assert [(host, port) for host, port, _ in responder_hosts(urls)] == [
        ("ocsp.ca.test", 80),
        ("b.test", 443),
        ("c.test", 8080),
    ]
    assert names_responder(shop, "ocsp.ca.test")
    assert not names_responder(shop, "crl.ca.test")


def test_verdicts_of_one_kind_share_what_is_equal() -> None:
    others = [certificate(f"host{number}.test") for number in range(2)]
    visits = [
        handshake(f"host{number}.test", other, time=number, stream=number)
        for number, other in enumerate(others)
    ]
    one, other = explain(facts(*others, *visits)).verdicts
    assert one.summary == other.summary
    for name in ("summary", "alternatives", "doubts", "validator"):
        assert getattr(one, name) is getattr(other, name)
    assert one.sightings[0].doubts is one.doubts


def test_only_so_many_results_are_remembered_to_be_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocsp_pcap.explain.case.MOST_SAME", 1)
    indexed = case(facts(shop))
    first = indexed.same("".join(("a", "b")))
    assert indexed.same("".join(("a", "b"))) is first
    assert indexed.same("other") == "other"
    assert indexed._same == {"ab": "ab"}
