"""Doubts about what something was for: another handshake, another certificate, another errand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.grounds.claim import Standing
from ocsp_pcap.explain.grounds.kinds import Act, For
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.responders import names_responder, responder_hosts
from ocsp_pcap.explain.seeking import attempts_for, lookups_for
from ocsp_pcap.explain.spans import between
from ocsp_pcap.explain.visits import Query, Visit
from ocsp_pcap.explain.windows import span_words
from ocsp_pcap.facts import DnsLookupFact, TcpAttemptFact

REACTION: Final = 15 * SECOND
"""A validator starts to look for the responder within this time of the certificate."""
AT_ONCE: Final = 5 * SECOND
"""A query that follows within this time answers to the handshake, where no other is nearer."""
LATE: Final = 60 * SECOND
"""What is asked later than this may have another occasion, which the capture need not show."""
UNPROMPTED: Final = 86_400 * SECOND
"""So long after a handshake it is looked at whether the validator asks about its certificate by itself."""
MOST_AT_ONCE: Final = 256
"""Handshakes within one span that are looked at; more would not make it surer."""


def hidden_rival(question: Question, ground: For) -> Iterator[Standing]:
    """Is there a handshake whose certificate cannot be seen that would explain this as well?"""
    act, case = ground.act, question.case
    if question.presented_by == "client":
        return
    if isinstance(act, Query):
        time = act.time
        near = between(question.asker.hidden, max(question.visit.time, time - REACTION), time)
        rivals = [visit for visit in near if may_have_shown(question, visit)]
    else:
        time = case.moment(act)
        rivals = list(between(question.asker.hidden, time - REACTION, time))
        responders = {host for host, _, _ in question.responders}
        rivals = [visit for visit in rivals if (visit.host or "").lower() not in responders]
    if rivals:
        nearest = rivals[-1]
        yield Standing(
            "hidden-rival",
            f"a handshake with {nearest.host or nearest.handshake.server} shortly before hides its "
            "certificate, which may be what this was for",
            (nearest.evidence("handshake whose certificate cannot be seen"),),
        )


def may_have_shown(question: Question, visit: Visit) -> bool:
    """A handshake that hides its certificate may have shown this one."""
    return visit.host is None or visit.outer_name_only or visit.host.lower() in question.certificate_names


def other_purpose(question: Question, ground: For) -> Iterator[Standing]:
    """Could it have been for something else: another handshake or certificate, a CRL, a shared address?"""
    act = ground.act
    if _before_certificate(question, act):
        yield Standing(
            "other-purpose",
            "it was there before this certificate came, so another handshake may have caused it",
        )
    if isinstance(act, Query):
        yield from _another_occasion(question, act)
    else:
        yield from _another_errand(question, act)


def _before_certificate(question: Question, act: Act) -> bool:
    """The handshake had begun, but the certificate stands only after this in the same capture."""
    handshake, fact = question.visit.handshake, act.exchange if isinstance(act, Query) else act
    shown, sent = handshake.frames.certificate, fact.frames.request
    if (
        question.presented_by == "client"
        or shown is None
        or sent is None
        or fact.capture != handshake.capture
    ):
        return False
    return sent < shown and handshake.time <= fact.time <= (handshake.end_time or handshake.time)


def _another_occasion(question: Question, query: Query) -> Iterator[Standing]:
    visit, case = question.visit, question.case
    gap = query.time - visit.time
    covered = gap > AT_ONCE and any(
        (window := case.window(earlier, question.proxy)) is not None and visit.time <= window.end
        for earlier in between(question.queries, 0, visit.time - 1)
    )
    if gap > LATE or covered or (gap > REACTION and not _on_the_way(question)):
        yield Standing(
            "other-purpose",
            f"the query came {span_words(gap)} after this handshake: another one, which the capture does not "
            "show, may have caused it",
        )
    elif _asks_unprompted(question):
        yield Standing(
            "other-purpose",
            "it asks about this certificate also when no handshake came before: this query may have had "
            "another occasion",
        )


def _on_the_way(question: Question) -> bool:
    """Right after the handshake the validator began to look for the responder, which then took its time."""
    return any(
        lookups_for(question, host) or attempts_for(question, host, port)
        for host, port, _ in question.responders
    )


def _asks_unprompted(question: Question) -> bool:
    """Some query about this certificate followed no handshake that showed it, or may have."""
    asker, certificate, case = question.asker, question.certificate, question.case
    assert certificate is not None
    received, since = asker.received.get(certificate.sha256, []), question.visit.time
    for query in between(question.queries, since, since + UNPROMPTED)[:MOST_AT_ONCE]:
        span = query.time - LATE, query.time
        if between(received, *span) or case.coverage.loss(query.exchange.capture) is not None:
            continue
        others = [
            *between(asker.hidden, *span),
            *between(asker.visits_to.get(question.host.lower(), []), *span),
        ]
        if not others:
            return True
    return False


def _another_errand(question: Question, act: DnsLookupFact | TcpAttemptFact) -> Iterator[Standing]:
    """A lookup or connection may be for a CRL, an issuer's certificate, another certificate, another name."""
    case, certificate = question.case, question.certificate
    assert certificate is not None
    host = responder_of(question, act)
    chain = case.chain(question.visit.handshake)
    if any(host == name for known in chain for name, _, _ in responder_hosts(known.crl_urls)):
        yield Standing("other-purpose", f"{host} serves CRLs, too: it may have been for one of those")
    elif any(host == name for known in chain for name, _, _ in responder_hosts(known.ca_issuers_urls)):
        yield Standing(
            "other-purpose", f"{host} serves issuer certificates, too: it may have been for one of those"
        )
    held = _at_hand(question)
    if held is not None:
        yield Standing(
            "other-purpose", f"an answer was at hand already ({held}): it may have been for something else"
        )
    time = case.moment(act)
    for visit in between(question.asker.visits, time - REACTION, time)[-MOST_AT_ONCE:]:
        others = [other for other in case.chain(visit.handshake) if other is not certificate]
        if any(names_responder(other, host) for other in others):
            yield Standing(
                "other-purpose",
                f"another certificate received at that time names the responder {host}, too",
                rival=held,
            )
            break
    if isinstance(act, TcpAttemptFact) and act.host is None:
        yield from _shared_address(question, act, host, time)


