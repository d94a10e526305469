"""A proxy that only tunnels: the same hello on both of its sides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ocsp_pcap.explain.engine import explain
from tests.unit.explain.facts_factory import (
    CHILD,
    CLIENT,
    ORIGIN,
    PARENT,
    PARENT_INSIDE,
    alternatives,
    capture,
    certificate,
    exchange,
    facts,
    frames,
    handshake,
    outcome,
    site,
    verdict,
    verdicts,
)

shop = certificate()

inner = handshake("shop.test", shop, client=CHILD, server=PARENT_INSIDE, proxied=True, random="aa")

outer = handshake("shop.test", shop, random="aa", time=0.1)

both_proxies = site(child={"intercepts": True}, parent={})


def test_the_same_hello_on_both_sides() -> None:
    found = verdict(facts(shop, inner, outer), site=both_proxies)
    assert (found.presence, found.cause, found.confidence) == ("absent", "not-intercepted", "confirmed")
    assert frames(found) >= {inner.frames.client_hello, outer.frames.client_hello}
    assert f"{CHILD} is the TLS client" in found.summary


@pytest.mark.parametrize("captures", [("a.pcap", "a.pcap"), ("a.pcap", "b.pcap")], ids=["one", "two"])
def test_a_site_file_that_makes_one_host_of_two_turns_no_tunnel_round(captures: tuple[str, str]) -> None:
    """It calls the client and the origin one host, so that the hello seems to come back to the client."""
    legs = [replace(leg, capture=capture) for leg, capture in zip((inner, outer), captures, strict=True)]
    told = site(
        child={"addresses": frozenset({CHILD, ORIGIN})}, parent={"addresses": frozenset({"10.9.9.9"})}
    )
    found = verdicts(facts(shop, *legs), site=told)[CHILD, "shop.test"]
    assert (found.cause, found.confidence) != ("not-intercepted", "confirmed")


def test_a_site_file_tells_both_addresses_of_a_tunnel() -> None:
    """Which side is which, the CONNECT tells, and in one capture the time."""
    told = site(child={}, parent={"addresses": frozenset({PARENT, PARENT_INSIDE})})
    assert outcome(facts(shop, inner, replace(outer, capture="b.pcap")), site=told)[1] == "confirmed"
    transparent = replace(inner, tunnel=None, connect_host=None)
    assert outcome(facts(shop, transparent, outer), site=told)[1] == "confirmed"
    assert outcome(facts(shop, transparent, replace(outer, capture="b.pcap")), site=told)[1] == "likely"


def test_the_child_behind_the_tunnel_is_judged_by_itself() -> None:
    seen = facts(shop, inner, outer, exchange(shop, client=CHILD))
    assert outcome(seen, CHILD, site=both_proxies) == ("queried", "confirmed")
    assert outcome(seen, PARENT, site=both_proxies) == ("not-intercepted", "confirmed")


def test_a_proxy_that_reads_along_and_asks_is_told_by_its_query() -> None:
    seen = facts(shop, inner, outer, exchange(shop))
    found = verdicts(seen, site=both_proxies)
    for address, cause, doubt in (
        (PARENT, "not-intercepted", "may-tunnel"),
        (CHILD, "queried", "other-asker"),
    ):
        verdict_here = found[address, "shop.test"]
        assert (verdict_here.cause, [d.code for d in verdict_here.doubts]) == (cause, [doubt])
    reads = site(child={"intercepts": True}, parent={"validates_tunnels": True})
    assert outcome(seen, site=reads)[0] == "queried"


def test_two_tunnels_in_a_row_lead_back_to_the_client() -> None:
    first = handshake("shop.test", shop, client=CLIENT, server=CHILD, proxied=True, random="aa", time=-0.1)
    found = verdicts(facts(shop, first, inner, outer), site=both_proxies)
    for proxy in (CHILD, PARENT):
        assert found[proxy, "shop.test"].cause == "not-intercepted"
        assert f"{CLIENT} is the TLS client" in found[proxy, "shop.test"].summary


def test_another_server_hello_means_that_the_proxy_answered_itself() -> None:
    answered = handshake("shop.test", shop, random="aa", server_random="bb", time=0.1)
    assert outcome(facts(shop, inner, answered), site=both_proxies)[0] != "not-intercepted"
    unseen = handshake("shop.test", shop, random="aa", server_random=None, time=0.1)
    assert outcome(facts(shop, inner, unseen), site=both_proxies) == ("not-intercepted", "likely")


def test_another_hello_means_interception() -> None:
    own = handshake("shop.test", shop, time=0.1)
    assert outcome(facts(shop, inner, own), site=both_proxies)[0] != "not-intercepted"


def test_address_translation_is_no_tunnel() -> None:
    """The same hello to the same server from two addresses is one visit."""
    inside = handshake("shop.test", shop, client=CLIENT, random="aa", capture="inside.pcap")
    outside = handshake("shop.test", shop, client=PARENT, random="aa", capture="outside.pcap")
    found = explain(facts(shop, inside, outside)).verdicts
    assert [(v.validator.address, v.cause) for v in found] == [(CLIENT, "unexplained")]


def test_translation_of_the_server_s_address_is_no_tunnel() -> None:
    to_service = handshake("shop.test", shop, client=CLIENT, random="aa", server="192.0.2.80")
    to_server = handshake("shop.test", shop, client=CLIENT, random="aa", server=ORIGIN)
    assert outcome(facts(shop, to_service, to_server), CLIENT)[0] != "not-intercepted"


def test_the_site_file_says_that_the_proxy_does_not_intercept() -> None:
    told = site(parent={"intercepts": False})
    assert outcome(facts(shop, outer), site=told) == ("not-intercepted", "likely")
    contradicted = verdict(facts(shop, outer, exchange(shop)), site=told)
    assert (contradicted.cause, contradicted.confidence) == ("not-intercepted", "likely")
    assert "queried" in alternatives(contradicted)


def test_a_proxy_whose_inner_side_was_not_captured_may_tunnel() -> None:
    assert "not-intercepted" in alternatives(verdict(facts(shop, outer), site=site(parent={})))
    told = site(parent={"intercepts": True})
    assert "not-intercepted" not in alternatives(verdict(facts(shop, outer), site=told))
    served = facts(shop, inner, handshake("shop.test", shop, time=0.1))
    assert "not-intercepted" not in alternatives(verdict(served, site=site(parent={})))
    client = facts(shop, handshake("shop.test", shop, client=CLIENT))
    assert "not-intercepted" not in alternatives(verdict(client, CLIENT))


@pytest.mark.parametrize(
    ("step", "sure"),
    [(0, "confirmed"), (20 * 10**6, "likely"), (3 * 10**9, "likely")],
    ids=["in order", "several queues", "the clock was set back"],
)
def test_where_packets_are_out_of_order_time_does_not_tell_which_side_is_which(step: int, sure: str) -> None:
    """Two legs of a transparent proxy with an address of its own on either side."""
    seen = [
        handshake("shop.test", shop, client=CHILD, server=PARENT_INSIDE, random="ab"),
        handshake("shop.test", shop, random="ab", time=0.01),
    ]
    assert outcome(facts(shop, capture(step_back=step), *seen), site=both_proxies) == (
        "not-intercepted",
        sure,
    )
    between_two = [replace(seen[0], server=PARENT), seen[1]]
    told = outcome(facts(shop, capture(step_back=step), *between_two), site=both_proxies)
    assert told == ("not-intercepted", "confirmed")
