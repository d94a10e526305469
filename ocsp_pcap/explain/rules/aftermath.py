"""What a validator did after a query that failed: a CRL instead, or on without an answer."""

from __future__ import annotations

from dataclasses import replace

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.explain.rules.answer import Answer, Question
from ocsp_pcap.explain.spans import between
from ocsp_pcap.facts import CrlFetchFact

FALLBACK = 30 * SECOND
"""A CRL that is fetched this soon after a failed query is fetched in its place."""
SLOW = 2 * SECOND
"""A user waits for the responder: answers that take longer than this are felt."""


def latency_words(nanoseconds: int) -> str:
    """Say how long an answer took."""
    milliseconds = nanoseconds / 10**6
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"


def with_aftermath(question: Question, answer: Answer, since: int) -> Answer:
    """Add to a failed attempt what the validator did next; ``since`` is the time of its last try."""
    words: list[str] = []
    evidence: list[Evidence] = []
    fetch = _crl_instead(question, since)
    if fetch is not None:
        words.append(f"it then fetched the CRL {fetch.url}")
        frame = fetch.frames.request or fetch.frames.response
        evidence.append(Evidence(fetch.capture, frame, fetch.stream, "CRL requested after the failed query"))
    handshake = question.visit.handshake
    began = handshake.application_data_time
    if began is not None and question.case.clock(handshake.capture, began) > since:
        words.append("it let the connection go on all the same")
        evidence.append(
            question.visit.evidence(
                "application data after the failed query", handshake.application_data_frame
            )
        )
    if not words:
        return answer
    telling = len(answer.evidence) - 1 if answer.telling < 0 else answer.telling
    return replace(
        answer,
        summary=f"{answer.summary}; {' and '.join(words)}",
        evidence=(*answer.evidence, *evidence),
        telling=telling,
    )


def _crl_instead(question: Question, since: int) -> CrlFetchFact | None:
    case, certificate = question.case, question.certificate
    if certificate is None:
        return None
    found: list[CrlFetchFact] = []
    for about in (*certificate.crl_urls, certificate.issuer):
        fetches = case.crl_fetches_by.get((question.identity, about), [])
        found += between(fetches, since, since + FALLBACK, case.moment)[:1]
    return min(found, key=case.moment, default=None)
