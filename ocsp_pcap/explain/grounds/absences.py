"""Doubts about silence: could the deciding packet have been sent where or when no capture would show it?"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final, TypeAlias

from ocsp_pcap.explain.case import Case, family
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.gaps import connections_missing
from ocsp_pcap.explain.grounds.claim import Standing
from ocsp_pcap.explain.grounds.kinds import Alone, Due, InView, NoOtherTry, Silence, Unanswered
from ocsp_pcap.explain.grounds.purposes import may_show
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.intervals import PATIENCE, REACTION
from ocsp_pcap.explain.model import Presenter
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.explain.seeking import (
    errand_in_vain,
    in_vain_before,
    looked_up_in_vain,
    looked_up_only,
    query_ports,
    refused,
    tls_to,
    tried,
    tried_in_vain,
)
from ocsp_pcap.explain.site import Proxy
from ocsp_pcap.explain.spans import TIME, between, some
from ocsp_pcap.facts import DnsLookupFact, OcspExchangeFact, TcpAttemptFact

ROOM: Final = 5 * SECOND
"""A capture that goes on for this long after an undecided handshake would show what followed."""
BESIDE: Final = 5 * SECOND
"""Of handshakes so near to each other any may be the one that a query is for."""
ROUND_TRIP: Final = 3 * SECOND
"""A SYN is answered within this time, if at all, and what failed is tried again within it."""

Following: TypeAlias = Silence | NoOtherTry | Unanswered


def span_not_covered(question: Question, ground: Following) -> Iterator[Standing]:
    """Does the capture in which the deciding packet would stand cover that time, with room to spare?"""
    case = question.case
    if isinstance(ground, Silence) or ground.fact is None:
        yield from _handshake_not_covered(question)
        return
    fact = ground.fact
    if isinstance(ground, Unanswered):
        settled = ground.fact.closed_time is not None
        since, room = fact.time, PATIENCE
    else:
        settled = _decided_since(question, ground.since)
        since, room = ground.since - case.clock(fact.capture, 0), ROUND_TRIP
    if not settled and case.coverage.rest_after(fact.capture, since) < room:
        yield Standing("span-not-covered", "the capture ends soon after")


def _handshake_not_covered(question: Question) -> Iterator[Standing]:
    case, handshake = question.case, question.visit.handshake
    if capture_ends(question):
        yield Standing("span-not-covered", "the capture ends before a query would have had time to follow")
        return
    moment = case.clock(handshake.capture, handshake.time)
    if handshake.capture not in question.asker.asked_in:
        for capture in sorted(question.asker.asked_in):
            offset = case.clock(capture, 0)
            if not case.coverage.reaches(capture, moment - offset, moment - offset + ROOM):
                yield Standing(
                    "span-not-covered",
                    f"its OCSP traffic stands in {capture}, which does not cover the time of this handshake",
                )
                return


def capture_ends(question: Question) -> bool:
    """The capture that holds the handshake ends before a query would have had time to follow."""
    handshake, coverage = question.visit.handshake, question.case.coverage
    decided = decided_at(question)
    if decided is not None:
        return coverage.rest_after(handshake.capture, decided) == 0
    return coverage.rest_after(handshake.capture, max(handshake.end_time or 0, handshake.time)) < ROOM


def decided_at(question: Question) -> int | None:
    """Return when the validator had made up its mind about the certificate; None: the packets do not show it.

    Whoever goes on to use the connection, or leaves it, asks no more.
    """
    handshake = question.visit.handshake
    judge = "server" if question.presented_by == "client" else "client"
    used = handshake.server_data_time if judge == "server" else handshake.client_data_time
    if used is not None:
        return used
    if any(alert.sender == judge and alert.level == "fatal" for alert in handshake.alerts):
        return handshake.end_time
    return handshake.closed_time if handshake.closed_by == judge else None


def _decided_since(question: Question, since: int) -> bool:
    """The validator made up its mind after a time of the reference clock: what it tried before was all."""
    decided = decided_at(question)
    return decided is not None and question.case.clock(question.visit.handshake.capture, decided) >= since


def packets_lost(question: Question, ground: Following) -> Iterator[Standing]:
    """Are packets missing in any capture in which the deciding one could stand?"""
    case, fact = question.case, None if isinstance(ground, Silence) else ground.fact
    home = fact.capture if fact is not None else question.visit.handshake.capture
    captures = [home, *sorted(question.asker.captures - {home})]
    for capture in captures:
        if reason := case.coverage.loss(capture):
            named = "" if len(case.facts.captures) == 1 else f" ({capture})"
            yield Standing("packets-lost", f"{reason}{named}")
            return
    if isinstance(ground, Unanswered) and ground.fact.decrypted:
        words = "it travelled inside TLS, and what the responder sent there may be what no key opens"
        yield Standing("packets-lost", words)
        return
    if isinstance(ground, Unanswered) and case.clocks.disordered(home):
        words = (
            "its packets do not stand in the order of their times, and the answer may have been passed over"
        )
        yield Standing("packets-lost", words)
        return
    missing = case.once(connections_missing).get(question.asker.identity)
    if missing is not None and isinstance(ground, Silence):
        words = f"no connection follows a lookup of {missing}, as others did: whole ones seem to be missing"
        yield Standing("packets-lost", words)


def other_place(question: Question, ground: Silence | NoOtherTry) -> Iterator[Standing]:
    """Could the query have left by another address or interface, in another capture, through another host?"""
    if question.certificate is None:
        return
    case, certificate, asker = question.case, question.certificate, question.asker
    stranger = next((host for host in case.strangers_to(certificate) if host is not asker), None)
    if stranger is not None:
        yield Standing(
            "other-place",
            f"{stranger.identity}, which was not seen to receive this certificate, asked about it: that may "
            "be another address of the same host",
        )
        return
    time = question.visit.time
    other = case.asked_about(certificate, "IPv4" if family(asker.identity) == "IPv6" else "IPv6")
    for asked in some(between(other, time, time + REACTION)):
        if asked.received is not None and asked.received < time:
            yield Standing(
                "other-place",
                f"{asked.host.identity} asked about it right after, and its own handshake is further away: "
                "it may be the other address of one host with IPv4 and IPv6",
            )
            return
    proxy = question.proxy
    if proxy is None:
        return
    leaves_by = proxy.addresses - proxy.listens
    if isinstance(ground, Silence) and (unseen := sorted(leaves_by - case.seen_addresses)):
        yield Standing("other-place", f"nothing of its address {unseen[0]} is in the captures")
        return
    if isinstance(ground, NoOtherTry) and ground.fact is not None and _is_about(ground.fact, proxy):
        # What failed is the very way to the forwarding host.
        return
    if proxy.forwarding_host is not None and not _forwarded_seen(question, proxy.forwarding_host):
        yield Standing(
            "other-place",
            f"queries go through the forwarding host {proxy.forwarding_host}, says the site file, and "
            "nothing that was sent there is in the captures",
        )


def _is_about(failed: OcspExchangeFact | DnsLookupFact | TcpAttemptFact, proxy: Proxy) -> bool:
    """What failed is the lookup of the proxy's forwarding host."""
    name = (proxy.forwarding_host or "").rpartition(":")[0].rstrip(".").lower()
    return isinstance(failed, DnsLookupFact) and failed.name.rstrip(".").lower() == name


