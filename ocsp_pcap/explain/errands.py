"""Errands of a proxy: what it looks up, connects to and fetches because a host behind it asked for that.

It need never send the request on: where the name does not resolve, or nobody answers, the errand is all that
the outer side shows, and the request on the inner side tells whose it is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from ocsp_pcap.bounds import reached
from ocsp_pcap.explain.askers import LEAD, RELAY, Askers
from ocsp_pcap.explain.clocks import DISORDER, SECOND, Dated
from ocsp_pcap.explain.lookups import lookups_by_name
from ocsp_pcap.explain.responders import host_and_port
from ocsp_pcap.facts import CrlFetchFact, DnsLookupFact, OcspExchangeFact, TcpAttemptFact

PATIENCE: Final = 15 * SECOND
"""So long after a request that nobody answered a proxy may still be at it."""
LONGEST: Final = 60 * SECOND
"""Requests from before this do not matter any more."""

Errand: TypeAlias = DnsLookupFact | TcpAttemptFact
Order: TypeAlias = OcspExchangeFact | CrlFetchFact | TcpAttemptFact


class Errands:
    """Errands that hosts run for others. Built once, only read afterwards."""

    def __init__(
        self,
        exchanges: Sequence[OcspExchangeFact],
        fetches: Sequence[CrlFetchFact],
        lookups: Iterable[DnsLookupFact],
        attempts: Iterable[TcpAttemptFact],
        askers: Askers,
        identity: Callable[[str], str],
        moment: Callable[[Dated], int],
    ) -> None:
        self._identity = identity
        self._moment = moment
        self._names: dict[tuple[str, str], set[str]] = defaultdict(set)
        cut: set[tuple[str, str]] = set()
        for (host, name), found in lookups_by_name(lookups, identity, cut).items():
            for address in (address for lookup in found for address in lookup.addresses):
                self._names[host, address].add(name)
        self._spans: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        self._inner_fetches: dict[tuple[str, str], list[CrlFetchFact]] = defaultdict(list)
        for exchange in exchanges:
            if exchange.via_proxy:
                self._ordered(exchange, exchange.server, _target(exchange.url), exchange.response_time)
            if askers.credit(exchange).relayed:
                inner = askers.copied_from(exchange) or exchange
                self._handed_on(exchange, moment(inner))
        for fetch in fetches:
            if fetch.url is not None and fetch.via_proxy:
                self._inner_fetches[identity(fetch.server), fetch.url].append(fetch)
                self._ordered(fetch, fetch.server, _target(fetch.url), None)
        for attempt in attempts:
            if attempt.host is not None:
                self._ordered(attempt, attempt.server, attempt.host.rstrip(".").lower(), None)
        for spans in self._spans.values():
            spans.sort()
        self._busy = {host for host, _ in self._spans}
        if any(host in self._busy for host, _ in cut):
            # For whom it looked up, or connected, is not certain of anything then.
            reached("cnames")

    def for_another(self, errand: Errand) -> bool:
        """Tell whether a lookup or connection follows from a request that its host was to hand on."""
        host = self._identity(errand.client)
        if host not in self._busy:
            return False
        time = self._moment(errand)
        return any(_within(self._spans.get((host, name), ()), time) for name in self.targets(errand))

    def targets(self, errand: Errand) -> set[str]:
        """Return what a lookup or connection is for: a name, or an address and the names that have it."""
        if isinstance(errand, DnsLookupFact):
            return {errand.name.rstrip(".").lower()}
        if errand.host is not None:
            return {errand.host.rstrip(".").lower()}
        return {errand.server} | self._names.get((self._identity(errand.client), errand.server), set())

    def fetched_for_another(self, fetch: CrlFetchFact) -> bool:
        """Tell whether a CRL was fetched for a host behind: the request says so, or came in just before."""
        if fetch.relayed_for is not None:
            return True
        sender, time = self._identity(fetch.client), self._moment(fetch)
        return any(
            self._identity(inner.client) != sender and -LEAD <= time - self._moment(inner) <= RELAY
            for inner in self._inner_fetches.get((sender, fetch.url or ""), ())
        )

    def _ordered(self, order: Order, server: str, target: str | None, answered: int | None) -> None:
        """Note that a host was asked to reach a target: what it does for it lies until the answer."""
        proxy = self._identity(server)
        if target is None or target == server or proxy == self._identity(order.client):
            return
        begin = self._moment(order)
        end = begin + (PATIENCE if answered is None else answered - order.time)
        self._spans[proxy, target].append((begin - DISORDER, end + DISORDER))

    def _handed_on(self, exchange: OcspExchangeFact, since: int) -> None:
        sender, sent = self._identity(exchange.client), self._moment(exchange)
        spans = ((since, since + RELAY), (sent - LEAD, sent))
        for target in {_target(exchange.url), exchange.server} - {None}:
            assert target is not None
            self._spans[sender, target].extend(spans)


def _target(url: str | None) -> str | None:
    found = host_and_port(url)
    return found[0] if found is not None else None


def _within(spans: Sequence[tuple[int, int]], time: int) -> bool:
    """Tell whether a time lies in one of some spans, ordered by their begin."""
    last = bisect_left(spans, (time + 1, 0))
    first = bisect_left(spans, (time - LONGEST, 0))
    return any(begin <= time <= end for begin, end in spans[first:last])
