"""The legs of one user request across the proxy chain, matched from captures of both sides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.hellos import differ
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.model import Chain, Leg
from ocsp_pcap.explain.spans import between, nearest_first
from ocsp_pcap.explain.visits import Visit
from ocsp_pcap.facts import HandshakeFact

UPSTREAM_WINDOW: Final = 30 * SECOND
"""A proxy opens its own connection to the origin this soon after the request that it serves."""
UPSTREAM_LEAD: Final = 2 * SECOND
"""Clocks are corrected, and a proxy may connect before the handshake that it answers begins."""


def upstream_visit(case: Case, visit: Visit) -> Visit | None:
    """Return the visit that the proxy which served this one made for it, the likeliest one."""
    return case.once(_first_upstream, visit) if visit in case.going_on else None


def _first_upstream(case: Case, visit: Visit) -> Visit | None:
    return next(upstream_visits(case, visit), None)


def upstream_visits(case: Case, visit: Visit) -> Iterator[Visit]:
    """Yield the visits that the proxy which served this one may have made for it, the likeliest first.

    Their client is the host that this leg ends at (or the same proxy by the site file), and they carry
    the same ClientHello random (the proxy tunnels), or go to the same host at the same time.
    """
    relayed = case.hellos.outer_leg(visit)
    if relayed is not None:
        yield relayed
        return
    if visit.host is None:
        return
    for hop in _next_hops(case, visit):
        visits = hop.visits_to.get(visit.host.lower(), [])
        near = between(visits, visit.time - UPSTREAM_LEAD, visit.time + UPSTREAM_WINDOW)
        for other in nearest_first(near, visit.time):
            if (
                other is not visit
                and not differ(_port(visit.handshake), _port(other.handshake))
                # A hello that it only relays is another client's visit.
                and case.hellos.inner_leg(other) is None
            ):
                yield other


def _next_hops(case: Case, visit: Visit) -> Iterator[Host]:
    """Yield the hosts that may have made a connection of their own for this one.

    Whoever it ends at; and where no proxy is addressed, a transparent one: the parent, for the child's.
    """
    handshake = visit.handshake
    end = case.identity(handshake.server)
    if end in case.hosts:
        yield case.hosts[end]
    if handshake.tunnel is None and case.roles.role(handshake.client) == "child":
        here = case.identity(handshake.client)
        for host in case.hosts.values():
            if host.role == "parent" and host.identity not in (here, end):
                yield host


def tunnelled(inner: HandshakeFact, outer: HandshakeFact) -> bool:
    """The host between two legs handed on the ClientHello, and the ServerHello as far as it is known."""
    return (
        inner.client_random is not None
        and inner.client_random == outer.client_random
        and not differ(inner.server_random, outer.server_random)
    )


def _port(handshake: HandshakeFact) -> int | None:
    """Port of the origin; None where it is not known."""
    if handshake.tunnel is not None:
        return handshake.connect_port
    return handshake.server_port or None


def chains(case: Case) -> tuple[Chain, ...]:
    """Return, for each host seen on several legs, what each proxy saw: one chain for each different view."""
    upstream = {visit: upstream_visit(case, visit) for visit in case.visits}
    served = set(upstream.values())
    found: dict[tuple[object, ...], Chain] = {}
    for visit in case.visits:
        if visit in served or upstream[visit] is None:
            continue
        path: list[Visit] = []
        step: Visit | None = visit
        while step is not None and step not in path:
            if len(path) == BOUNDS.legs:
                reached("legs")
                break
            path.append(step)
            step = upstream[step]
        legs = tuple(
            _leg(case, step, path[number - 1] if number else None) for number, step in enumerate(path)
        )
        key = (visit.host, *((leg.validator.address, leg.certificate) for leg in legs))
        found.setdefault(key, Chain(visit.host or visit.handshake.server, legs))
    return tuple(found.values())


def _leg(case: Case, visit: Visit, before: Visit | None) -> Leg:
    handshake = visit.handshake
    chain = case.chain(handshake)
    return Leg(
        validator=case.validator(handshake.client),
        capture=handshake.capture,
        frame=visit.frame,
        stream=handshake.stream,
        certificate=chain[0].sha256 if chain else None,
        subject=chain[0].subject if chain else None,
        issuer=chain[0].issuer if chain else None,
        serial=chain[0].serial if chain else None,
        ocsp_url=next(iter(chain[0].ocsp_urls), None) if chain else None,
        tunnelled=before is not None and tunnelled(before.handshake, handshake),
    )
