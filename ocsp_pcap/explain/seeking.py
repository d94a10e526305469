"""The way to a responder: lookups, connections, and TLS that hides what is asked."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import chain
from operator import itemgetter
from typing import Final, NamedTuple, TypeVar

from ocsp_pcap.bounds import reached
from ocsp_pcap.explain.case import Case, Family, family
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.intervals import REACTION
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.explain.spans import between, some
from ocsp_pcap.explain.visits import Visit
from ocsp_pcap.facts import DnsLookupFact, TcpAttemptFact

Dated = TypeVar("Dated", DnsLookupFact, TcpAttemptFact)

REMEMBERED: Final = 3600 * SECOND
"""What was looked up may be used for so long."""
RACE: Final = 2 * SECOND
"""Whoever gets no connection by one family of addresses tries the other within this time (RFC 8305 8)."""


class _Way(NamedTuple):
    """All attempts of a host to reach a responder: times by the reference clock, in order."""

    tried: list[int]
    failed: list[int]
    """Those of which no connection came."""
    unread: list[int]
    """Those of which nothing readable came."""
    open: list[TcpAttemptFact]
    """Those that failed, or of which nothing readable came."""
    named: list[Visit]
    """TLS connections to its name that hide what they carry, or in which nothing was read."""
    opened: list[tuple[int, Visit]]
    """The same at its address, with the times of the attempts."""


class _Lookups(NamedTuple):
    """All lookups of a responder by a host, in order."""

    times: list[int]
    vain: list[int]
    """Times of those that were in vain."""
    answered: list[DnsLookupFact]


def _say_cut(asker: Host, host: str) -> None:
    """Say that a bound was reached where not all aliases of a responder were followed."""
    if host in asker.names_cut:
        reached("cnames", 0)


def _way(case: Case, asker: Host, host: str, port: int) -> _Way:
    _say_cut(asker, host)
    attempts = sorted(
        (
            attempt
            for attempts in asker.attempts_at.get(host, ())
            for attempt in attempts
            if (attempt.port if attempt.host is not None else attempt.server_port) == port
        ),
        key=case.moment,
    )
    lost = _lost_races(case, attempts)
    attempts = [attempt for attempt in attempts if id(attempt) not in lost]
    times = [case.moment(attempt) for attempt in attempts]
    through = [attempt.outcome == "established" for attempt in attempts]
    places = [(attempt.capture, attempt.stream) for attempt in attempts]

    def hides(visit: Visit) -> bool:
        handshake = visit.handshake
        # Keys may open the handshake and not what follows, and that may be HTTP/2.
        read = handshake.decrypted and (handshake.capture, handshake.stream) in case.http_streams
        return not read and case.identity(handshake.client) == asker.identity

    return _Way(
        times,
        [time for time, came in zip(times, through, strict=True) if not came],
        [time for time, place in zip(times, places, strict=True) if place not in case.http_streams],
        [
            attempt
            for attempt, came, place in zip(attempts, through, places, strict=True)
            if not came or place not in case.http_streams
        ],
        [visit for visit in asker.visits_to.get(host, ()) if hides(visit)],
        [
            (time, visit)
            for time, came, place in zip(times, through, places, strict=True)
            if came and (visit := case.by_stream.get(place)) is not None and hides(visit)
        ],
    )


def _lost_races(case: Case, attempts: Sequence[TcpAttemptFact]) -> set[int]:
    """Return the ids of attempts that failed, and after each of which one of the other family got through.

    Some query was read on that one: the two are one try to reach the responder (RFC 8305 5). A CRL that was
    fetched there does not show it, and may be what was left when nobody could be asked.
    """
    lost: set[int] = set()
    failed: dict[Family, list[TcpAttemptFact]] = {"IPv4": [], "IPv6": []}
    for attempt in attempts:
        own = family(attempt.server)
        if attempt.outcome != "established":
            failed[own].append(attempt)
        elif (attempt.capture, attempt.stream) in case.query_streams:
            waiting = failed["IPv4" if own == "IPv6" else "IPv6"]
            if waiting and case.moment(attempt) - case.moment(waiting[-1]) <= RACE:
                lost.add(id(waiting.pop()))
    return lost


def _lookups(case: Case, asker: Host, host: str) -> _Lookups:
    _say_cut(asker, host)
    lookups = asker.lookups.get(host, ())
    return _Lookups(
        [case.moment(lookup) for lookup in lookups],
        [case.moment(lookup) for lookup in lookups if lookup.in_vain],
        [lookup for lookup in lookups if lookup.addresses],
    )


def _any(times: Sequence[int], first: int, last: int) -> bool:
    """Some time lies between two, both included."""
    return bisect_left(times, first) < bisect_right(times, last)


def soon_after(question: Question, facts: Sequence[Dated]) -> Sequence[Dated]:
    """Return those of some facts, by time, that lie soon after the handshake."""
    time = question.visit.time
    near = between(facts, time, time + REACTION, question.case.moment)
    return near if len(near) < 2 else tuple(some(near))


def lookups_for(question: Question, host: str) -> Sequence[DnsLookupFact]:
    """Return the validator's lookups of a responder soon after the handshake."""
    _say_cut(question.asker, host)
    return soon_after(question, question.asker.lookups.get(host, []))


