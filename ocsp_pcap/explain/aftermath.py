"""Claims about a query that failed, and the acts of the validator after it: a CRL instead, or on without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import Ground
from ocsp_pcap.explain.model import Evidence, Status
from ocsp_pcap.explain.querying import cut_short, failed_tries, tries_evidence
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.spans import between
from ocsp_pcap.explain.visits import Query, evidence_in
from ocsp_pcap.facts import CrlFetchFact

FALLBACK = 30 * SECOND
"""A CRL that is fetched this soon after a failed query is fetched in its place."""


def failed_try(
    question: Question,
    query: Query,
    cause: str,
    words: str,
    grounds: Sequence[Ground],
    signs: Iterable[Standing] = (),
    *,
    status: Status | None = None,
    until: str | None = None,
) -> Claim:
    """Return the claim that the last of some tries failed, with what the validator did next.

    Args:
        question: what is asked.
        query: the last try.
        cause: the way in which it failed.
        words: the sentence, of this try alone.
        grounds: those of the claim.
        signs: doubts that stand whatever the grounds.
        status: of the certificate, in an answer that is no good.
        until: end of that answer.
    """
    tries = failed_tries(question)
    claim = Claim(
        cause,
        f"{words} (the last of {len(tries)} tries)" if len(tries) > 1 else words,
        tries_evidence(question, tries),
        tuple(grounds),
        tuple(signs),
        status=status,
        responder=query.exchange.url,
        until=until,
    )
    return with_aftermath(question, claim, query.answer_time)


def other_answer_cut(question: Question) -> Iterator[Standing]:
    """Yield the doubt that another try may have succeeded: an answer of which the capture lost a part."""
    if any(cut_short(query) for query in failed_tries(question)):
        yield Standing("packets-lost", "part of another answer is not in the capture")


def with_aftermath(question: Question, claim: Claim, since: int) -> Claim:
    """Add to a failed attempt what the validator did next; ``since`` is the time of its last try."""
    words: list[str] = []
    evidence: list[Evidence] = []
    fetch = _crl_instead(question, since)
    if fetch is not None:
        words.append(f"it then fetched the CRL {fetch.url}")
        evidence.append(evidence_in(fetch, "CRL requested after the failed query"))
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
    return claim._replace(
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
