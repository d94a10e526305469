"""All hosts of the captures, each with the visits, queries and errands that are its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ocsp_pcap.explain.askers import Askers
from ocsp_pcap.explain.clocks import Clocks
from ocsp_pcap.explain.errands import Errands
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.lookups import lookups_by_name
from ocsp_pcap.explain.matching import Match, match_cert_id
from ocsp_pcap.explain.roles import Roles
from ocsp_pcap.explain.site import Proxy
from ocsp_pcap.explain.visits import NOT_MODIFIED, Credit, Query, Visit
from ocsp_pcap.facts import CertificateFact, DnsLookupFact, Facts, OcspExchangeFact, TcpAttemptFact


class AllHosts:
    """The hosts of the captures by their identity. Built once, only read afterwards."""

    def __init__(
        self,
        facts: Facts,
        visits: Sequence[Visit],
        exchanges: Sequence[OcspExchangeFact],
        roles: Roles,
        clocks: Clocks,
        askers: Askers,
        proxy: Callable[[str], Proxy | None],
    ) -> None:
        """``visits``, ``exchanges``: each once, by time; ``proxy``: what the site file says of an address."""
        self.hosts: dict[str, Host] = {}
        self._certificates = facts.certificates
        self._roles = roles
        self._clocks = clocks
        self._askers = askers
        self._proxy = proxy
        moment = clocks.moment
        errands = Errands(
            exchanges,
            facts.crl_fetches,
            facts.dns_lookups,
            facts.tcp_attempts,
            askers,
            roles.identity,
            moment,
        )
        for visit in visits:
            self._add_visit(visit)
        for exchange in exchanges:
            self._add_exchange(exchange)
        for attempt in sorted(facts.tcp_attempts, key=moment):
            host = self._at(attempt.client, attempt.capture)
            if not errands.for_another(attempt):
                host.attempts[(attempt.host or attempt.server).rstrip(".").lower()].append(attempt)
            elif attempt.outcome != "established":
                self._in_vain_for_another(host, attempt, errands)
        for fetch in sorted(facts.crl_fetches, key=moment):
            sender = self._at(fetch.client, fetch.capture)
            if not errands.fetched_for_another(fetch):
                for about in dict.fromkeys((fetch.url, fetch.issuer)):
                    if about is not None:
                        sender.fetches[about].append(fetch)
        self.names_cut = self._add_lookups(facts.dns_lookups, errands)
        """Names whose CNAME chains were not followed to their end."""
        for host in self.hosts.values():
            for times in host.vain_errands.values():
                times.sort()

    def _add_lookups(self, lookups: Iterable[DnsLookupFact], errands: Errands) -> int:
        own: list[DnsLookupFact] = []
        for lookup in lookups:
            host = self._at(lookup.client, lookup.capture)
            if not errands.for_another(lookup):
                own.append(lookup)
            elif lookup.in_vain:
                self._in_vain_for_another(host, lookup, errands)
        cut: set[tuple[str, str]] = set()
        for (client, name), found in lookups_by_name(own, self._roles.identity, cut).items():
            self.hosts[client].lookups[name] = sorted(found, key=self._clocks.moment)
        for client, name in cut:
            self.hosts[client].names_cut.add(name)
        return len(cut)

    def _in_vain_for_another(
        self, host: Host, errand: DnsLookupFact | TcpAttemptFact, errands: Errands
    ) -> None:
        for name in errands.targets(errand):
            host.vain_errands[name].append(self._clocks.moment(errand))

    def _at(self, address: str, capture: str) -> Host:
        identity = self._roles.identity(address)
        host = self.hosts.get(identity)
        if host is None:
            host = self.hosts[identity] = Host(identity, self._roles.role(identity), self._proxy(identity))
        host.addresses.add(address)
        host.captures.add(capture)
        return host

    def _add_visit(self, visit: Visit) -> None:
        handshake, certificates = visit.handshake, self._certificates
        client = self._at(handshake.client, handshake.capture)
        client.captures.update(copy.capture for copy in visit.copies)
        client.visits.append(visit)
        for sha256 in handshake.certificates:
            if sha256 in certificates:
                received = client.received[sha256]
                if not received or received[-1] is not visit:
                    received.append(visit)
        if presented := [sha256 for sha256 in handshake.client_certificates if sha256 in certificates]:
            server = self._at(handshake.server, handshake.capture)
            server.served.append(visit)
            for sha256 in presented:
                server.received[sha256].append(visit)

    def _add_exchange(self, exchange: OcspExchangeFact) -> None:
        sender = self._at(exchange.client, exchange.capture)
        credit = self._askers.credit(exchange)
        if credit.own_certificate:
            sender.staple_fetches.append(exchange)
            return
        if credit.relayed:
            sender.relayed.append(exchange)
            if credit.asker is None or self._askers.copied_from(exchange) is not None:
                # The question itself is in the captures too: what hands it on is no second one.
                return
        asker = self._at(credit.asker or exchange.client, exchange.capture)
        asker.exchanges.append(exchange)
        for certificate, match in self._meant(exchange).values():
            earlier = asker.queries[certificate.sha256]
            earlier.append(self._query(exchange, certificate, match, credit, earlier))

    def _meant(self, exchange: OcspExchangeFact) -> dict[str, tuple[CertificateFact, Match]]:
        meant: dict[str, tuple[CertificateFact, Match]] = {}
        for cert_id in exchange.requests or (exchange.response.singles if exchange.response else ()):
            for certificate in self._askers.with_serial(cert_id.serial):
                match = match_cert_id(certificate, cert_id)
                known = meant.get(certificate.sha256)
                if match and (known is None or match > known[1]):
                    meant[certificate.sha256] = (certificate, match)
        return meant

    def _query(
        self,
        exchange: OcspExchangeFact,
        certificate: CertificateFact,
        match: Match,
        credit: Credit,
        earlier: list[Query],
    ) -> Query:
        singles = exchange.response.singles if exchange.response else ()
        single = next((single for single in singles if match_cert_id(certificate, single)), None)
        time = self._clocks.moment(exchange)
        answered = exchange.response_time if exchange.response_time is not None else exchange.time
        answer_time = self._clocks.bring(exchange.capture, answered)
        confirms = None
        if exchange.http_status == NOT_MODIFIED:
            # HTTP confirms that the bytes are the same; an answer that has run out it does not make good.
            confirms = next((query for query in reversed(earlier) if query.good_at(answer_time)), None)
            single = confirms.single if confirms is not None else None
        return Query(exchange, time, answer_time, match, single, credit, confirms)
