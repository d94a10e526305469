"""One handshake or exchange that several captures hold counts once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.model import Role
from ocsp_pcap.explain.spans import TIME, some
from ocsp_pcap.explain.visits import Visit
from ocsp_pcap.facts import HandshakeFact, OcspExchangeFact

SAME_EVENT: Final = 2 * SECOND
"""Two captures hold the same packet where it lies within this time, clocks corrected."""

Clock = Callable[[str, int], int]
"""Brings a time of a capture to the reference clock."""


def distinct_visits(
    handshakes: Iterable[HandshakeFact], clock: Clock, role: Callable[[str], Role]
) -> tuple[Visit, ...]:
    """Return the handshakes by time, each with its copies.

    One ClientHello to one server, sent from two addresses, is a copy on the other side of an address
    translation, unless one capture holds both or a proxy is one of the two: then it is a relay.
    """
    groups: dict[tuple[object, ...], list[HandshakeFact]] = {}
    for number, handshake in enumerate(handshakes):
        groups.setdefault(_handshake_key(handshake, number), []).append(handshake)
    visits = []
    for group in groups.values():
        if len(group) == 1:
            visits.append(Visit(group[0], clock(group[0].capture, group[0].time)))
            continue
        for same in (leg for part in _by_server_random(group) for leg in _by_client(part, role)):
            best = max(same, key=lambda h: (len(h.certificates), h.complete, len(h.staples)))
            copies = tuple([handshake for handshake in same if handshake is not best])
            visits.append(Visit(best, clock(best.capture, best.time), copies))
    return tuple(sorted(visits, key=TIME))


def _handshake_key(handshake: HandshakeFact, number: int) -> tuple[object, ...]:
    if handshake.client_random is None:
        return (number,)
    # Address translation between two vantages changes the client's address, a tunnelling proxy
    # changes the server's, too (the client spoke to the proxy).
    return (handshake.client_random, handshake.server, handshake.server_port)


def _by_client(handshakes: list[HandshakeFact], role: Callable[[str], Role]) -> list[list[HandshakeFact]]:
    """Part the legs of one ClientHello that some host handed on under its own address."""
    by_client: dict[str, list[HandshakeFact]] = {}
    for handshake in handshakes:
        by_client.setdefault(handshake.client, []).append(handshake)
    if len(by_client) == 1:
        return [handshakes]
    captures = [{handshake.capture for handshake in same} for same in by_client.values()]
    one_capture = len(set().union(*captures)) < sum(map(len, captures))
    roles = {role(client) for client in by_client}
    relayed = "parent" in roles and len(roles) > 1 and roles != {"parent", "unknown"}
    return list(by_client.values()) if one_capture or relayed else [handshakes]


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
    kept = _without_parts(kept, clock, same_clock)
    return tuple(sorted(kept, key=lambda exchange: clock(exchange.capture, exchange.time)))


def _without_parts(
    exchanges: list[OcspExchangeFact], clock: Clock, same_clock: Callable[[str, str], bool]
) -> list[OcspExchangeFact]:
    """Leave out exchanges of which another capture holds all that these hold, and more."""
    if len({exchange.capture for exchange in exchanges}) < 2:
        return exchanges
    connections: dict[tuple[object, ...], list[OcspExchangeFact]] = defaultdict(list)
    for exchange in exchanges:
        if exchange.requests and exchange.response is not None:
            connections[exchange.client, exchange.client_port, exchange.server].append(exchange)

    def is_part(part: OcspExchangeFact) -> bool:
        if (part.requests and part.response is not None) or not part.client_port:
            return False
        wholes = connections.get((part.client, part.client_port, part.server), ())
        return any(
            whole.capture != part.capture
            and same_clock(whole.capture, part.capture)
            and part.requests in ((), whole.requests)
            and part.http_status in (None, whole.http_status)
            and (part.response is None or part.response == whole.response)
            and any(abs(one - other) <= SAME_EVENT for one in times(whole) for other in times(part))
            for whole in some(wholes)
        )

    def times(exchange: OcspExchangeFact) -> Iterator[int]:
        yield clock(exchange.capture, exchange.time)
        if exchange.response_time is not None:
            yield clock(exchange.capture, exchange.response_time)

    return [exchange for exchange in exchanges if not is_part(exchange)]