def addresses_known(question: Question, host: str) -> set[str]:
    """Return the addresses of a host that the validator knew, of the newest lookup of each type."""
    begin, end = question.visit.time - REMEMBERED, question.visit.time + REACTION
    newest: dict[str, DnsLookupFact] = {}
    answered = question.case.once(_lookups, question.asker, host).answered
    for lookup in some(between(answered, begin, end, question.case.moment), last=True):
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


def tried(question: Question, host: str, port: int) -> bool:
    """It tried, soon after the handshake, to reach a responder."""
    begin = question.visit.time
    return _any(question.case.once(_way, question.asker, host, port).tried, begin, begin + REACTION)


def open_attempts(question: Question, host: str, port: int) -> Sequence[TcpAttemptFact]:
    """Return attempts, soon after the handshake, without connections known to be for something else."""
    return soon_after(question, question.case.once(_way, question.asker, host, port).open)


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
        _looked_up(question, host) or tried(question, host, port)
        for host, port, _ in question.sought
        if host not in lists
    )


def _looked_up(question: Question, host: str) -> bool:
    begin = question.visit.time
    return _any(question.case.once(_lookups, question.asker, host).times, begin, begin + REACTION)


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
    case, begin = question.case, question.visit.time
    answered = case.once(_lookups, question.asker, host).answered
    found = between(answered, begin, begin + REACTION, case.moment)
    if not found or tried(question, host, port) or tls_to(question, host, port) is not None:
        return None
    return found[0]


def looked_up_in_vain(question: Question, host: str) -> bool:
    """It looked up a responder soon after the handshake and once got no address, whatever came later.

    That there is no address of the other family is usual, and no failure.
    """
    begin = question.visit.time
    return _any(question.case.once(_lookups, question.asker, host).vain, begin, begin + REACTION)


def refused(question: Question, host: str, port: int) -> bool:
    """It tried to connect to a responder soon after the handshake, and once did not get through.

    What came through besides may have been for something else at that address.
    """
    way, begin = question.case.once(_way, question.asker, host, port), question.visit.time
    return _any(way.failed, begin, begin + REACTION)


def tried_in_vain(question: Question, host: str, port: int) -> bool:
    """It opened a connection to a responder soon after the handshake, and nothing readable came of it."""
    begin = question.visit.time
    return _any(question.case.once(_way, question.asker, host, port).unread, begin, begin + REACTION)


def in_vain_before(question: Question, host: str, port: int, within: int) -> bool:
    """It turned to a responder in vain, by lookup or connection, so many nanoseconds before the handshake."""
    case, end = question.case, question.visit.time - 1
    vain = (
        case.once(_lookups, question.asker, host).vain,
        case.once(_way, question.asker, host, port).unread,
    )
    return any(_any(times, end + 1 - within, end) for times in vain)


def errand_in_vain(question: Question, before: int = 0) -> str | None:
    """Return a responder that it looked for in vain soon after the handshake, and was asked to by another.

    Whose that was is not certain then. ``before``: nanoseconds before the handshake that count, too.
    """
    errands, begin = question.asker.vain_errands, question.visit.time
    if not errands:
        return None
    hosts = (host for host, _, _ in question.responders)
    return next((h for h in hosts if _any(errands.get(h, ()), begin - before, begin + REACTION)), None)


def tls_to(question: Question, host: str, port: int) -> Visit | None:
    """Return the TLS connection that the validator opened to a responder soon after this handshake.

    It is known by its name (SNI, CONNECT), or by the address that DNS gave for the responder.
    """
    way, begin = question.case.once(_way, question.asker, host, port), question.visit.time
    end = begin + REACTION
    opened = between(way.opened, begin, end, itemgetter(0))
    near = chain(between(way.named, begin, end), (visit for _, visit in opened))
    return next((v for v in near if v is not question.visit and begin <= v.time <= end), None)
