"""Connections that must have been there and are not in the capture: whole ones are lost without a trace."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.spans import between
from ocsp_pcap.facts import DnsLookupFact

AT_ONCE: Final = SECOND // 2
"""Lookups of one name within this time are one: of both address families, or sent again."""
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
    """Yield the times of lookups that brought an address, and no connection before the next of the name."""
    answered = [lookup for lookup in lookups if lookup.addresses]
    places = {name} | {address for lookup in answered for address in lookup.addresses}
    opened = sorted(case.moment(attempt) for place in places for attempt in host.attempts.get(place, ()))
    spoken = sorted(case.moment(exchange) for exchange in host.exchanges if exchange.server in places)
    if not opened:
        return
    begins = [case.moment(lookup) for lookup in answered]
    for lookup, begin in zip(answered, begins, strict=True):
        following = bisect_right(begins, begin + AT_ONCE)
        end = min((begin + CONNECTS, *(time - 1 for time in begins[following : following + 1])))
        rest = case.coverage.rest_after(lookup.capture, lookup.time)
        if (
            begin + rest > end
            and not between(opened, begin, end, int)
            and not between(spoken, begin, end, int)
        ):
            yield begin
