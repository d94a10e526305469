from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.lookups import lookups_by_name
from ocsp_pcap.facts import DnsLookupFact

from .facts_factory import (
    CHILD,
    PARENT,
    RESPONDER,
    RESPONDER_HOST,
    certificate,
    dns,
    exchange,
    facts,
    handshake,
    verdict,
)

SHOP = certificate()


def names(*lookups: DnsLookupFact, name: str = "a.test", client: str = PARENT) -> list[str]:
    found = lookups_by_name(lookups, lambda address: address, set())
    return [lookup.name for lookup in found.get((client, name), [])]


def test_a_name_alone() -> None:
    assert names(dns(RESPONDER, name="A.test.")) == ["A.test."]
    assert names(dns(RESPONDER, name="b.test")) == []


def test_targets_count_in_the_order_of_time() -> None:
    chain = [
        dns("b.test", name="a.test", time=1),
        dns("c.test", name="b.test", time=2),
        dns(RESPONDER, name="c.test", time=3),
        dns("b.test", name="a.test", time=4),
    ]
    assert names(*chain) == ["a.test", "b.test", "c.test", "a.test"]
    assert names(*chain, name="b.test") == ["b.test", "c.test"]


def test_targets_that_another_host_looked_up_do_not_count() -> None:
    assert names(dns("b.test", name="a.test"), dns(RESPONDER, name="b.test", client=CHILD)) == ["a.test"]


def chain(length: int, name: str = RESPONDER_HOST) -> list[DnsLookupFact]:
    names = [name, *(f"n{n}.{name}" for n in range(length))]
    return [dns(target, name=alias, time=0.1) for alias, target in pairwise(names)]


def test_circles_and_long_chains_end() -> None:
    assert names(dns("b.test", name="a.test"), dns("a.test", name="b.test")) == ["a.test", "b.test"]
    assert len(names(*chain(40, "a.test"))) == BOUNDS.cnames + 1


@pytest.mark.reaches("cnames")
def test_a_long_chain_leaves_open_only_what_rests_on_it() -> None:
    """It may end in an address that was used, or in none: of another responder it says nothing."""
    news = certificate("news.test", ocsp=("http://ocsp.news.test/",))
    failed = dns(name="ocsp.news.test", rcode="NXDOMAIN", time=0.2)
    visits = handshake("news.test", news), handshake("shop.test", SHOP, time=40)
    asked = exchange(SHOP, time=40.2)
    for length, cut in ((3, False), (40, True)):
        seen = explain(facts(news, SHOP, *visits, failed, asked, *chain(length, "ocsp.news.test")))
        left_open = {
            verdict.host
            for verdict in seen.verdicts
            if any("--bound cnames" in doubt.why for doubt in verdict.doubts)
        }
        assert left_open == ({"news.test"} if cut else set())
        assert any("--bound cnames" in sentence for sentence in seen.bounds_reached) is cut


def test_a_truncated_answer_is_no_failure() -> None:
    cut = replace(dns(), truncated=True)
    found = verdict(facts(SHOP, handshake("shop.test", SHOP), cut))
    assert found.cause != "dns-failed"
    over_tcp = replace(dns(time=0.7, rcode="SERVFAIL"), transport="tcp")
    found = verdict(facts(SHOP, handshake("shop.test", SHOP), cut, over_tcp))
    assert found.cause == "dns-failed"
    assert "SERVFAIL" in found.summary


def test_a_case_follows_targets() -> None:
    case = Case(facts(dns("b.test", name="a.test"), dns(RESPONDER, name="b.test", time=1)), Context())
    host = case.host(PARENT)
    assert len(host.lookups["a.test"]) == 2
    assert host.addresses_of("a.test") == {RESPONDER}
    assert host.aliases_of("a.test") == {"a.test", "b.test"}


def test_addresses_are_no_names() -> None:
    assert dns("b.test", "192.0.2.1", "2001:db8::1").addresses == ["192.0.2.1", "2001:db8::1"]
