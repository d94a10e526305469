"""From facts to an explanation: one question per certificate and handshake, answered by the rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import urlsplit

from ocsp_pcap.explain.annotate import annotated, annotated_findings, log_notes
from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.causes import CAUSES, next_steps
from ocsp_pcap.explain.chains import chains
from ocsp_pcap.explain.findings import all_findings
from ocsp_pcap.explain.headline import headline
from ocsp_pcap.explain.model import (
    Alternative,
    ChainRole,
    Confidence,
    Evidence,
    Explanation,
    Presence,
    Sighting,
    Validator,
    Verdict,
)
from ocsp_pcap.explain.picture import picture
from ocsp_pcap.explain.rules import RULES, Answer, Question, unexplained
from ocsp_pcap.explain.rules.hidden import quic_past_proxies
from ocsp_pcap.explain.timeline import timelines
from ocsp_pcap.facts import CertificateFact, Facts

PRESENCES: Final[tuple[Presence, ...]] = ("present", "attempted", "absent", "unknown")
CONFIDENCES: Final[tuple[Confidence, ...]] = ("confirmed", "likely", "possible")
SPECIFICITY: Final = (
    "queried",
    "response-invalid",
    "responder-error",
    "http-error",
    "no-response",
    "responder-unreachable",
    "dns-failed",
    "not-intercepted",
    "stapled",
    "staple-invalid",
    "cached",
    "reissued-certificate",
    "short-lived",
    "no-ocsp-url",
    "ocsp-disabled",
    "unexplained",
    "session-resumed",
    "handshake-failed",
    "ocsp-over-tls",
    "capture-filtered",
    "certificate-encrypted",
    "capture-incomplete",
)
"""Of several sightings of one certificate with the same presence, the earliest of these is the headline.