def _forwarded_seen(question: Question, endpoint: str) -> bool:
    """The captures hold packets on the port of the forwarding host."""
    port = int(endpoint.rpartition(":")[2])
    return any(port in question.case.coverage.ports(capture) for capture in question.asker.captures)


def unread_question(question: Question, ground: Silence | NoOtherTry) -> Iterator[Standing]:
    """Was something asked of this responder that cannot be read?"""
    if question.certificate is None:
        return
    case, failed = question.case, None if isinstance(ground, Silence) else ground.fact
    time = max(question.visit.time, ground.since)
    for exchange in between(question.asker.unread, time, time + REACTION, case.moment):
        if exchange is not failed:
            yield Standing(
                "unread-question", "a request that cannot be read was sent to a responder right after"
            )
            return
    for host, port, _ in question.sought:
        hidden = tls_to(question, host, port)
        if hidden is not None and hidden.time >= time:
            yield Standing(
                "unread-question",
                f"a TLS connection to the responder {host} followed, in which nothing could be read",
            )
            return
        if isinstance(ground, NoOtherTry):
            continue
        if (
            tried_in_vain(question, host, port)
            or looked_up_only(question, host, port) is not None
            or looked_up_in_vain(question, host)
            or in_vain_before(question, host, port, _disorder(question))
        ):
            yield Standing(
                "unread-question",
                f"it turned to the responder {host} right after, and what came of it is not in the capture",
            )
            return
    if isinstance(ground, Silence) and (sought := errand_in_vain(question, _disorder(question))) is not None:
        yield Standing(
            "unread-question",
            f"it turned to the responder {sought} at that time, in vain: that another host had asked it to "
            "does not show that it did not do so for this one, too",
        )


