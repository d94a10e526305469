"""The legs of one request across the chain."""

from __future__ import annotations

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.chains import upstream_visits
from ocsp_pcap.explain.engine import explain

from .facts_factory import (
    CHILD,
    CLIENT,
    PARENT,
    PARENT_INSIDE,
    certificate,
    facts,
    handshake,
    reissued,
    site,
)

shop, fake = certificate(), reissued()
told = Context(site=site(child={}, parent={}))
first = handshake("shop.test", fake, client=CLIENT, server=CHILD, proxied=True, random="aa")
second = handshake("shop.test", fake, client=CHILD, server=PARENT_INSIDE, proxied=True, random="aa", time=0.1)
third = handshake("shop.test", shop, time=0.2)


def test_what_each_host_of_the_chain_saw() -> None:
    (chain,) = explain(facts(shop, fake, first, second, third), told).chains
    assert chain.host == "shop.test"
    assert [leg.validator.address for leg in chain.legs] == [CLIENT, CHILD, PARENT]
    assert [leg.validator.role for leg in chain.legs] == ["client", "child", "parent"]
    assert [leg.tunnelled for leg in chain.legs] == [False, True, False]
    assert [leg.issuer for leg in chain.legs] == [fake.issuer, fake.issuer, shop.issuer]
    assert [leg.ocsp_url for leg in chain.legs] == [None, None, shop.ocsp_urls[0]]


def test_an_equal_request_again_is_the_same_chain() -> None:
    again = [
        handshake("shop.test", fake, client=CHILD, server=PARENT_INSIDE, proxied=True, time=100),
        handshake("shop.test", shop, time=100.1),
    ]
    once = [handshake("shop.test", fake, client=CHILD, server=PARENT_INSIDE, proxied=True, time=50)]
    once.append(handshake("shop.test", shop, time=50.1))
    assert len(explain(facts(shop, fake, *once, *again), told).chains) == 1


def test_the_nearest_visit_of_the_next_hop_comes_first() -> None:
    inner = handshake("shop.test", fake, client=CHILD, server=PARENT_INSIDE, proxied=True, time=10)
    times = (7, 9, 10.5, 12, 39, 41)
    outer = [handshake("shop.test", shop, time=time) for time in times]
    case = Case(facts(shop, fake, inner, *outer, handshake("else.test", time=10)), told)
    (visit,) = (visit for visit in case.visits if visit.handshake is inner)
    assert [other.handshake for other in upstream_visits(case, visit)] == [outer[n] for n in (2, 1, 3, 4)]


def test_of_a_crowd_only_the_nearest_are_looked_at() -> None:
    inner = handshake("shop.test", fake, client=CHILD, server=PARENT_INSIDE, proxied=True, time=1)
    crowd = [handshake("shop.test", shop, time=1 + n / 100) for n in range(2 * BOUNDS.compared)]
    case = Case(facts(shop, fake, inner, *crowd), told)
    (visit,) = (visit for visit in case.visits if visit.handshake is inner)
    found = [other.handshake for other in upstream_visits(case, visit)]
    assert found == crowd[: BOUNDS.compared]


def test_one_leg_is_no_chain() -> None:
    assert explain(facts(shop, third), told).chains == ()


def test_a_hello_that_was_answered_anew_is_not_tunnelled() -> None:
    anew = handshake("shop.test", shop, random="aa", server_random="bb", time=0.2)
    (chain,) = explain(facts(shop, fake, second, anew), told).chains
    assert [leg.tunnelled for leg in chain.legs] == [False, False]


def test_chains_of_other_hosts_are_left_out_on_request() -> None:
    seen = facts(shop, fake, first, second, third)
    assert len(explain(seen, told, ["*.test"]).chains) == 1
    assert explain(seen, told, ["else.test"]).chains == ()
