"""Clocks of several captures."""

from __future__ import annotations

from typing import Any

from ocsp_pcap.explain.clocks import ClockOffset, clock_offsets
from ocsp_pcap.explain.engine import explain

from .facts_factory import (
    CHILD,
    CLIENT,
    PARENT_INSIDE,
    SECOND,
    certificate,
    exchange,
    facts,
    handshake,
    outcome,
)

HOSTS = ("shop.test", "other.test", "third.test")


def seen(capture: str, *, late: float = 0, random: str = "", **more: Any) -> list[Any]:
    """Visits of three hosts, at 0, 10 and 25 seconds by a clock that is late by so many seconds."""
    times = zip(HOSTS, (0, 10, 25), strict=True)
    return [
        handshake(host, time=t - late, capture=capture, random=f"{random}{n:02x}" if random else "", **more)
        for n, (host, t) in enumerate(times)
    ]


def child(capture: str = "child.pcap", **more: Any) -> list[Any]:
    return seen(capture, **({"client": CHILD, "server": PARENT_INSIDE, "proxied": True} | more))


def offsets(*handshakes: list[Any]) -> dict[str, ClockOffset]:
    return {offset.capture: offset for offset in clock_offsets([h for group in handshakes for h in group])}


def test_what_to_add_to_a_clock_that_is_minutes_late() -> None:
    offset = offsets(seen("a.pcap", random="a"), seen("b.pcap", late=180, random="a"))["b.pcap"]
    assert offset.offset == 180 * SECOND
    assert (offset.reference, offset.matches, offset.same_packets) == ("a.pcap", 3, True)
    assert offset.significant


def test_what_to_take_from_a_clock_that_is_ahead() -> None:
    found = offsets(seen("a.pcap", random="a"), seen("b.pcap", late=-180, random="a"))
    assert found["b.pcap"].offset == -180 * SECOND


def test_network_latency_is_no_offset() -> None:
    offset = offsets(seen("a.pcap", random="a"), seen("b.pcap", late=-0.08, random="a"))["b.pcap"]
    assert not offset.significant


def test_offsets_add_up_along_captures() -> None:
    """The first and the third share nothing; both share something with the second."""
    middle = [*seen("b.pcap", late=100, random="a"), *seen("b.pcap", late=100, random="c")]
    found = offsets(seen("a.pcap", random="a"), middle, seen("c.pcap", late=130, random="c"))
    assert found["b.pcap"].offset == 100 * SECOND
    assert found["c.pcap"].offset == 130 * SECOND
    assert found["c.pcap"].reference == "a.pcap"


def test_visits_of_the_same_hosts_on_both_sides_of_a_proxy() -> None:
    offset = offsets(child(), seen("parent.pcap", late=240))["parent.pcap"]
    assert offset.offset == 240 * SECOND
    assert (offset.matches, offset.same_packets) == (3, False)


def test_one_host_alone_tells_no_offset() -> None:
    assert offsets(child()[:1], seen("parent.pcap", late=240)[:1]) == {}
    near = offsets(child()[:1], seen("parent.pcap", late=-0.1)[:1])
    assert not near["parent.pcap"].significant


def test_a_client_that_comes_back_later_tells_nothing_of_clocks() -> None:
    """The same hosts in the same rhythm, hours later: two captures of one host, not two clocks."""
    for more in ({}, {"proxied": True, "server": PARENT_INSIDE}):
        assert offsets(seen("am.pcap", **more), seen("pm.pcap", late=-5 * 3600, **more)) == {}
    two_clients = offsets(child("am.pcap"), child("pm.pcap", late=-5 * 3600, client=CLIENT))
    assert two_clients == {}


def test_captures_that_share_nothing_have_no_offset() -> None:
    assert offsets(seen("a.pcap"), [handshake("else.test", capture="b.pcap")]) == {}


def test_an_offset_is_told_to_the_user_with_its_direction() -> None:
    for late, words in ((90, "behind"), (-90, "ahead of")):
        notes = explain(facts(*seen("a.pcap", random="a"), *seen("b.pcap", late=late, random="a"))).notes
        assert any(f"the clock of b.pcap is 90.0 s {words} that of a.pcap" in note for note in notes)


def test_a_query_is_put_in_order_by_the_corrected_clock() -> None:
    """By its own clock the query came long before the handshake that triggered it."""
    shop = certificate()
    seen_by_both = [
        handshake("shop.test", shop, random="aa", capture="a.pcap"),
        handshake("shop.test", shop, random="aa", capture="b.pcap", time=-600),
    ]
    query = exchange(shop, time=-599, capture="b.pcap")
    assert outcome(facts(shop, *seen_by_both, query)) == ("queried", "confirmed")
