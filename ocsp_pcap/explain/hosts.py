"""One host with all that it did: what it visited, what it asked, looked up, tried and fetched.

What a host sent on behalf of another is not among what it did: see :mod:`ocsp_pcap.explain.askers`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property

from ocsp_pcap.explain.model import Role
from ocsp_pcap.explain.site import Proxy
from ocsp_pcap.explain.visits import Query, Visit, by_host
from ocsp_pcap.facts import CrlFetchFact, DnsLookupFact, OcspExchangeFact, TcpAttemptFact


@dataclass(eq=False)
class Host:
    """A host, whatever its addresses. Filled once (`all_hosts`), only read afterwards; all lists by time."""

    identity: str
    """The address under which it is a TLS client, where it is one."""
    role: Role = "unknown"
    proxy: Proxy | None = None
    """What the site file says of it."""
    addresses: set[str] = field(default_factory=set)
    """Addresses under which it was seen."""
    visits: list[Visit] = field(default_factory=list)
    """Handshakes in which it is the TLS client."""
    served: list[Visit] = field(default_factory=list)
    """Handshakes in which it is the TLS server and its client presented a certificate."""
    exchanges: list[OcspExchangeFact] = field(default_factory=list)
    """OCSP exchanges whose question is its own, those for its own staple left out."""
    relayed: list[OcspExchangeFact] = field(default_factory=list)
    """OCSP exchanges that it sent for other hosts."""
    staple_fetches: list[OcspExchangeFact] = field(default_factory=list)
    """OCSP exchanges about its own certificate, whose answers it staples."""
    queries: dict[str, list[Query]] = field(default_factory=lambda: defaultdict(list))
    """SHA-256 of a certificate: its queries about it."""
    lookups: dict[str, list[DnsLookupFact]] = field(default_factory=dict)
    """Name: its DNS lookups of it, those of CNAME targets of the name among them."""
    names_cut: set[str] = field(default_factory=set)
    """Names that it looked up and whose CNAME chain is longer than a bound allows."""
    attempts: dict[str, list[TcpAttemptFact]] = field(default_factory=lambda: defaultdict(list))
    """Address of a server, or the name asked for where a proxy stands between: attempts to connect."""
    vain_errands: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Name of a host, or its address: when it looked for that in vain, and another host had asked it to."""
    fetches: dict[str, list[CrlFetchFact]] = field(default_factory=lambda: defaultdict(list))
    """URL or issuer of a CRL: downloads of it."""
    captures: set[str] = field(default_factory=set)
    """Captures that hold packets which it sent."""
    received: dict[str, list[Visit]] = field(default_factory=lambda: defaultdict(list))
    """SHA-256 of a certificate: handshakes that showed it to this host."""

    @cached_property
    def hidden(self) -> list[Visit]:
        """Its handshakes whose certificate cannot be seen and may have been any."""
        return [visit for visit in self.visits if visit.hides_certificate]

    @cached_property
    def answered(self) -> dict[str, int]:
        """SHA-256 of a certificate: when it sent its last query about it that did not fail."""
        times: dict[str, int] = {}
        for sha256, queries in self.queries.items():
            for query in queries:
                if not query.failed:
                    times[sha256] = query.time
        return times

    @cached_property
    def asked_in(self) -> frozenset[str]:
        """Captures that hold OCSP exchanges whose question is its own."""
        return frozenset(exchange.capture for exchange in self.exchanges)

    @cached_property
    def visits_to(self) -> dict[str, list[Visit]]:
        """Name of a host that was visited: the handshakes."""
        return by_host(self.visits)

    @cached_property
    def triggered(self) -> dict[tuple[str, int], list[Query]]:
        """(SHA-256, id of a handshake): queries that this handshake is the nearest before."""
        index: dict[tuple[str, int], list[Query]] = defaultdict(list)
        for sha256, queries in self.queries.items():
            visits = self.received.get(sha256, [])
            times = [visit.time for visit in visits]
            for query in queries:
                position = bisect_right(times, query.time)
                if position:
                    index[sha256, id(visits[position - 1])].append(query)
        return index

    @cached_property
    def turned_to(self) -> frozenset[str]:
        """Names, and addresses, that it looked up, connected to or visited."""
        return frozenset((*self.lookups, *self.attempts, *self.visits_to))

    @cached_property
    def unmatched(self) -> list[OcspExchangeFact]:
        """Its exchanges for certificates that it was not seen to receive."""
        matched = {
            id(query.exchange)
            for sha256, queries in self.queries.items()
            if sha256 in self.received
            for query in queries
        }
        return [exchange for exchange in self.exchanges if id(exchange) not in matched]

    @cached_property
    def stacks(self) -> frozenset[str]:
        """Fingerprints of the ClientHellos that it made itself: several TLS programs, or several hosts."""
        return frozenset(
            visit.handshake.hello_fingerprint for visit in self.visits if visit.handshake.hello_fingerprint
        )

    @cached_property
    def hop_limits(self) -> frozenset[int]:
        """Hop limits (IP TTL) with which the packets of its own handshakes arrived."""
        return frozenset(ttl for visit in self.visits if (ttl := visit.handshake.client_ttl) is not None)

    @cached_property
    def agents(self) -> frozenset[str | None]:
        """Names of software (User-Agent) that its queries bear; None: one bears none."""
        return frozenset(exchange.user_agent for exchange in self.exchanges if exchange.frames.request)

    @cached_property
    def stacks_of_agent(self) -> dict[str, set[str | None]]:
        """User-Agent of queries: fingerprints of the ClientHellos that they followed."""
        index: dict[str, set[str | None]] = defaultdict(set)
        for sha256, queries in self.queries.items():
            visits = self.received.get(sha256, [])
            for query in queries:
                position = bisect_right(visits, query.time, key=lambda visit: visit.time)
                if position and query.exchange.user_agent is not None:
                    index[query.exchange.user_agent].add(visits[position - 1].handshake.hello_fingerprint)
        return index

    def addresses_of(self, name: str) -> frozenset[str]:
        """Return the addresses that a name resolved to for this host."""
        return self._addresses.get(name, frozenset())

    @cached_property
    def _addresses(self) -> dict[str, frozenset[str]]:
        return {
            name: frozenset(address for lookup in lookups for address in lookup.addresses)
            for name, lookups in self.lookups.items()
        }

    @cached_property
    def attempts_at(self) -> dict[str, list[list[TcpAttemptFact]]]:
        """Name of a host, or its address: attempts to connect to it, for the name and for each address."""
        places = {name: {name, *self.addresses_of(name)} for name in (*self.attempts, *self.lookups)}
        return {
            name: [self.attempts[place] for place in known if place in self.attempts]
            for name, known in places.items()
        }

    @cached_property
    def unread(self) -> list[OcspExchangeFact]:
        """Its OCSP exchanges whose question cannot be read."""
        return [exchange for exchange in self.exchanges if exchange.unread_request]

    def aliases_of(self, name: str) -> Set[str]:
        """Return the name, and the targets of its CNAME chain that were looked up, too."""
        return self._aliases.get(name) or {name}

    @cached_property
    def _aliases(self) -> dict[str, frozenset[str]]:
        return {
            name: frozenset({name, *(lookup.name.rstrip(".").lower() for lookup in lookups)})
            for name, lookups in self.lookups.items()
        }

    @cached_property
    def names_of(self) -> dict[str, set[str]]:
        """Address: the names that this host looked it up by."""
        index: dict[str, set[str]] = defaultdict(set)
        for name, lookups in self.lookups.items():
            for lookup in lookups:
                for answer in lookup.answers:
                    index[answer].add(name)
        return index

    def asked_about(self, hashes: Sequence[str]) -> bool:
        """Tell whether it asked about one of some certificates (SHA-256)."""
        return any(self.queries.get(sha256) for sha256 in hashes)