def capture_blind(question: Question, _: InView) -> Iterator[Standing]:
    """Can the captures show such traffic at all?"""
    if not question.eligible:
        return
    coverage = question.case.coverage
    ports = query_ports(question)
    if any(
        ports & coverage.ports(capture) for capture in question.asker.captures if _covers(question, capture)
    ):
        return
    if question.asker.exchanges or any(tried(question, host, port) for host, port, _ in question.sought):
        return
    named = ", ".join(map(str, sorted(ports))) or "80"
    yield Standing(
        "capture-blind", f"the captures hold no packet on port {named}, on which a query would travel"
    )


def _covers(question: Question, capture: str) -> bool:
    """A capture holds the time right after the handshake, so that a query could stand in it."""
    case, visit = question.case, question.visit
    moment = visit.time - case.clock(capture, 0)
    return capture == visit.handshake.capture or case.coverage.reaches(capture, moment, moment + ROOM)


def asked_beside(question: Question, ground: Alone) -> Iterator[Standing]:
    """Does a query stand so near that it may be this one's, though it is not the nearest handshake before?"""
    since = ground.since
    if between(question.queries, since + 1, since + BESIDE):
        words = "a query soon after, for which a nearer handshake stands, may have been for this one"
        yield Standing("other-purpose", words)
    elif between(question.queries, since - _disorder(question), since):
        words = (
            "a query stands so shortly before that it may have been for this one: packets of several "
            "connections may be captured in another order"
        )
        yield Standing("other-purpose", words)


def _disorder(question: Question) -> int:
    return question.case.clocks.disorder(question.visit.handshake.capture)


def checks_only_some(question: Question, _: Due) -> Iterator[Standing]:
    """Does this validator ask only about leaves, some issuers, some hosts, or hold a failure?"""
    if question.certificate is None:
        return
    asker, sha256 = question.asker, question.certificate.sha256
    failures = question.case.once(_failures, asker, sha256)
    before = bisect_right(failures, question.visit.time)
    if before and failures[before - 1] > asker.answered.get(sha256, 0):
        yield Standing(
            "checks-only-some", "its last query about this certificate failed, and it may hold that"
        )
    elif _tried_meanwhile(question):
        yield Standing(
            "checks-only-some", "it tried to ask about this certificate meanwhile, in vain, and may hold that"
        )


def _failures(_: Case, asker: Host, sha256: str) -> list[int]:
    """Return when a validator sent those of its queries about a certificate that failed."""
    queries = asker.queries.get(sha256, ())
    return [query.time for query in queries if query.failed and query.exchange.frames.request is not None]


def _tried_meanwhile(question: Question) -> bool:
    """Since it has an answer the validator looked for the responder again after such a handshake, in vain."""
    certificate = question.certificate
    if certificate is None or not question.queries:
        return False
    first, last = question.queries[0].time, question.visit.time - 1
    asker, place = question.asker, (question.position, question.presented_by)
    names = question.certificate_names if asker.hidden else frozenset[str]()
    times = question.case.once(_times_in_vain, asker, certificate.sha256, *place, names)
    return bisect_left(times, first) < bisect_right(times, last)


def _times_in_vain(
    case: Case,
    asker: Host,
    sha256: str,
    position: int,
    presented_by: Presenter,
    names: frozenset[str],
) -> list[int]:
    """Return when a validator may have received a certificate and then looked for its responder in vain.

    Every handshake with the certificate asks for this, so that it is found out once for all of them. One
    that hides its certificate counts, too, where it may have shown this one: its name is among ``names``.
    """
    certificate = case.facts.certificates[sha256]
    if not any(_ever_in_vain(asker, host) for host, _, _ in responder_hosts(certificate.ocsp_urls)):
        return []
    hidden = [visit for visit in asker.hidden if may_show(position, names, visit)]
    found = sorted((*asker.received.get(sha256, ()), *hidden), key=TIME)
    asked = (Question(case, visit, certificate, position, presented_by) for visit in found)
    return [question.visit.time for question in asked if _sought_in_vain(question)]


def _ever_in_vain(asker: Host, host: str) -> bool:
    """Some lookup of a responder, or some connection to it, brought nothing."""
    return (
        host in asker.vain_errands
        or any(not lookup.addresses for lookup in asker.lookups.get(host, ()))
        or any(
            attempt.outcome != "established"
            for attempts in asker.attempts_at.get(host, ())
            for attempt in attempts
        )
    )


def _sought_in_vain(earlier: Question) -> bool:
    """After an earlier handshake the responder was looked for in vain."""
    return not earlier.own_queries and (
        errand_in_vain(earlier) is not None
        or any(
            looked_up_in_vain(earlier, host) or refused(earlier, host, port)
            for host, port, _ in earlier.sought
        )
    )
