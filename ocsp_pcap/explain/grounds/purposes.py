"""Doubts about what something was for: another handshake, another certificate, another errand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from functools import partial
from operator import attrgetter
from typing import Final, NamedTuple

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.gaps import connections_missing
from ocsp_pcap.explain.grounds.claim import Standing
from ocsp_pcap.explain.grounds.kinds import Act, For
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.intervals import AT_ONCE, LATE, REACTION
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.explain.seeking import attempts_for, lookups_for
from ocsp_pcap.explain.spans import Runs, between
from ocsp_pcap.explain.stapling import staple_problem
from ocsp_pcap.explain.visits import Query, Visit
from ocsp_pcap.explain.windows import span_words
from ocsp_pcap.facts import CertificateFact, DnsLookupFact, TcpAttemptFact

MOST_SYNS: Final = 8
"""No SYN is sent more often."""


def hidden_rival(question: Question, ground: For) -> Iterator[Standing]:
    """Is there a handshake whose certificate cannot be seen that would explain this as well?"""
    act, case = ground.act, question.case
    if question.presented_by == "client":
        return
    if isinstance(act, Query):
        time = act.time
        near = between(question.asker.hidden, max(question.visit.time, time - REACTION), time)
        rivals = (visit for visit in reversed(near) if may_have_shown(question, visit))
    else:
        time = case.moment(act)
        near = between(question.asker.hidden, time - REACTION, time)
        responders = {host for host, _, _ in question.responders}
        rivals = (visit for visit in reversed(near) if (visit.host or "").lower() not in responders)
    nearest = next(rivals, None)
    if nearest is not None:
        yield Standing(
            "hidden-rival",
            f"a handshake with {nearest.host or nearest.handshake.server} shortly before hides its "
            "certificate, which may be what this was for",
            (nearest.evidence("handshake whose certificate cannot be seen"),),
        )


def may_have_shown(question: Question, visit: Visit) -> bool:
    """A handshake that hides its certificate may have shown this one."""
    return may_show(question.position, question.certificate_names, visit)


def like_hidden(question: Question) -> Sequence[Visit]:
    """Return all handshakes of the validator that hide their certificate and may have shown this one."""
    if not question.asker.hidden:
        return ()
    names = frozenset[str]() if question.position else question.certificate_names
    return question.case.once(_like_hidden, question.asker, question.position, names)


def _like_hidden(_: Case, asker: Host, position: int, names: frozenset[str]) -> list[Visit]:
    return [visit for visit in asker.hidden if may_show(position, names, visit)]


def may_show(position: int, names: Set[str], visit: Visit) -> bool:
    """A handshake that hides its certificate may have shown one that servers of these names present.

    An intermediate, at a ``position`` in the chain above 0, comes from any host.
    """
    if position > 0 or visit.host is None or visit.outer_name_only:
        return True
    host = visit.host.lower()
    return host in names or f"*.{host.partition('.')[2]}" in names


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
    lost = gap > AT_ONCE and (may_lack_handshakes(question) or _nearer_behind(question, query))
    if gap > LATE or covered or lost or (gap > REACTION and not _on_the_way(question, query)):
        yield Standing(
            "other-purpose",
            f"the query came {span_words(gap)} after this handshake: another one, which the capture does not "
            "show, may have caused it",
        )
    elif _held_without_handshake(question):
        yield Standing(
            "other-purpose",
            "it had asked after no handshake in sight for what may still have been good: this query may have "
            "had another occasion, too",
        )
    elif _stapled_beside(question, query):
        yield Standing(
            "other-purpose",
            "a fresh staple came with this handshake, so that the query may be for another one",
        )
    elif question.asker.identity in case.once(unprompted):
        yield Standing(
            "other-purpose",
            "it asks also when the captures show no handshake before: this query, too, may have had "
            "another occasion",
        )


def may_lack_handshakes(question: Question) -> bool:
    """Packets are missing around the handshake, or whole connections of the validator."""
    case = question.case
    return case.coverage.loss(
        question.visit.handshake.capture
    ) is not None or question.asker.identity in case.once(connections_missing)


def _nearer_behind(question: Question, query: Query) -> bool:
    """A visit behind this proxy stands nearer before the query, whose outer leg may be missing."""
    case, visit = question.case, question.visit
    if visit.host is None:
        return False
    behind = case.visits_through.get((question.asker.identity, visit.host.lower()), [])
    return bool(between(behind, visit.time + AT_ONCE, query.time))


def _held_without_handshake(question: Question) -> bool:
    """The last answer, if it is known, still covered this handshake, and followed no handshake in sight."""
    certificate, asker, visit = question.certificate, question.asker, question.visit
    assert certificate is not None
    earlier = between(question.queries, 0, visit.time - 1)
    if not earlier:
        return False
    window = question.case.window(earlier[-1], question.proxy)
    span = (earlier[-1].time - LATE, earlier[-1].time)
    unknown = earlier[-1].exchange.frames.response is None
    return (
        (unknown or (window is not None and window.end >= visit.time))
        and not between(asker.received.get(certificate.sha256, []), *span)
        and not any(may_have_shown(question, hidden) for hidden in between(asker.hidden, *span))
    )


def _stapled_beside(question: Question, query: Query) -> bool:
    """This handshake brought a fresh staple, and one beside it, of the same certificate, did not.

    Or one may have been lost, or the validator is content with a fresh staple elsewhere.
    """
    certificate, here, case = question.certificate, question.visit, question.case
    assert certificate is not None
    if not _has_fresh(case, here, certificate):
        return False
    if case.coverage.loss(here.handshake.capture) is not None or question.asker.identity in case.once(
        _content
    ):
        return True
    asker, span = question.asker, (query.time - REACTION, query.time)
    unstapled = case.once(_without_fresh, asker, certificate.sha256)
    return bool(between(unstapled, *span) or between(like_hidden(question), *span))


def _has_fresh(case: Case, visit: Visit, certificate: CertificateFact) -> bool:
    staple = case.staple_for(visit, certificate) if visit.handshake.staples else None
    return staple is not None and staple_problem(staple[0], staple[1], visit.handshake.time) is None


def _without_fresh(case: Case, asker: Host, sha256: str) -> list[Visit]:
    """Return the visits of a host that showed a certificate without a fresh staple."""
    certificate = case.facts.certificates[sha256]
    return [visit for visit in asker.received.get(sha256, ()) if not _has_fresh(case, visit, certificate)]


def _content(case: Case) -> frozenset[str]:
    """Return the identities of validators that did not ask after a handshake with a fresh staple."""
    return frozenset(
        identity
        for identity, host in case.hosts.items()
        if any(map(partial(_spared, case, host), host.visits))
    )


def _spared(case: Case, host: Host, visit: Visit) -> bool:
    chain = case.chain(visit.handshake)[:1] if visit.handshake.staples else []
    for certificate in chain:
        staple = case.staple_for(visit, certificate)
        if staple is not None and staple_problem(staple[0], staple[1], visit.handshake.time) is None:
            return not host.triggered.get((certificate.sha256, id(visit)))
    return False


def _on_the_way(question: Question, query: Query) -> bool:
    """From handshake to query the validator was busy: it looked for the responder, or tried before."""
    case, reached = question.case, question.visit.time
    steps: list[tuple[int, int]] = [(other.time, other.answer_time) for other in question.own_queries]
    for host, port, _ in question.sought:
        steps += [(case.moment(lookup), case.moment(lookup)) for lookup in lookups_for(question, host)]
        for attempt in attempts_for(question, host, port):
            begun = case.moment(attempt)
            # A SYN is sent again after one second, then after twice the time (RFC 6298 5.5, 5.7).
            steps.append((begun, begun + (2 ** min(attempt.attempts, MOST_SYNS) - 1) * SECOND))
    for begin, end in sorted(steps):
        if begin > query.time or begin > reached + AT_ONCE:
            break
        reached = max(reached, end)
    return query.time <= reached + REACTION


def unprompted(case: Case) -> frozenset[str]:
    """Return the identities of validators of which some query followed no handshake that is in the captures.

    Whether they ask by themselves, or the handshake was lost: other queries may have no visible cause either.
    """
    return frozenset(identity for identity, host in case.hosts.items() if _asks_unprompted(case, host))


def _asks_unprompted(case: Case, host: Host) -> bool:
    for sha256, queries in host.queries.items():
        received = host.received.get(sha256, ())
        names = {visit.host.lower() for visit in received if visit.host}
        for query in queries if received else ():
            since = query.time - LATE
            begin = query.exchange.time - LATE
            if not case.coverage.reaches(query.exchange.capture, begin, begin) or between(
                received, since, query.time
            ):
                continue
            visits = (
                visit for name in names for visit in between(host.visits_to.get(name, []), since, query.time)
            )
            if not between(host.hidden, since, query.time) and not any(True for _ in visits):
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
    received = question.asker.received.get(certificate.sha256, [])
    if between(received, question.visit.time + 1, time):
        yield Standing("other-purpose", "another handshake with this certificate stands nearer before it")
    naming = case.once(_naming, question.asker).get(host)
    if naming is not None and any(True for _ in naming.others(certificate.sha256, time - REACTION, time)):
        words = f"another certificate received at that time names the responder {host}, too"
        yield Standing("other-purpose", words, rival=held)
    if isinstance(act, TcpAttemptFact) and act.host is None:
        yield from _shared_address(question, act, host, time)


class _Naming(NamedTuple):
    """A certificate that names some responder, and when it was received."""

    time: int
    sha256: str


def _naming(case: Case, asker: Host) -> dict[str, Runs[_Naming]]:
    """Return, by responder, the certificates that a host received and that name it, by time."""
    index: dict[str, list[_Naming]] = defaultdict(list)
    for visit in asker.visits:
        for known in case.chain(visit.handshake):
            for host in dict.fromkeys(name for name, _, _ in responder_hosts(known.ocsp_urls)):
                index[host].append(_Naming(visit.time, known.sha256))
    return {host: Runs(received, attrgetter("sha256")) for host, received in index.items()}


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
