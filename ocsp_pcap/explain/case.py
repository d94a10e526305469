"""The facts of a run, put side by side: visits, queries, cache windows, and who made them."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

from ocsp_pcap.explain.clocks import SECOND, ClockOffset, clock_offsets
from ocsp_pcap.explain.copies import distinct_exchanges, distinct_visits
from ocsp_pcap.explain.logs.model import LogEntry
from ocsp_pcap.explain.lookups import addresses, lookups_by_name
from ocsp_pcap.explain.matching import Match, match_cert_id
from ocsp_pcap.explain.model import Validator
from ocsp_pcap.explain.places import Places
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.explain.roles import Roles, assign_roles
from ocsp_pcap.explain.site import Proxy, ProxyRole, Site
from ocsp_pcap.explain.trace import TraceEntry
from ocsp_pcap.explain.visits import Query, Visit, early_repeats
from ocsp_pcap.explain.windows import Window, answer_window
from ocsp_pcap.facts import (
    CaptureFact,
    CertificateFact,
    CrlFetchFact,
    DnsLookupFact,
    Facts,
    HandshakeFact,
    OcspExchangeFact,
    ResponseFact,
    SingleFact,
    TcpAttemptFact,
)

Derived = TypeVar("Derived")
Dated: TypeAlias = OcspExchangeFact | CrlFetchFact | DnsLookupFact | TcpAttemptFact

CONCURRENT = 5 * SECOND
"""Handshakes that start this shortly before a query may wait for one and the same answer."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the user told beyond the captures."""

    site: Site = field(default_factory=Site)
    capture_roles: Mapping[str, ProxyRole] = field(default_factory=dict)
    """Capture path to the proxy whose egress it shows."""
    trace: tuple[TraceEntry, ...] = ()
    logs: tuple[LogEntry, ...] = ()


