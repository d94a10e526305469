"""From facts to an explanation: one question per certificate and handshake, answered by the causes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from ocsp_pcap.bounds import counted, mark, reached_since, sentences
from ocsp_pcap.explain.annotate import annotated, annotated_findings, log_notes, log_times
from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.causes import CAUSES, ORDER, next_steps, rules_for
from ocsp_pcap.explain.chains import chains
from ocsp_pcap.explain.findings import all_findings
from ocsp_pcap.explain.grounds.claim import Claim, Standing, Weighed
from ocsp_pcap.explain.grounds.weigh import weigh
from ocsp_pcap.explain.headline import headline
from ocsp_pcap.explain.hidden import is_quic
from ocsp_pcap.explain.model import (
    PRESENCES,
    Alternative,
    Confidence,
    Doubt,
    Evidence,
    Explanation,
    Presence,
    Presenter,
    Sighting,
    Status,
    Verdict,
)
from ocsp_pcap.explain.phrases import listed
from ocsp_pcap.explain.picture import picture
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.settled import what_is_left
from ocsp_pcap.explain.staples import staple_rows
from ocsp_pcap.explain.stapling import PROVE_NOTHING, validity_words
from ocsp_pcap.explain.visits import Visit
from ocsp_pcap.facts import CertificateFact, Facts
from ocsp_pcap.facts.hosts import host_of

if TYPE_CHECKING:
    from ocsp_pcap.explain.logs.model import LogEntry

CONFIDENCES: Final[tuple[Confidence, ...]] = ("confirmed", "likely", "possible")
RANK: Final = {rule.entry.code: number for number, rule in enumerate(ORDER)}
ITSELF_ONLY: Final = frozenset({"session-resumed", "handshake-failed"})
"""Causes that explain only the handshake they are claimed of.

