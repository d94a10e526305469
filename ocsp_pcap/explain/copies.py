"""One handshake or exchange that several captures hold counts once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.spans import TIME
from ocsp_pcap.explain.visits import Visit
from ocsp_pcap.facts import HandshakeFact, OcspExchangeFact

SAME_EVENT: Final = 2 * SECOND
"""Two captures hold the same packet where it lies within this time, clocks corrected."""

Clock = Callable[[str, int], int]
"""Brings a time of a capture to the reference clock."""


def distinct_visits(handshakes: Iterable[HandshakeFact], clock: Clock) -> tuple[Visit, ...]:
    """Return the handshakes by time, each with its copies."""
    groups: dict[tuple[object, ...], list[HandshakeFact]] = {}
    for number, handshake in enumerate(handshakes):
        groups.setdefault(_handshake_key(handshake, number), []).append(handshake)
    visits = []
    for same in (part for group in groups.values() for part in _by_server_random(group)):
        best = max(same, key=lambda h: (len(h.certificates), h.complete, len(h.staples)))
        copies = tuple(handshake for handshake in same if handshake is not best)
        visits.append(Visit(best, clock(best.capture, best.time), copies))
    return tuple(sorted(visits, key=TIME))


def _handshake_key(handshake: HandshakeFact, number: int) -> tuple[object, ...]:
    if handshake.client_random is None:
        return (number,)
    # Address translation between two vantages changes the client's address, a tunnelling proxy
    # changes the server's, too (the client spoke to the proxy).
    return (handshake.client_random, handshake.server, handshake.server_port)


def _by_server_random(handshakes: list[HandshakeFact]) -> list[list[HandshakeFact]]:
    """Part handshakes of one ClientHello random that different ServerHellos answered: they are not one."""
    parts: dict[str | None, list[HandshakeFact]] = {}
    for handshake in handshakes:
        parts.setdefault(handshake.server_random, []).append(handshake)
    unanswered = parts.pop(None, []) if len(parts) > 1 else []
    groups = list(parts.values())
    groups[0] += unanswered
    return groups


def distinct_exchanges(
    exchanges: Iterable[OcspExchangeFact], clock: Clock, same_clock: Callable[[str, str], bool]
) -> tuple[OcspExchangeFact, ...]:
    """Return the exchanges by time, without copies; ``same_clock``: two captures' times can be compared."""
    kept: list[OcspExchangeFact] = []
    by_key: dict[tuple[object, ...], dict[str, list[OcspExchangeFact]]] = defaultdict(dict)
    paired: set[tuple[int, str]] = set()
    for exchange in exchanges:
        response = exchange.response.sha256 if exchange.response else None
        key = (exchange.client, exchange.client_port, exchange.server, exchange.requests, response)
        time = clock(exchange.capture, exchange.time)
        twin = next(
            (
                twin
                for capture, twins in by_key[key].items()
                if capture != exchange.capture
                for twin in twins
                if (id(twin), exchange.capture) not in paired
                and (
                    not same_clock(capture, exchange.capture)
                    or abs(clock(capture, twin.time) - time) <= SAME_EVENT
                )
            ),
            None,
        )
        if twin is not None:
            paired.add((id(twin), exchange.capture))
        else:
            by_key[key].setdefault(exchange.capture, []).append(exchange)
            kept.append(exchange)
    return tuple(sorted(kept, key=lambda exchange: clock(exchange.capture, exchange.time)))