class Case:
    """Facts and context, indexed for the rules. Built once, only read afterwards."""

    def __init__(self, facts: Facts, context: Context) -> None:
        self.facts = facts
        self.context = context
        self.site = context.site
        self.places = Places(facts.captures)
        self._derived: dict[Callable[[Case], Any], Any] = {}
        self._proxies: dict[str, Proxy | None] = {}
        self.offsets: dict[str, ClockOffset] = {
            offset.capture: offset for offset in clock_offsets(facts.handshakes)
        }
        self.roles: Roles = assign_roles(facts.handshakes, context.site, context.capture_roles, self.clock)
        self.captures: dict[str, CaptureFact] = {capture.path: capture for capture in facts.captures}
        self.visits: tuple[Visit, ...] = distinct_visits(facts.handshakes, self.clock)
        self.exchanges: tuple[OcspExchangeFact, ...] = distinct_exchanges(
            facts.ocsp_exchanges, self.clock, self.same_clock
        )

    def clock(self, capture: str, time: int) -> int:
        """Bring a time of one capture to the reference clock."""
        offset = self.offsets.get(capture)
        return time + offset.offset if offset is not None and offset.significant else time

    def moment(self, fact: Dated) -> int:
        """Return the time of a fact by the reference clock."""
        return self.clock(fact.capture, fact.time)

    def same_clock(self, capture: str, other: str) -> bool:
        """Times of two captures can be compared: one capture, or traffic in both told their offset."""

        def root(path: str) -> str:
            offset = self.offsets.get(path)
            return path if offset is None else offset.reference

        return root(capture) == root(other)

    @cached_property
    def clock_doubt(self) -> int:
        """Nanoseconds by which the captures' clocks differ: one of them is wrong by as much."""
        offsets = (offset.offset for offset in self.offsets.values() if offset.significant)
        return max((abs(offset) for offset in offsets), default=0)

    def validator(self, visit: Visit) -> Validator:
        """Return the host that received the certificate."""
        return Validator(visit.handshake.client, self.roles.role(visit.handshake.client))

    def identity(self, address: str) -> str:
        """Return what is equal for all addresses of one host."""
        return self.roles.identity(address)

    def proxy(self, address: str) -> Proxy | None:
        """Return what the site file says of the host at this address."""
        if address not in self._proxies:
            proxy = self.site.proxy_at(address)
            by_role = self.site.proxy(self.roles.role(address))
            if proxy is None and by_role is not None and (by_role.more_addresses or not by_role.addresses):
                # A proxy that is described without its addresses, or some of them, is told by its role.
                proxy = by_role
            self._proxies[address] = proxy
        return self._proxies[address]

    def chain(self, handshake: HandshakeFact) -> list[CertificateFact]:
        """Return the certificates of a handshake, leaf first."""
        known = self.facts.certificates
        return [known[sha256] for sha256 in handshake.certificates if sha256 in known]

    @cached_property
    def visits_of(self) -> dict[tuple[str, str], list[Visit]]:
        """(identity of the validator, SHA-256 of a certificate of the chain): its visits by time."""
        index: dict[tuple[str, str], list[Visit]] = defaultdict(list)
        for visit in self.visits:
            for sha256 in dict.fromkeys(visit.handshake.certificates):
                if sha256 in self.facts.certificates:
                    index[self.identity(visit.handshake.client), sha256].append(visit)
        return index

    @cached_property
    def queries_of(self) -> dict[tuple[str, str], list[Query]]:
        """(identity of the validator, SHA-256 of the certificate): its queries by time."""
        by_serial: dict[str, list[CertificateFact]] = defaultdict(list)
        for certificate in self.facts.certificates.values():
            by_serial[certificate.serial].append(certificate)
        index: dict[tuple[str, str], list[Query]] = defaultdict(list)
        for exchange in self.exchanges:
            for sha256, match in self._meant(exchange, by_serial).items():
                index[self.identity(exchange.client), sha256].append(
                    self._query(exchange, self.facts.certificates[sha256], match)
                )
        for queries in index.values():
            queries.sort(key=lambda query: query.time)
        return index

    @cached_property
    def asked_by(self) -> dict[str, list[OcspExchangeFact]]:
        """Identity of a host: all OCSP exchanges it took part in as client."""
        index: dict[str, list[OcspExchangeFact]] = defaultdict(list)
        for exchange in self.exchanges:
            index[self.identity(exchange.client)].append(exchange)
        return index

    @cached_property
    def askers_of(self) -> dict[str, list[str]]:
        """SHA-256 of a certificate: identities of the hosts that asked about it."""
        index: dict[str, list[str]] = defaultdict(list)
        for identity, sha256 in self.queries_of:
            index[sha256].append(identity)
        return index

    @cached_property
    def asked_by_strangers(self) -> set[str]:
        """SHA-256 of the certificates that some host asked about that was not seen to receive them."""
        return {key[1] for key in self.queries_of if key not in self.visits_of}

    def once(self, derive: Callable[[Case], Derived]) -> Derived:
        """Return what a function derives from this case; it is called when that is first asked for."""
        if derive not in self._derived:
            self._derived[derive] = derive(self)
        derived: Derived = self._derived[derive]
        return derived

    @cached_property
    def unmatched(self) -> tuple[OcspExchangeFact, ...]:
        """Exchanges for certificates that no handshake of their sender showed."""
        matched = {
            id(query.exchange)
            for key, queries in self.queries_of.items()
            if key in self.visits_of
            for query in queries
        }
        return tuple(exchange for exchange in self.exchanges if id(exchange) not in matched)

    @cached_property
    def unmatched_by(self) -> dict[str, list[OcspExchangeFact]]:
        """Identity of a host: its exchanges for certificates that it was not seen to receive, by time."""
        index: dict[str, list[OcspExchangeFact]] = defaultdict(list)
        for exchange in self.unmatched:
            index[self.identity(exchange.client)].append(exchange)
        return index

    @cached_property
    def hidden_by(self) -> dict[str, list[Visit]]:
        """Identity of a validator: its visits whose certificate is encrypted, by time."""
        index: dict[str, list[Visit]] = defaultdict(list)
        for visit in self.visits:
            if visit.handshake.certificate_encrypted:
                index[self.identity(visit.handshake.client)].append(visit)
        return index

    @cached_property
    def trigger_of(self) -> dict[tuple[str, str], dict[int, list[Query]]]:
        """(identity, SHA-256): id of the visit to the queries that this visit triggered."""
        index: dict[tuple[str, str], dict[int, list[Query]]] = {}
        for key, queries in self.queries_of.items():
            visits = self.visits_of.get(key, [])
            times = [visit.time for visit in visits]
            triggered: dict[int, list[Query]] = defaultdict(list)
            for query in queries:
                position = bisect_right(times, query.time)
                if position:
                    triggered[id(visits[position - 1])].append(query)
            index[key] = triggered
        return index

    def window_end(self, query: Query, proxy: Proxy | None) -> int | None:
        """Return until when a cache may answer from this response; None: it may not at all.

        See :func:`ocsp_pcap.explain.windows.answer_window`.
        """
        window = self.window(query, proxy)
        return window.end if window is not None else None

    def window(self, query: Query, proxy: Proxy | None) -> Window | None:
        """Return how long a cache may answer from this response, and by what; None: it may not at all."""
        if not query.usable or query.single is None:
            return None
        return answer_window(query.exchange, query.single, query.answer_time, proxy)

    @cached_property
    def soonest_repeat(self) -> dict[str, int]:
        """Identity of a validator: after how many nanoseconds it asked again although an answer covered."""
        soonest: dict[str, int] = {}
        for (identity, _), queries in self.queries_of.items():
            for before, again in early_repeats(queries):
                gap = again.time - before.answer_time
                soonest[identity] = min(gap, soonest.get(identity, gap))
        return soonest

    def inner_leg(self, visit: Visit) -> Visit | None:
        """Return the leg on which the same ClientHello reached the host that sent this one, to be relayed.

        The same 32 bytes of ClientHello random (RFC 8446 4.1.2) on two legs are one hello, sent by
        the TLS client behind the relay; a relay hands on the ServerHello unchanged, too.
        """
        return self._inner_legs.get(visit)

    @cached_property
    def _inner_legs(self) -> dict[Visit, Visit]:
        """A visit with a hello that is only relayed: the leg on which it came."""
        found: dict[Visit, Visit] = {}
        for visit in self.visits:
            here = visit.handshake
            sender = self.identity(here.client)
            for other in self._hellos_to.get((here.client_random, sender), ()):
                inner = other.handshake
                if other is visit or self.identity(inner.client) == sender:
                    continue
                if not differ(inner.server_random, here.server_random):
                    found[visit] = other
                    break
        return found

    def answers_seen(self, capture: str, stream: int) -> bool:
        """The capture holds packets of this TCP connection that the server sent."""
        return (capture, stream) in self._streams_with_answers

    @cached_property
    def http_streams(self) -> frozenset[tuple[str, int]]:
        """(capture, TCP stream) of everything that was read of OCSP and CRLs."""
        spoken: tuple[OcspExchangeFact | CrlFetchFact, ...]
        spoken = (*self.facts.ocsp_exchanges, *self.facts.crl_fetches)
        return frozenset((fact.capture, fact.stream) for fact in spoken)

    @cached_property
    def _streams_with_answers(self) -> frozenset[tuple[str, int]]:
        facts = self.facts
        spoken: tuple[TcpAttemptFact | OcspExchangeFact | CrlFetchFact, ...]
        opened = [attempt for attempt in facts.tcp_attempts if attempt.tunnel is None]
        spoken = (*opened, *facts.ocsp_exchanges, *facts.crl_fetches)
        return frozenset((f.capture, f.stream) for f in spoken if f.frames.response is not None)

    @cached_property
    def lookups_by(self) -> dict[tuple[str, str], list[DnsLookupFact]]:
        """(identity, name): DNS lookups by time, those of CNAME targets of the name among them."""
        found = lookups_by_name(self.facts.dns_lookups, self.identity)
        return {key: sorted(lookups, key=self.moment) for key, lookups in found.items()}

    @cached_property
    def addresses_of(self) -> dict[tuple[str, str], set[str]]:
        """(identity, name): addresses that the name resolved to."""
        return {
            key: {address for lookup in lookups for address in addresses(lookup)}
            for key, lookups in self.lookups_by.items()
        }

    @cached_property
    def aliases_of(self) -> dict[tuple[str, str], set[str]]:
        """(identity, name): the name, and the targets of its CNAME chain that were looked up, too."""
        return {
            key: {lookup.name.rstrip(".").lower() for lookup in lookups}
            for key, lookups in self.lookups_by.items()
        }

    @cached_property
    def visits_by(self) -> dict[tuple[str, str], list[Visit]]:
        """(identity of the validator, responder host): visits that showed a certificate naming it."""
        index: dict[tuple[str, str], list[Visit]] = defaultdict(list)
        for visit in self.visits:
            chain = self.chain(visit.handshake)
            for host in {host for known in chain for host, _, _ in responder_hosts(known.ocsp_urls)}:
                index[self.identity(visit.handshake.client), host].append(visit)
        return index

    @cached_property
    def visits_by_client(self) -> dict[str, list[Visit]]:
        """Identity of a validator: its visits by time."""
        index: dict[str, list[Visit]] = defaultdict(list)
        for visit in self.visits:
            index[self.identity(visit.handshake.client)].append(visit)
        return index

    @cached_property
    def names_of(self) -> dict[tuple[str, str], set[str]]:
        """(identity, address): the names that it was looked up by."""
        index: dict[tuple[str, str], set[str]] = defaultdict(set)
        for (identity, name), lookups in self.lookups_by.items():
            for lookup in lookups:
                for answer in lookup.answers:
                    index[identity, answer].add(name)
        return index

    @cached_property
    def attempts_by(self) -> dict[tuple[str, str], list[TcpAttemptFact]]:
        """(identity, address of the server): attempts to connect by time."""
        index: dict[tuple[str, str], list[TcpAttemptFact]] = defaultdict(list)
        for attempt in sorted(self.facts.tcp_attempts, key=self.moment):
            if attempt.tunnel is not None:
                # The server is a proxy there, and the responder what it was asked for.
                continue
            index[self.identity(attempt.client), attempt.server].append(attempt)
        return index

    @cached_property
    def crl_fetches_by(self) -> dict[tuple[str, str], list[CrlFetchFact]]:
        """(identity, URL or issuer of a CRL): downloads of it by time."""
        index: dict[tuple[str, str], list[CrlFetchFact]] = defaultdict(list)
        for fetch in sorted(self.facts.crl_fetches, key=self.moment):
            for about in (fetch.url, fetch.issuer):
                if about is not None:
                    index[self.identity(fetch.client), about].append(fetch)
        return index

    @cached_property
    def _hellos_to(self) -> dict[tuple[str | None, str], list[Visit]]:
        """(ClientHello random, identity of the host that it reached): visits by time."""
        index: dict[tuple[str | None, str], list[Visit]] = defaultdict(list)
        for visit in self.visits:
            if visit.handshake.client_random:
                index[visit.handshake.client_random, self.identity(visit.handshake.server)].append(visit)
        return index

    @cached_property
    def hellos_of(self) -> dict[tuple[str | None, str], list[Visit]]:
        """(ClientHello random, identity of the host that sent it): visits by time."""
        index: dict[tuple[str | None, str], list[Visit]] = defaultdict(list)
        for visit in self.visits:
            if visit.handshake.client_random:
                index[visit.handshake.client_random, self.identity(visit.handshake.client)].append(visit)
        return index

    @cached_property
    def by_host(self) -> dict[str, list[Visit]]:
        """Host: all visits of it, by time."""
        index: dict[str, list[Visit]] = defaultdict(list)
        for visit in self.visits:
            if visit.host:
                index[visit.host.lower()].append(visit)
        return index

    @cached_property
    def visits_to(self) -> dict[tuple[str, str], list[Visit]]:
        """(identity of the validator, host): its visits of that host by time."""
        index: dict[tuple[str, str], list[Visit]] = defaultdict(list)
        for visit in self.visits:
            if visit.host:
                index[self.identity(visit.handshake.client), visit.host.lower()].append(visit)
        return index

    @cached_property
    def visits_through(self) -> dict[tuple[str, str], list[Visit]]:
        """(identity of the host that a connection ends at, host that was visited): visits by time."""
        index: dict[tuple[str, str], list[Visit]] = defaultdict(list)
        for visit in self.visits:
            if visit.host:
                index[self.identity(visit.handshake.server), visit.host.lower()].append(visit)
        return index

    @cached_property
    def by_stream(self) -> dict[tuple[str, int], Visit]:
        """(capture, TCP stream): the first visit on it."""
        index: dict[tuple[str, int], Visit] = {}
        for visit in self.visits:
            if visit.handshake.transport == "tcp":
                index.setdefault((visit.handshake.capture, visit.handshake.stream), visit)
        return index

    @cached_property
    def leaves_by_issuer(self) -> dict[tuple[str, str], dict[str, CertificateFact]]:
        """(address of the validator, issuer name): its leaves by SHA-256, of visits with a host."""
        index: dict[tuple[str, str], dict[str, CertificateFact]] = defaultdict(dict)
        for visit in self.visits:
            if visit.host and (chain := self.chain(visit.handshake)):
                index[visit.handshake.client, chain[0].issuer][chain[0].sha256] = chain[0]
        return index

    @cached_property
    def trace_of(self) -> dict[str, list[TraceEntry]]:
        """Host: the lines of policy traces about it."""
        index: dict[str, list[TraceEntry]] = defaultdict(list)
        for entry in self.context.trace:
            index[entry.host].append(entry)
        return index

    @cached_property
    def ports_of(self) -> dict[str, frozenset[int]]:
        """Capture: the ports on which it holds packets."""
        return {capture.path: frozenset(capture.ports_seen) for capture in self.facts.captures}

    def staple_for(
        self, visit: Visit, certificate: CertificateFact
    ) -> tuple[ResponseFact, SingleFact, Match] | None:
        """Return the staple of a handshake that is about this certificate: of several the newest good one."""
        found = [
            (response, single, match)
            for response in visit.handshake.staples
            for single in response.singles
            if (match := match_cert_id(certificate, single))
        ]

        def rank(item: tuple[ResponseFact, SingleFact, Match]) -> tuple[bool, bool, Match, int]:
            response, single, match = item
            fresh = single.next_update is None or single.next_update >= visit.handshake.time
            return response.signature != "invalid", fresh, match, single.this_update

        return max(found, key=rank, default=None)

    def _meant(
        self, exchange: OcspExchangeFact, by_serial: Mapping[str, list[CertificateFact]]
    ) -> dict[str, Match]:
        meant: dict[str, Match] = {}
        for cert_id in exchange.requests or (exchange.response.singles if exchange.response else ()):
            for certificate in by_serial.get(cert_id.serial, ()):
                if match := match_cert_id(certificate, cert_id):
                    meant[certificate.sha256] = max(match, meant.get(certificate.sha256, Match.NONE))
        return meant

    def _query(self, exchange: OcspExchangeFact, certificate: CertificateFact, match: Match) -> Query:
        singles = exchange.response.singles if exchange.response else ()
        single = next((single for single in singles if match_cert_id(certificate, single)), None)
        time = self.clock(exchange.capture, exchange.time)
        answered = exchange.response_time if exchange.response_time is not None else exchange.time
        return Query(exchange, time, self.clock(exchange.capture, answered), match, single)


def differ(one: object, other: object) -> bool:
    """Both are known, and they are not equal."""
    return one is not None and other is not None and one != other