They do not explain why another handshake, which showed the certificate, was followed by no query: so in a
verdict even ``unexplained`` comes before them.
"""
LEAVES_OPEN: Final = frozenset({"certificate-encrypted"})
"""Causes that say only that nothing can be seen: they do not say what the validator did."""
SPEAK_OF_THE_SITE: Final = frozenset({"ocsp-disabled", "unexplained"})
"""Causes whose own sentence says what the site file says of OCSP."""
MAX_EVIDENCE: Final = 12


class Answered(NamedTuple):
    """One question, the claim that wins, and what else was claimed."""

    question: Question
    winner: Weighed
    others: Sequence[Weighed]

    @property
    def claim(self) -> Claim:
        """What is claimed."""
        return self.winner.claim

    @property
    def leaves_open(self) -> bool:
        """The claim says only that nothing can be seen."""
        return self.claim.cause in LEAVES_OPEN

    @property
    def alternatives(self) -> tuple[Alternative, ...]:
        """What else is possible; of a confirmed claim only where it leaves open what happened."""
        if self.winner.confidence == "confirmed" and not self.leaves_open:
            return ()
        cause = self.claim.cause
        found: dict[str, Alternative] = {}
        for doubt in self.winner.doubts:
            if doubt.rival is not None and doubt.rival != cause:
                found.setdefault(doubt.rival, Alternative(doubt.rival, doubt.why))
        for other in self.others:
            if other.claim.cause not in (cause, "unexplained"):
                found.setdefault(other.claim.cause, Alternative(other.claim.cause, other.claim.summary))
        return tuple(found.values())

    @property
    def besides(self) -> list[Evidence]:
        """Evidence that is shown beside that of the claim."""
        return [
            evidence
            for other in self.others
            if other.confidence == "confirmed" or self.leaves_open
            for evidence in other.claim.evidence
        ]


def explain(facts: Facts, context: Context | None = None, hosts: Sequence[str] = ()) -> Explanation:
    """Explain every certificate that the facts show.

    Args:
        facts: what was seen.
        context: what the user said: site file, vantages, policy trace.
        hosts: glob patterns; only verdicts whose host matches one are kept (empty: all), and findings about
            these or about no host in particular.
    """
    context = context or Context()
    with counted() as reached:
        case = Case(facts, context)
        known, rest = _explained(case, hosts)
    whole = Explanation.begun(rest, **known, bounds_reached=(*context.bounds_reached, *sentences(reached)))
    return case.places.located(whole)


def _explained(
    case: Case, hosts: Sequence[str]
) -> tuple[dict[str, object], Callable[[], Mapping[str, object]]]:
    """Return the parts of an explanation, and what makes those that not every report shows."""
    verdicts = tuple(_verdicts(case))
    logs = case.context.logs
    if logs:
        from ocsp_pcap.explain.zones import in_fitting_zones

        logs = in_fitting_zones(logs, log_times(verdicts))
    legs = chains(case)
    if hosts:
        verdicts = tuple(verdict for verdict in verdicts if _matches(verdict.host, hosts))
        legs = tuple(chain for chain in legs if _matches(chain.host, hosts))

    def wanted(name: str | None) -> bool:
        return not hosts or _matches(name, hosts)

    findings = annotated_findings(all_findings(case, verdicts, wanted), case.site)
    verdicts = annotated(verdicts, logs, case.proxy, case.site)
    only = {verdict.certificate.sha256 for verdict in verdicts if verdict.certificate} if hosts else None

    def rest() -> Mapping[str, object]:
        from ocsp_pcap.explain.timeline import timelines

        # A bound of what is shown here was reached, and counted, when the verdicts were made.
        with counted():
            return {"timelines": timelines(case, verdicts), "staples": staple_rows(case, wanted)}

    known = {
        "captures": case.facts.captures,
        "verdicts": verdicts,
        "findings": findings,
        "unmatched_exchanges": case.unmatched,
        "chains": legs,
        "notes": tuple(_notes(case, logs)),
        "headline": headline(case, verdicts, hosts=hosts, only=only),
        "picture": picture(case, verdicts, only),
    }
    return known, rest


def _matches(host: str | None, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase((host or "").lower(), pattern.lower()) for pattern in patterns)


def answer(question: Question) -> Answered:
    """Ask all causes, weigh what they claim, and let one claim win.

    The first claim that is at least likely wins; where none is, the question stays unexplained and everything
    possible is an alternative. A confirmed claim has alternatives only where it leaves open what happened
    (:data:`LEAVES_OPEN`); their evidence is then shown beside its own.
    """
    found: list[Weighed] = []
    firm: Weighed | None = None
    settled = False
    start = mark()
    for entry, claims in rules_for(question.situation):
        if (settled and not entry.proofs) or (firm is not None and entry.code == "unexplained"):
            # Beside a confirmed answer only what is confirmed, too, is shown.
            continue
        for claim in claims(question):
            # What an earlier cause might have claimed, had it looked at all, is open for those that follow.
            one = weigh(question, claim, entry.proofs, reached_since(start) or question.case.cut_short)
            found.append(one)
            if firm is None and one.confidence != "possible":
                firm = one
                settled = one.confidence == "confirmed" and claim.cause not in LEAVES_OPEN
    winner = firm or (found[-1] if found else _nothing(question))
    return Answered(question, winner, [one for one in found if one is not winner])


def _nothing(question: Question) -> Weighed:
    words = "the capture does not show the certificate"
    claim = Claim("capture-incomplete", words, (question.visit.evidence(words),))
    return Weighed(claim, "likely", (Standing("packets-lost", "what is missing is not known"),))


def questions(case: Case) -> Iterator[tuple[tuple[str, str, Presenter], list[Question]]]:
    """Yield the questions of each verdict: (identity of the validator, certificate or host, its presenter).

    Sightings without a certificate join the verdict of the same validator, host and server where there is
    one.
    """
    groups: dict[tuple[str, str, Presenter], list[Question]] = defaultdict(list)
    bare: list[Question] = []
    home: dict[tuple[str, str | None, str], tuple[str, str, Presenter]] = {}
    for visit in case.visits:
        for question in _client_presented(case, visit) if visit.handshake.client_certificates else ():
            assert question.certificate is not None
            groups[question.asker.identity, question.certificate.sha256, "client"].append(question)
        chain = case.chain(visit.handshake)
        if not chain:
            bare.append(Question(case, visit, None))
            continue
        identity = case.identity(visit.handshake.client)
        home[identity, visit.host, visit.handshake.server] = (identity, chain[0].sha256, "server")
        for position, certificate in enumerate(chain):
            if position == 0 or not (certificate.self_signed or _seen_before(chain, position)):
                groups[identity, certificate.sha256, "server"].append(
                    Question(case, visit, certificate, position)
                )
    for question in bare:
        place = (question.asker.identity, question.visit.host, question.visit.handshake.server)
        key = home.get(place) or (question.asker.identity, f"{place[1]} {place[2]}", "server")
        groups[key].append(question)
    yield from groups.items()


def _client_presented(case: Case, visit: Visit) -> Iterator[Question]:
    chain = case.client_chain(visit.handshake)
    for position, certificate in enumerate(chain):
        if position == 0 or not (certificate.self_signed or _seen_before(chain, position)):
            yield Question(case, visit, certificate, position, "client")


def _seen_before(chain: Sequence[CertificateFact], position: int) -> bool:
    return chain[position].sha256 in [before.sha256 for before in chain[:position]]


def _verdicts(case: Case) -> Iterator[Verdict]:
    for _, group in questions(case):
        yield _verdict(group)


def _verdict(group: list[Question]) -> Verdict:
    if len(group) > 1:
        group.sort(key=lambda question: question.visit.time)
    rows = [answer(question) for question in group]
    # What showed no certificate is no answer about one that was shown elsewhere.
    shown = [row for row in rows if row.question.certificate is not None] or rows
    # Of hidden certificates the one that a query may be for tells more.
    newest = next((row.claim.status for row in reversed(shown) if row.claim.status), None)
    best = min(shown, key=lambda row: _rank(row, newest)) if len(shown) > 1 else shown[0]
    claim, question = best.claim, best.question
    # Good, and later revoked, is revoked.
    last = next((row for row in reversed(rows) if row.claim.status), best)
    status = last.claim.status
    subject = shown[0].question.certificate
    later = f"; {_newest_words(last)} says {status}" if claim.status not in (None, status) else ""
    return Verdict.begun(
        partial(_rest, best, rows, later),
        validator=question.validator,
        host=_host(group, subject),
        certificate=subject,
        chain_role="leaf" if 0 in [q.position for q in group] else "intermediate",
        presence=presence_of(claim.cause),
        cause=claim.cause,
        status=status,
        confidence=best.winner.confidence,
        presented_by=question.presented_by,
    )


def _rest(best: Answered, rows: Sequence[Answered], later: str) -> dict[str, object]:
    """Return what a verdict says at length, made where it is shown; no bound can be reached in it."""
    same = best.question.case.same
    sightings = tuple([_sighting(row) for row in rows])
    summed_up = sightings[rows.index(best)]
    return {
        "summary": same(
            _sentence(best.claim.summary + later + _contradicted_words(best) + _given_words(best))
        ),
        "alternatives": summed_up.alternatives,
        "evidence": _evidence(best),
        "next_steps": tuple([same(step) for step in _next_steps(best.question, best.claim)]),
        "sightings": sightings,
        "doubts": summed_up.doubts,
    }


def _newest_words(row: Answered) -> str:
    if row.claim.cause not in PROVE_NOTHING:
        return "the newest answer"
    return f"the newest answer, which {validity_words(sure=row.winner.confidence == 'confirmed')},"


def _evidence(row: Answered) -> tuple[Evidence, ...]:
    evidence, besides = row.claim.evidence, row.besides
    if not besides and len(evidence) < 2:
        return evidence
    return tuple(dict.fromkeys((*evidence, *besides)))[:MAX_EVIDENCE]


def _contradicted_words(row: Answered) -> str:
    """Say that the site file calls off what was seen, where the claim itself does not speak of it."""
    proxy = row.question.proxy
    said_off = proxy is not None and proxy.ocsp is False and row.claim.cause not in SPEAK_OF_THE_SITE
    if said_off and any(doubt.code == "told-otherwise" for doubt in row.winner.doubts):
        return f"; the site file, which says that OCSP is off on {row.question.who}, contradicts that"
    return ""


def _given_words(row: Answered) -> str:
    """Say what the claim rests on that only the site file says."""
    said = listed(list(dict.fromkeys(doubt.why for doubt in row.winner.given)))
    return f"; {said}, says the site file" if said else ""


def _doubts(standing: Sequence[Standing]) -> tuple[Doubt, ...]:
    """Return the doubts about a claim, each code once."""
    found: dict[str, Doubt] = {}
    for doubt in standing:
        found.setdefault(doubt.code, Doubt(doubt.code, doubt.why, doubt.evidence))
    return tuple(found.values())


def _sighting(row: Answered) -> Sighting:
    handshake, claim, same = row.question.visit.handshake, row.claim, row.question.case.same
    return Sighting(
        capture=handshake.capture,
        stream=handshake.stream,
        frame=row.question.visit.frame,
        time=handshake.time,
        presence=presence_of(claim.cause),
        cause=claim.cause,
        confidence=row.winner.confidence,
        evidence=claim.evidence,
        alternatives=same(row.alternatives),
        status=claim.status,
        doubts=same(_doubts(row.winner.doubts)),
    )


def _rank(row: Answered, newest: Status | None) -> tuple[int, bool, int, bool, int, bool]:
    """Sort key of sightings: the strongest first, and among those of one cause one with the newest status."""
    presence, itself_only, rank, confidence = _strength(row.winner)
    older = newest is not None and row.claim.status not in (None, newest)
    bare = row.leaves_open and not row.besides
    return presence, itself_only, rank, older, confidence, bare


def _strength(one: Weighed) -> tuple[int, bool, int, int]:
    cause = one.claim.cause
    return (
        PRESENCES.index(presence_of(cause)),
        cause in ITSELF_ONLY,
        RANK[cause],
        CONFIDENCES.index(one.confidence),
    )


def presence_of(cause: str) -> Presence:
    """Return the answer that a cause explains."""
    presence = CAUSES[cause].presence
    assert presence is not None
    return presence


def _host(group: Sequence[Question], certificate: CertificateFact | None) -> str | None:
    if group[0].presented_by == "server":
        for question in group:
            if question.visit.host:
                return question.visit.host
    if certificate is not None and certificate.sans:
        return certificate.sans[0]
    return certificate.subject if certificate is not None and group[0].presented_by == "client" else None


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _next_steps(question: Question, claim: Claim) -> tuple[str, ...]:
    certificate, places = question.certificate, question.case.places
    url = claim.responder or next(iter(certificate.ocsp_urls if certificate else ()), None)
    framed = [evidence for evidence in claim.evidence if evidence.frame is not None]
    shown = framed[claim.telling if -len(framed) <= claim.telling < len(framed) else -1] if framed else None
    return next_steps(
        claim.cause,
        host=question.host,
        validator=question.validator.address,
        responder=host_of(url),
        serial=certificate.serial if certificate else None,
        until=claim.until,
        longer=claim.longer,
        **dict(claim.words),
        quic="QUIC" if is_quic(question.visit.handshake) else None,
        **(what_is_left(question) if claim.cause == "reissued-certificate" else {}),
        **(places.reference(shown.capture, shown.frame, shown.stream, shown.transport) if shown else {}),
    )


def _notes(case: Case, logs: Sequence[LogEntry]) -> Iterator[str]:
    yield from case.roles.notes
    if logs or case.trace:
        yield from log_notes((*logs, *case.trace), case.facts.captures)
    for offset in case.clocks.offsets.values():
        if offset.significant:
            how = "handshakes that both hold" if offset.same_packets else "visits of the same hosts"
            direction = "behind" if offset.offset > 0 else "ahead of"
            yield (
                f"the clock of {offset.capture} is {abs(offset.offset) / 10**9:.1f} s {direction} that of "
                f"{offset.reference}, inferred from {offset.matches} {how}; times are compared with that "
                "in mind"
            )


__all__ = ["answer", "explain"]