A session that was resumed, or never came about, explains itself only: of the handshake that showed the
certificate and was followed by no query it says nothing, so even ``unexplained`` comes before them.
"""
LEAVES_OPEN: Final = frozenset({"certificate-encrypted"})
"""Causes that say only that nothing can be seen: what the validator did may have another cause besides."""
MAX_EVIDENCE: Final = 12


def explain(facts: Facts, context: Context | None = None, hosts: Sequence[str] = ()) -> Explanation:
    """Explain every certificate that the facts show.

    Args:
        facts: what was seen.
        context: what the user told: site file, vantages, policy trace.
        hosts: glob patterns; only verdicts whose host matches one are kept (empty: all).
    """
    case = Case(facts, context or Context())
    verdicts = tuple(_verdicts(case))
    findings = annotated_findings(all_findings(case, verdicts), case.site)
    verdicts = annotated(verdicts, case.context.logs, case.proxy)
    legs = chains(case)
    if hosts:
        verdicts = tuple(verdict for verdict in verdicts if _matches(verdict.host, hosts))
        legs = tuple(chain for chain in legs if _matches(chain.host, hosts))
    only = {verdict.certificate.sha256 for verdict in verdicts if verdict.certificate} if hosts else None
    whole = Explanation(
        facts.captures,
        verdicts,
        findings,
        case.unmatched,
        legs,
        tuple(_notes(case)),
        headline=headline(case, verdicts, hosts=hosts, only=only),
        picture=picture(case, verdicts, only),
        timelines=timelines(case, verdicts),
    )
    return case.places.located(whole)


def _matches(host: str | None, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase((host or "").lower(), pattern.lower()) for pattern in patterns)


def answer(question: Question) -> tuple[Answer, tuple[Alternative, ...], tuple[Evidence, ...]]:
    """Ask all rules; return the headline, what else is possible, and what holds besides.

    The first rule that is at least likely wins. Where none is, the question stays unexplained and
    everything possible is an alternative. A confirmed headline has alternatives only where it leaves
    open what happened (:data:`LEAVES_OPEN`); what speaks for them is evidence, then.
    """
    answers = [found for rule in RULES if (found := rule(question)) is not None]
    firm = [found for found in answers if found.confidence != "possible"]
    headline = firm[0] if firm else unexplained(question) or next(iter(answers), None)
    if headline is None:
        return _nothing_to_say(question), (), ()
    leaves_open = headline.cause in LEAVES_OPEN
    others = [found for found in answers if found is not headline]
    alternatives: dict[str, Alternative] = {}
    if headline.confidence != "confirmed" or leaves_open:
        for other in others:
            if other.cause != headline.cause:
                alternatives.setdefault(other.cause, Alternative(other.cause, other.summary))
    besides = tuple(
        evidence
        for other in others
        if leaves_open or other.confidence == "confirmed"
        for evidence in other.evidence
    )
    return headline, tuple(alternatives.values()), besides


def _nothing_to_say(question: Question) -> Answer:
    # Only a handshake without a certificate can come here: one that is over, in full, yet showed none.
    handshake = question.visit.handshake
    if handshake.complete:
        words = "the handshake was completed without a certificate (anonymous or pre-shared key)"
        return Answer("session-resumed", "likely", words, (question.visit.evidence(words),))
    words = "the capture does not show the certificate"
    return Answer("capture-incomplete", "likely", words, (question.visit.evidence(words),))


def _verdicts(case: Case) -> Iterator[Verdict]:
    groups: dict[tuple[str, str], list[Question]] = defaultdict(list)
    bare: list[Question] = []
    home: dict[tuple[str, str | None, str], tuple[str, str]] = {}
    for visit in case.visits:
        validator = case.validator(visit)
        chain = case.chain(visit.handshake)
        if not chain:
            bare.append(Question(case, visit, validator, None, 0))
            continue
        identity = case.identity(validator.address)
        home[identity, visit.host, visit.handshake.server] = (identity, chain[0].sha256)
        for position, certificate in enumerate(chain):
            if position == 0 or not (certificate.self_signed or _seen_before(chain, position)):
                key = (identity, certificate.sha256)
                groups[key].append(Question(case, visit, validator, certificate, position))
    for question in bare:
        place = (question.identity, question.visit.host, question.visit.handshake.server)
        key = home.get(place) or (question.identity, f"{place[1]} {place[2]}")
        groups[key].append(question)
    for questions in groups.values():
        yield _verdict(questions)


def _seen_before(chain: list[CertificateFact], position: int) -> bool:
    return any(chain[index].sha256 == chain[position].sha256 for index in range(position))


def _verdict(questions: list[Question]) -> Verdict:
    questions.sort(key=lambda question: question.visit.time)
    answered = [(question, *answer(question)) for question in questions]
    # What showed no certificate is no answer about one that was shown elsewhere.
    shown = [index for index, row in enumerate(answered) if row[0].certificate is not None]
    strongest = min(
        shown or range(len(answered)),
        # Of hidden certificates the one that a query may be for tells more.
        key=lambda index: (
            *_strength(answered[index][1]),
            answered[index][1].cause in LEAVES_OPEN and not answered[index][2],
        ),
    )
    question, headline, alternatives, besides = answered[strongest]
    subject = next((q.certificate for q in questions if q.certificate is not None), None)
    chain_role: ChainRole = "leaf" if any(q.position == 0 for q in questions) else "intermediate"
    sightings = tuple(_sighting(*row) for row in answered)
    status = headline.status or next((s.status for s in sightings if s.status), None)
    evidence = dict.fromkeys((*headline.evidence, *besides))
    validator = question.validator
    return Verdict(
        validator=validator,
        host=_host(questions, subject),
        certificate=subject,
        chain_role=chain_role,
        presence=_presence(headline.cause),
        cause=headline.cause,
        status=status,
        confidence=headline.confidence,
        summary=_sentence(headline.summary),
        alternatives=alternatives,
        evidence=tuple(evidence)[:MAX_EVIDENCE],
        next_steps=_next_steps(question, headline, validator),
        sightings=sightings,
    )


def _sighting(
    question: Question, found: Answer, alternatives: tuple[Alternative, ...], _: tuple[Evidence, ...]
) -> Sighting:
    handshake = question.visit.handshake
    return Sighting(
        capture=handshake.capture,
        stream=handshake.stream,
        frame=question.visit.frame,
        time=handshake.time,
        presence=_presence(found.cause),
        cause=found.cause,
        confidence=found.confidence,
        evidence=found.evidence,
        alternatives=alternatives,
        status=found.status,
    )


def _strength(found: Answer) -> tuple[int, int, int]:
    return (
        PRESENCES.index(_presence(found.cause)),
        SPECIFICITY.index(found.cause),
        CONFIDENCES.index(found.confidence),
    )


def _presence(cause: str) -> Presence:
    presence = CAUSES[cause].presence
    assert presence is not None
    return presence


def _host(questions: list[Question], certificate: CertificateFact | None) -> str | None:
    for question in questions:
        if question.visit.host:
            return question.visit.host
    if certificate is not None and certificate.sans:
        return certificate.sans[0]
    return None


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _next_steps(question: Question, headline: Answer, validator: Validator) -> tuple[str, ...]:
    certificate, places = question.certificate, question.case.places
    url = headline.responder or next(iter(certificate.ocsp_urls if certificate else ()), None)
    framed = [e for e in headline.evidence if e.frame is not None]
    shown = framed[headline.telling] if framed else None
    return next_steps(
        headline.cause,
        host=question.visit.host or (certificate.sans[0] if certificate and certificate.sans else None),
        validator=validator.address,
        responder=_host_of(url),
        serial=certificate.serial if certificate else None,
        until=headline.until,
        longer=headline.longer,
        **(places.reference(shown.capture, shown.frame, shown.stream, shown.transport) if shown else {}),
    )


def _host_of(url: str | None) -> str | None:
    try:
        return urlsplit(url).hostname if url else None
    except ValueError:
        return None


def _notes(case: Case) -> Iterator[str]:
    yield from case.roles.notes
    yield from log_notes(case.context.logs, case.facts.captures)
    yield from quic_past_proxies(case)
    for offset in case.offsets.values():
        if offset.significant:
            how = "handshakes that both hold" if offset.same_packets else "visits of the same hosts"
            direction = "behind" if offset.offset > 0 else "ahead of"
            yield (
                f"the clock of {offset.capture} is {abs(offset.offset) / 10**9:.1f} s {direction} that of "
                f"{offset.reference}, told from {offset.matches} {how}; times are compared with that in mind"
            )


__all__ = ["answer", "explain"]
