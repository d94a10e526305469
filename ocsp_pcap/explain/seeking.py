"""The way to a responder: lookups, connections, and TLS that hides what is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.intervals import REACTION
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.explain.spans import between, some
from ocsp_pcap.explain.visits import Visit
from ocsp_pcap.facts import DnsLookupFact, TcpAttemptFact

Dated = TypeVar("Dated", DnsLookupFact, TcpAttemptFact)

REMEMBERED: Final = 3600 * SECOND
"""What was looked up may be used for so long."""


def soon_after(question: Question, facts: Sequence[Dated]) -> Sequence[Dated]:
    """Return those of some facts, by time, that lie soon after the handshake."""
    time = question.visit.time
    near = between(facts, time, time + REACTION, question.case.moment)
    return near if len(near) < 2 else tuple(some(near))


def lookups_for(question: Question, host: str) -> Sequence[DnsLookupFact]:
    """Return the validator's lookups of a responder soon after the handshake."""
    return soon_after(question, question.asker.lookups.get(host, []))


def addresses_known(question: Question, host: str) -> set[str]:
    """Return the addresses of a host that the validator knew, of the newest lookup of each type."""
    begin, end = question.visit.time - REMEMBERED, question.visit.time + REACTION
    newest: dict[str, DnsLookupFact] = {}
    found = between(question.asker.lookups.get(host, []), begin, end, question.case.moment)
    for lookup in some(found, last=True):
        if lookup.addresses:
            newest[lookup.type] = lookup
    return {address for lookup in newest.values() for address in lookup.addresses}


def attempts_for(question: Question, host: str, port: int) -> list[TcpAttemptFact]:
    """Return the validator's attempts, soon after the handshake, to reach a responder.

    Those at its addresses, and those by name through a proxy that stands between.
    """
    by_address = [
        attempt
        for attempts in question.asker.attempts_at.get(host, ())
        for attempt in soon_after(question, attempts)
        if (attempt.port if attempt.host is not None else attempt.server_port) == port
    ]
    return sorted(by_address, key=question.case.moment)


def forwarding_attempts(question: Question) -> list[TcpAttemptFact]:
    """Return the attempts, soon after the handshake, to reach the forwarding host of the site file."""
    proxy, asker = question.proxy, question.asker
    if proxy is None or proxy.forwarding_host is None:
        return []
    host, _, port = proxy.forwarding_host.rpartition(":")
    return [
        attempt
        for address in {host} | asker.addresses_of(host.lower())
        for attempt in soon_after(question, asker.attempts.get(address, []))
        if attempt.server_port == int(port)
    ]


def forwarding_lookups(question: Question) -> Sequence[DnsLookupFact]:
    """Return the lookups, soon after the handshake, of the forwarding host's name."""
    proxy = question.proxy
    if proxy is None or proxy.forwarding_host is None:
        return ()
    return lookups_for(question, proxy.forwarding_host.rpartition(":")[0].rstrip(".").lower())


def query_ports(question: Question) -> set[int]:
    """Return the ports to which a query would go: those of the responders, or that of a forwarding host."""
    proxy = question.proxy
    if proxy is not None and proxy.forwarding_host is not None:
        return {int(proxy.forwarding_host.rpartition(":")[2])}
    if proxy is not None and proxy.responder_url is not None:
        return {port for _, port, _ in responder_hosts((proxy.responder_url,))}
    return {port for _, port, _ in question.responders}


def query_ports_seen(question: Question) -> bool:
    """Some capture of the validator holds packets on a port to which a query would go."""
    ports, coverage = query_ports(question), question.case.coverage
    return any(ports & coverage.ports(capture) for capture in question.asker.captures)


def reached_out(question: Question) -> bool:
    """The validator looked for a responder of this certificate right after the handshake.

    Hosts that serve CRLs, too, do not count: it may have been after one of those.
    """
    if question.certificate is None or not question.sought:
        return False
    lists = {host for host, _, _ in responder_hosts(question.certificate.crl_urls)}
    return any(
        lookups_for(question, host) or attempts_for(question, host, port)
        for host, port, _ in question.sought
        if host not in lists
    )


def lists_crl(question: Question, host: str) -> bool:
    """The certificate names a CRL on this host, for which it may have been looked up."""
    urls = question.certificate.crl_urls if question.certificate is not None else ()
    return any(name == host for name, _, _ in responder_hosts(urls))


def looked_up_only(question: Question, host: str, port: int) -> DnsLookupFact | None:
    """Return a lookup of a responder, soon after the handshake, that no connection to it followed.

    Hosts that serve CRLs, too, do not count.
    """
    if lists_crl(question, host):
        return None
    found = next((lookup for lookup in lookups_for(question, host) if lookup.addresses), None)
    if found is None or attempts_for(question, host, port) or tls_to(question, host, port) is not None:
        return None
    return found


def looked_up_in_vain(question: Question, host: str) -> bool:
    """It looked up a responder soon after the handshake and once got no address, whatever came later.

    That there is no address of the other family is usual, and no failure.
    """
    return any(
        not lookup.addresses and (lookup.type == "A" or lookup.rcode != "NOERROR")
        for lookup in lookups_for(question, host)
    )


def refused(question: Question, host: str, port: int) -> bool:
    """It tried to connect to a responder soon after the handshake, and the last time did not get through."""
    tried = attempts_for(question, host, port)
    return bool(tried) and tried[-1].outcome != "established"


def tried_in_vain(question: Question, host: str, port: int) -> bool:
    """It opened a connection to a responder soon after the handshake, and nothing readable came of it."""
    spoken = question.case.http_streams
    return any((a.capture, a.stream) not in spoken for a in attempts_for(question, host, port))


def tls_to(question: Question, host: str, port: int) -> Visit | None:
    """Return the TLS connection that the validator opened to a responder soon after this handshake.

    It is known by its name (SNI, CONNECT), or by the address that DNS gave for the responder.
    """
    case, asker, begin = question.case, question.asker, question.visit.time
    candidates = list(between(asker.visits_to.get(host, []), begin, begin + REACTION))
    for attempt in attempts_for(question, host, port):
        opened = case.by_stream.get((attempt.capture, attempt.stream))
        if attempt.outcome == "established" and opened is not None:
            candidates.append(opened)
    for visit in candidates:
        handshake = visit.handshake
        if visit is question.visit or not 0 <= visit.time - begin <= REACTION or handshake.decrypted:
            continue
        if case.identity(handshake.client) == asker.identity:
            return visit
    return None
