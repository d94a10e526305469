"""The acts of a validator after a query that failed: a CRL instead, or on without an answer."""

from __future__ import annotations

from dataclasses import replace

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.grounds.claim import Claim
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.spans import between
from ocsp_pcap.facts import CrlFetchFact

FALLBACK = 30 * SECOND
"""A CRL that is fetched this soon after a failed query is fetched in its place."""


def with_aftermath(question: Question, claim: Claim, since: int) -> Claim:
    """Add to a failed attempt what the validator did next; ``since`` is the time of its last try."""
    words: list[str] = []
    evidence: list[Evidence] = []
    fetch = _crl_instead(question, since)
    if fetch is not None:
        words.append(f"it then fetched the CRL {fetch.url}")
        frame = fetch.frames.request or fetch.frames.response
        evidence.append(Evidence(fetch.capture, frame, fetch.stream, "CRL requested after the failed query"))
    handshake = question.visit.handshake
    began = handshake.client_data_last_time
    if began is not None and question.case.clock(handshake.capture, began) > since:
        # With a CRL at hand it may have had its answer: that is no neglect.
        words.append("it let the connection go on" + ("" if fetch is not None else " all the same"))
        evidence.append(
            question.visit.evidence(
                "application data of the client after the failed query", handshake.client_data_last_frame
            )
        )
    if not words:
        return claim
    telling = len(claim.evidence) - 1 if claim.telling < 0 else claim.telling
    return replace(
        claim,
        summary=f"{claim.summary}; {' and '.join(words)}",
        evidence=(*claim.evidence, *evidence),
        telling=telling,
    )


def _crl_instead(question: Question, since: int) -> CrlFetchFact | None:
    case, certificate = question.case, question.certificate
    if certificate is None:
        return None
    found: list[CrlFetchFact] = []
    for about in (*certificate.crl_urls, certificate.issuer):
        fetches = question.asker.fetches.get(about, [])
        found += between(fetches, since, since + FALLBACK, case.moment)[:1]
    return min(found, key=case.moment, default=None)
