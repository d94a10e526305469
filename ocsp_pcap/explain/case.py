"""The facts of a run, put side by side: hosts with all that they did, clocks, what captures can show."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, TypeVar, TypeVarTuple

from ocsp_pcap.bounds import mark, reached, reached_since
from ocsp_pcap.explain.all_hosts import AllHosts
from ocsp_pcap.explain.askers import Askers
from ocsp_pcap.explain.clocks import Clocks
from ocsp_pcap.explain.copies import distinct_exchanges, distinct_visits
from ocsp_pcap.explain.coverage import Coverage
from ocsp_pcap.explain.hellos import Hellos
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.matching import Match, match_cert_id
from ocsp_pcap.explain.model import Alternative, Doubt, Validator
from ocsp_pcap.explain.places import Places
from ocsp_pcap.explain.roles import PROXIED, Roles, assign_roles
from ocsp_pcap.explain.site import Proxy, ProxyRole, Site
from ocsp_pcap.explain.spans import TIME
from ocsp_pcap.explain.trace_entry import TraceEntry
from ocsp_pcap.explain.visits import Query, Visit, by_host
from ocsp_pcap.explain.windows import Window, answer_window
from ocsp_pcap.facts import (
    CertificateFact,
    CrlFetchFact,
    Facts,
    HandshakeFact,
    OcspExchangeFact,
    ResponseFact,
    SingleFact,
    TcpAttemptFact,
)

if TYPE_CHECKING:
    from ocsp_pcap.explain.logs.model import LogEntry

Derived = TypeVar("Derived")
Given = TypeVarTuple("Given")
Result = TypeVar("Result", str, tuple[Doubt, ...], tuple[Alternative, ...])
MOST_SAME: Final = 16_384
"""Results that are remembered to be shared: where hardly any comes twice, the record of them costs more."""
Family: TypeAlias = Literal["IPv4", "IPv6"]


@dataclass(frozen=True, slots=True)
class Context:
    """Knowledge that the user gave beyond the captures."""

    site: Site = field(default_factory=Site)
    capture_roles: Mapping[str, ProxyRole] = field(default_factory=dict)
    """Capture path to the proxy whose egress it shows."""
    trace: tuple[TraceEntry, ...] = ()
    logs: tuple[LogEntry, ...] = ()
    bounds_reached: tuple[str, ...] = ()
    """Sentences about bounds of the program that were reached while this was read."""


class Inquiry(NamedTuple):
    """One query, and who sent it."""

    host: Host
    query: Query
    time: int
    received: int | None
    """When that host was last shown the certificate before; None: it never was."""


def family(address: str) -> Family:
    """Return the family of an IP address."""
    return "IPv6" if ":" in address else "IPv4"


class Case:
    """Facts and context, laid out for the causes. Built once, only read afterwards."""

    def __init__(self, facts: Facts, context: Context) -> None:
        self.facts = facts
        self.context = context
        self.site = context.site
        self.places = Places(facts.captures)
        self._derived: dict[tuple[object, ...], tuple[Any, str | None]] = {}
        self._proxies: dict[str, Proxy | None] = {}
        self._validators: dict[str, Validator] = {}
        self._same: dict[Any, Any] = {}
        self._chains: dict[tuple[str, ...], Sequence[CertificateFact]] = {}
        self.clocks = Clocks(facts)
        self.clock = self.clocks.bring
        self.moment = self.clocks.moment
        before = mark()
        self.roles: Roles = assign_roles(facts.handshakes, context.site, context.capture_roles, self.clock)
        self.identity = self.roles.identity
        """Returns what is equal for all addresses of one host."""
        self.visits: tuple[Visit, ...] = distinct_visits(facts.handshakes, self.clock, self.roles.role)
        self.exchanges: tuple[OcspExchangeFact, ...] = distinct_exchanges(
            facts.ocsp_exchanges, self.clock, self.clocks.comparable
        )
        self.coverage = Coverage(facts)
        cut_short = reached_since(before)
        self.hellos = Hellos(self.visits, self.identity)
        before = mark()
        everyone = AllHosts(
            facts, self.visits, self.exchanges, self.roles, self.clocks, self.askers, self.proxy
        )
        self.hosts: Mapping[str, Host] = everyone.hosts
        """Every host of the captures by its identity."""
        self.cut_short = reached_since(before) or cut_short
        """A bound that was reached while this was put side by side: nothing that rests on it is certain."""
        if everyone.names_cut:
            reached("cnames", everyone.names_cut)

    def validator(self, address: str) -> Validator:
        """Return a host as the one that received a certificate."""
        known = self._validators.get(address)
        if known is None:
            known = self._validators[address] = Validator(address, self.roles.role(address))
        return known

    def same(self, value: Result) -> Result:
        """Return the value that was given first of those equal to this one: results share what is equal."""
        if not value or (len(self._same) >= MOST_SAME and value not in self._same):
            return value
        known: Result = self._same.setdefault(value, value)
        return known

    def proxy(self, address: str) -> Proxy | None:
        """Return what the site file says of the host at this address."""
        if address not in self._proxies:
            proxy = self.site.proxy_at(address)
            by_role = self.site.proxy(self.roles.role(address))
            if proxy is None and by_role is not None and (by_role.more_addresses or not by_role.addresses):
                # A proxy that is described without its addresses, or some of them, is known by its role.
                proxy = by_role
            self._proxies[address] = proxy
        return self._proxies[address]

    def chain(self, handshake: HandshakeFact) -> Sequence[CertificateFact]:
        """Return the server's certificates of a handshake, leaf first."""
        return self._known(handshake.certificates)

    def client_chain(self, handshake: HandshakeFact) -> Sequence[CertificateFact]:
        """Return the certificates that the client presented, leaf first."""
        return self._known(handshake.client_certificates)

    def _known(self, hashes: tuple[str, ...]) -> Sequence[CertificateFact]:
        chain = self._chains.get(hashes)
        if chain is None:
            known = self.facts.certificates
            chain = self._chains[hashes] = tuple([known[sha256] for sha256 in hashes if sha256 in known])
        return chain

    def host(self, address: str) -> Host:
        """Return the host at an address, with all that it did."""
        identity = self.identity(address)
        return self.hosts.get(identity) or Host(
            identity, self.roles.role(identity), self.proxy(identity), {address}
        )

    @cached_property
    def askers(self) -> Askers:
        """Whose question each exchange is."""
        return Askers(
            self.exchanges,
            self.visits,
            self.facts.certificates,
            self.hellos,
            self.identity,
            self.moment,
            lambda address: bool((proxy := self.proxy(address)) and proxy.validates_tunnels),
        )

    def once(self, derive: Callable[[Case, *Given], Derived], *given: *Given) -> Derived:
        """Return what a function derives from this case; it is called once for what it is given.

        Where it reached a bound, whoever asks for the same again has reached it, too.
        """
        key = (derive, *given)
        known = self._derived.get(key)
        if known is None:
            before = mark()
            derived = derive(self, *given)
            known = self._derived[key] = (derived, reached_since(before))
        elif known[1] is not None:
            reached(known[1], 0)
        result: Derived = known[0]
        return result

    @cached_property
    def unmatched(self) -> tuple[OcspExchangeFact, ...]:
        """Exchanges for certificates that no handshake of their asker showed."""
        matched: set[int] = set()
        for host in self.hosts.values():
            for sha256, queries in host.queries.items():
                if sha256 in host.received:
                    matched.update(id(query.exchange) for query in queries)
        return tuple(
            exchange
            for exchange in self.exchanges
            if id(exchange) not in matched
            and id(self.askers.copied_from(exchange)) not in matched
            # What a server asks about its own certificate is a finding of its own.
            and not self.askers.credit(exchange).own_certificate
        )

    def strangers_to(self, certificate: CertificateFact) -> Sequence[Host]:
        """Return the hosts that asked about a certificate and were not seen to receive it."""
        return self._strangers.get(certificate.sha256, ())

    @cached_property
    def _strangers(self) -> dict[str, list[Host]]:
        index: dict[str, list[Host]] = defaultdict(list)
        for host in self.hosts.values():
            for sha256 in host.queries:
                if sha256 not in host.received:
                    index[sha256].append(host)
        return index

    def asked_about(self, certificate: CertificateFact, who: Family | None) -> Sequence[Inquiry]:
        """Return the queries about a certificate, by time.

        Those of the hosts that received it, by the family of their address; None: of those that never did.
        """
        return self._asked.get((certificate.sha256, who), ())

    @cached_property
    def _asked(self) -> dict[tuple[str, Family | None], list[Inquiry]]:
        index: dict[tuple[str, Family | None], list[Inquiry]] = defaultdict(list)
        for host in self.hosts.values():
            for sha256, queries in host.queries.items():
                received = [visit.time for visit in host.received.get(sha256, ())]
                asked = index[sha256, family(host.identity) if received else None]
                for query in queries:
                    before = bisect_right(received, query.time)
                    asked.append(Inquiry(host, query, query.time, received[before - 1] if before else None))
        for asked in index.values():
            asked.sort(key=TIME)
        return index

    @cached_property
    def seen_addresses(self) -> frozenset[str]:
        """Addresses that take part in what was read, on either side."""
        facts = self.facts
        spoken: tuple[HandshakeFact | OcspExchangeFact | CrlFetchFact | TcpAttemptFact, ...]
        spoken = (*facts.handshakes, *facts.ocsp_exchanges, *facts.crl_fetches, *facts.tcp_attempts)
        return frozenset(address for fact in spoken for address in (fact.client, fact.server))

    @cached_property
    def unplaced_proxies(self) -> frozenset[str]:
        """Servers behind which others tunnel, whose own connections are not known by any address."""
        clients = {self.identity(visit.handshake.client) for visit in self.visits}
        targets = {self.identity(v.handshake.server) for v in self.visits if v.handshake.tunnel in PROXIED}
        return frozenset(targets - clients)

    @cached_property
    def names_behind(self) -> dict[str, set[str | None]]:
        """Identity of the host that connections end at: what they name as their target."""
        index: dict[str, set[str | None]] = defaultdict(set)
        for visit in self.visits:
            handshake = visit.handshake
            index[self.identity(handshake.server)].update((visit.host, handshake.connect_host))
        return index

    @cached_property
    def by_host(self) -> dict[str, list[Visit]]:
        """Name of a host: all visits of it, by time."""
        return by_host(self.visits)

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
    def going_on(self) -> frozenset[Visit]:
        """Visits for which a connection further on is looked for: of all others there is none."""
        return frozenset(visit for visit in self.visits if self._may_go_on(visit))

    def _may_go_on(self, visit: Visit) -> bool:
        if self.hellos.may_be_handed_on(visit) or self.roles.role(visit.handshake.client) == "child":
            return True
        end = self.hosts.get(self.identity(visit.handshake.server))
        return end is not None and visit.host is not None and visit.host.lower() in end.visits_to

    @cached_property
    def leaves_by_issuer(self) -> dict[tuple[str, str], dict[str, CertificateFact]]:
        """(identity of the validator, issuer name): its leaves by SHA-256, of visits with a host."""
        index: dict[tuple[str, str], dict[str, CertificateFact]] = defaultdict(dict)
        for visit in self.visits:
            if visit.host and (chain := self.chain(visit.handshake)):
                identity = self.identity(visit.handshake.client)
                index[identity, chain[0].issuer][chain[0].sha256] = chain[0]
        return index

    @cached_property
    def http_streams(self) -> frozenset[tuple[str, int]]:
        """(capture, TCP stream) of everything that was read of OCSP and CRLs."""
        spoken: tuple[OcspExchangeFact | CrlFetchFact, ...]
        spoken = (*self.facts.ocsp_exchanges, *self.facts.crl_fetches)
        return frozenset((fact.capture, fact.stream) for fact in spoken)

    @cached_property
    def query_streams(self) -> frozenset[tuple[str, int]]:
        """(capture, TCP stream) of everything that was read of OCSP."""
        return frozenset((fact.capture, fact.stream) for fact in self.facts.ocsp_exchanges)

    @cached_property
    def trace_of(self) -> dict[str, list[TraceEntry]]:
        """Host: the lines of policy traces about it."""
        index: dict[str, list[TraceEntry]] = defaultdict(list)
        for entry in self.trace:
            index[entry.host].append(entry)
        return index

    @cached_property
    def trace(self) -> tuple[TraceEntry, ...]:
        """The lines of policy traces; those that name no zone, by the offset that fits the packets."""
        if all(entry.zone for entry in self.context.trace):
            return self.context.trace
        from ocsp_pcap.explain.zones import in_fitting_zones

        seen = {("host", host): sorted(v.time for v in visits) for host, visits in self.by_host.items()}
        return in_fitting_zones(self.context.trace, seen)

    def window(self, query: Query, proxy: Proxy | None) -> Window | None:
        """Return how long a cache may answer from this response, and by what; None: it may not at all."""
        if query.confirms is not None:
            held = self.window(query.confirms, proxy)
            # A lifetime that was over when 304 came does not begin anew for certain.
            return held if held is not None and held.end >= query.answer_time else None
        if not query.usable or query.single is None:
            return None
        return answer_window(query.exchange, query.single, query.answer_time, proxy)

    def staple_for(
        self, visit: Visit, certificate: CertificateFact
    ) -> tuple[ResponseFact, SingleFact, Match] | None:
        """Return the staple of a handshake that is about this certificate: of several the newest good one."""
        if not visit.handshake.staples:
            return None
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
