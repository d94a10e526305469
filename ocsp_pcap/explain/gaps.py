"""Connections that must have been there and are not in the capture: whole ones are lost without a trace."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from typing import Final

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.intervals import LATE
from ocsp_pcap.explain.spans import TIME
from ocsp_pcap.facts import DnsLookupFact

AT_ONCE: Final = SECOND // 2
"""Lookups of one name at several resolvers within this time are one, and a connection follows so soon."""
CONNECTS: Final = 5 * SECOND
"""Who looked up a responder connects to it within this time."""


def connections_missing(case: Case) -> dict[str, str]:
    """Return, by identity of a host, a name that it looked up once more than it connected.

    Only names to which it is seen to connect at other times: then the capture shows such connections.
    """
    found: dict[str, str] = {}
    for identity, host in case.hosts.items():
        for name, lookups in host.lookups.items():
            if any(True for _ in _unfollowed(case, host, name, lookups)):
                found.setdefault(identity, name)
    return found


def _unfollowed(case: Case, host: Host, name: str, lookups: Sequence[DnsLookupFact]) -> Iterator[int]:
    """Yield the times of lookups that brought an address, and for which no connection or request is left.

    Each is for one lookup: the first one that is there already, and was not caused by a handshake after it.
    """
    answered = [lookup for lookup in lookups if lookup.addresses and not lookup.truncated]
    places = {name} | {address for lookup in answered for address in lookup.addresses}
    uses = _uses(case, host, places)
    if not uses:
        return
    for same in _by_kind(answered):
        waiting = iter(uses)
        following = next(waiting, None)
        ready: list[int] = []
        for lookup in _sent_once(case, same):
            begin = case.moment(lookup)
            while following is not None and following[0] <= begin:
                heappush(ready, following[1])
                following = next(waiting, None)
            while ready and ready[0] < begin:
                heappop(ready)
            if ready and ready[0] <= begin + CONNECTS:
                heappop(ready)
            elif case.coverage.rest_after(lookup.capture, lookup.time) > AT_ONCE:
                yield begin


def _uses(case: Case, host: Host, places: set[str]) -> list[tuple[int, int]]:
    """Return connections and requests to some places: since when there was cause for each, and its time."""
    opened = {
        (attempt.capture, attempt.stream): case.moment(attempt)
        for place in places
        for attempt in host.attempts.get(place, ())
    }
    caused = case.once(_causes, host)
    uses: list[tuple[int, int]] = []
    for exchange in host.exchanges:
        if exchange.server in places:
            moment = case.moment(exchange)
            time = opened.pop((exchange.capture, exchange.stream), moment)
            uses.append((min(caused.get(id(exchange), 0), time), time))
    return sorted([*uses, *((0, time) for time in opened.values())])


def _causes(case: Case, host: Host) -> dict[int, int]:
    """Return, by the id of an exchange, since when there may have been cause for it: the first handshake.

    Where none is in sight, nothing is known of that.
    """
    found: dict[int, int] = {}
    for sha256, queries in host.queries.items():
        received = host.received.get(sha256, ())
        for query in queries:
            since = [
                visits[first].time
                for visits in (received, host.hidden)
                if (first := bisect_left(visits, query.time - LATE, key=TIME)) < len(visits)
                and visits[first].time <= query.time
            ]
            if since:
                known = found.setdefault(id(query.exchange), since[0])
                found[id(query.exchange)] = min(known, *since)
    return found


def _by_kind(lookups: Sequence[DnsLookupFact]) -> Iterator[list[DnsLookupFact]]:
    """Part lookups by what makes them others than one connection needs: type, alias, and another capture."""
    parts: dict[tuple[str, str, str], list[DnsLookupFact]] = defaultdict(list)
    for lookup in lookups:
        # Some resolvers ask for the target of a CNAME, too, whose address came with it.
        parts[lookup.capture, lookup.type, lookup.name.rstrip(".").lower()].append(lookup)
    yield from parts.values()


def _sent_once(case: Case, lookups: Sequence[DnsLookupFact]) -> Iterator[DnsLookupFact]:
    """Leave out those that repeat what another resolver was asked just before, and copies of packets."""
    last: DnsLookupFact | None = None
    on_stream: dict[tuple[str, int], int] = {}
    for lookup in lookups:
        time, stream = case.moment(lookup), (lookup.transport, lookup.stream)
        before = on_stream.get(stream)
        on_stream[stream] = time
        # Of what was sent again, or captured twice, the second answer may be there without a request.
        room = AT_ONCE if lookup.frames.request is not None else CONNECTS
        if before is not None and lookup.transport == "udp" and time - before <= room:
            continue
        if last is None or last.server == lookup.server or time - case.moment(last) > AT_ONCE:
            last = lookup
            yield lookup
