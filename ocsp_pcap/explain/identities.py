"""Which addresses belong to one proxy: it is asked at one and goes on from another."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.site import ProxyRole, Site
from ocsp_pcap.facts import HandshakeFact

FOLLOWS: Final = 5 * SECOND
"""A proxy goes on to the origin within this time of the request, where nothing but time tells."""
LEAD: Final = SECOND
HOSTS_THAT_AGREE: Final = 2
"""Hosts that must be visited in step before two addresses count as one proxy."""


def proxy_identities(
    handshakes: Sequence[HandshakeFact],
    site: Site,
    capture_roles: Mapping[str, ProxyRole],
    clock: Callable[[str, int], int],
) -> dict[str, str]:
    """Return, for addresses of a proxy, the address under which the same proxy is a TLS client.

    Inferred, in this order, from the site file, from one ClientHello on both sides of a proxy, from the
    captures' vantages (whom the child asks is who speaks TLS in the parent's capture), and from
    visits of the same hosts in step.
    """
    clients = {handshake.client for handshake in handshakes}
    identities: dict[str, str] = {}
    for proxy in site.proxies:
        # Several TLS clients among the addresses are several proxies of one role, not one proxy.
        if len(own := sorted(proxy.addresses & clients)) == 1:
            identities.update(dict.fromkeys(proxy.addresses, own[0]))
    known = {a for proxy in site.proxies if not proxy.more_addresses for a in proxy.addresses}
    targets = ({h.server for h in handshakes if _proxied(h)} | _relaying(handshakes)) - clients - known
    for pairs in (
        _by_random(handshakes, targets),
        _by_vantage(handshakes, targets, capture_roles),
        _by_steps(handshakes, targets, clock),
    ):
        for target, client in pairs.items():
            identities.setdefault(target, client)
    return identities


def _relaying(handshakes: Iterable[HandshakeFact]) -> set[str]:
    """Return the servers that a hello reached which the same capture holds again between others.

    However it learned where to go on (what stood before the hello may be missing): it hands the hello on.
    """
    legs: dict[tuple[str, str], list[HandshakeFact]] = defaultdict(list)
    for handshake in handshakes:
        if handshake.client_random is not None:
            legs[handshake.capture, handshake.client_random].append(handshake)
    found: set[str] = set()
    for same in legs.values():
        for before, after in pairwise(same):
            if before.client != after.client and before.server != after.server:
                found.add(min(before, after, key=lambda leg: (leg.tunnel is None, leg.time)).server)
    return found


def _by_random(handshakes: Iterable[HandshakeFact], targets: set[str]) -> dict[str, str]:
    by_random: dict[str, list[HandshakeFact]] = defaultdict(list)
    for handshake in handshakes:
        if handshake.client_random is not None:
            by_random[handshake.client_random].append(handshake)
    found: dict[str, str] = {}
    for same in by_random.values():
        if len(same) == 1:
            continue
        # Of two legs of one capture the later one is further out; of two captures only that leg
        # certainly is which goes through no proxy any more.
        legs = sorted(same[: BOUNDS.legs], key=lambda leg: (not _proxied(leg), leg.time))
        for inner in same:
            if inner.server in targets and inner.server not in found:
                outer = next((leg for leg in legs if _may_relay(leg, inner)), None)
                if outer is not None:
                    found[inner.server] = outer.client
                elif len(same) > len(legs):
                    reached("legs")
    return found


def _may_relay(outer: HandshakeFact, inner: HandshakeFact) -> bool:
    """A proxy may have sent on the hello of the inner leg on the outer one."""
    return (
        outer.client != inner.client
        and outer.server not in (inner.server, inner.client)
        and (not _proxied(outer) or (outer.capture == inner.capture and outer.time >= inner.time))
    )


def _proxied(handshake: HandshakeFact) -> bool:
    return handshake.tunnel in ("connect", "socks")


def _by_vantage(
    handshakes: Iterable[HandshakeFact], targets: set[str], capture_roles: Mapping[str, ProxyRole]
) -> dict[str, str]:
    asked: set[str] = set()
    going_on: set[str] = set()
    for handshake in handshakes:
        role = capture_roles.get(handshake.capture)
        if role == "child" and handshake.server in targets:
            asked.add(handshake.server)
        elif role == "parent" and not _proxied(handshake) and handshake.transport == "tcp":
            # What a tunnel over TCP carries goes on over TCP; QUIC is somebody's who is routed past.
            going_on.add(handshake.client)
    return {asked.pop(): going_on.pop()} if len(asked) == 1 and len(going_on) == 1 else {}


def _by_steps(
    handshakes: Sequence[HandshakeFact], targets: set[str], clock: Callable[[str, int], int]
) -> dict[str, str]:
    direct: dict[str, list[tuple[int, str]]] = defaultdict(list)
    through: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    askers = {h.client for h in handshakes if _proxied(h)}
    for handshake in handshakes:
        time = clock(handshake.capture, handshake.time)
        if handshake.sni is not None and not _proxied(handshake) and handshake.client not in askers:
            direct[handshake.sni].append((time, handshake.client))
        host = handshake.connect_host or handshake.sni
        if handshake.server in targets and host is not None:
            through[host][handshake.server].append(time)
    agreeing: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    compared = 0
    for host, times in through.items():
        for server, begins in times.items() if host in direct else ():
            compared += len(direct[host])
            if compared > BOUNDS.agreeing_visits:
                reached("agreeing_visits")
                return {}
            begins.sort()
            for time, client in direct[host]:
                nearest = bisect_left(begins, time - FOLLOWS)
                if nearest < len(begins) and begins[nearest] <= time + LEAD:
                    agreeing[server][client].add(host)
    found: dict[str, str] = {}
    for target, candidates in agreeing.items():
        ranked = sorted(candidates.items(), key=lambda item: -len(item[1]))
        if len(ranked[0][1]) >= HOSTS_THAT_AGREE and (
            len(ranked) == 1 or len(ranked[1][1]) < len(ranked[0][1])
        ):
            found[target] = ranked[0][0]
    return found