def _shared_address(question: Question, attempt: TcpAttemptFact, host: str, time: int) -> Iterator[Standing]:
    asker = question.asker
    if attempt.server == host:
        return
    names = asker.names_of.get(attempt.server, set()) - asker.aliases_of(host) - {host}
    if names:
        yield Standing(
            "other-purpose",
            f"{attempt.server} is also the address of {sorted(names)[0]}: it may have been for that",
        )
        return
    lookups = between(asker.lookups.get(host, []), time - LATE, time, question.case.moment)
    if not lookups:
        yield Standing(
            "other-purpose",
            f"{host} was not looked up just before: other names may have the address {attempt.server}, too",
        )


def responder_of(question: Question, act: DnsLookupFact | TcpAttemptFact) -> str:
    """Return the responder of the certificate that a lookup or connection was for, as it seems."""
    hosts = [host for host, _, _ in question.responders]
    if isinstance(act, DnsLookupFact):
        name = act.name.rstrip(".").lower()
        return next((host for host in hosts if name in question.asker.aliases_of(host)), name)
    if act.host is not None:
        return act.host.rstrip(".").lower()
    known = question.asker
    return next(
        (host for host in hosts if act.server == host or act.server in known.addresses_of(host)), act.server
    )


def _at_hand(question: Question) -> str | None:
    """Return the cause that spares the validator a query: a staple, or an earlier answer."""
    assert question.certificate is not None
    if question.case.staple_for(question.visit, question.certificate) is not None:
        return "stapled"
    windows = (question.case.window(query, question.proxy) for query in question.queries)
    held = any(window is not None and window.end >= question.visit.time for window in windows)
    return "cached" if held else None
