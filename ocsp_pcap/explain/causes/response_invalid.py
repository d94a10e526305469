"""``response-invalid``: an answer came that says nothing valid about this certificate (RFC 6960 3.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.aftermath import failed_try, other_answer_cut
from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import After, For, Held, Means, NoOtherTry, Saw, Sent
from ocsp_pcap.explain.querying import asked_words, grounds_of_try, last_failure
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.stapling import status_in_vain
from ocsp_pcap.explain.visits import Query
from ocsp_pcap.explain.windows import utc

ENTRY: Final = cause(
    "response-invalid",
    "attempted",
    "The answer was unparsable, for another certificate, not fresh, or badly signed.",
    ("got an unusable answer", "got unusable answers", "may have got an unusable answer"),
    ((Saw, Sent, For, Means, Held, After, NoOtherTry), (Saw, Sent, For, Means, After, NoOtherTry)),
    "Read the answer in frame {frame}: is it an OCSP response at all, or a block or login page?",
    "It was good until {until}: compare that with the capture's clock; a wrong clock makes good answers "
    "stale.",
    "Compare the CertID of question and answer (serial number, issuer name hash, issuer key hash).",
    "Look for a cache or filter between {validator} and {responder} that serves old or altered answers.",
    "If the responder itself sends this, report it to the certificate authority.",
    only=lambda of: of.asked_now,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that the last answer was unparsable, for another certificate, not fresh, or badly signed."""
    query = last_failure(question, ENTRY.code)
    if query is None:
        return
    exchange = query.exchange
    grounds = grounds_of_try(question, query, answered=True, refuted=True)
    single = query.single
    if single is not None and (query.stale or query.premature):
        at = exchange.response_time if exchange.response_time is not None else exchange.time
        grounds = (*grounds, Held(single, exchange.capture, at, single.next_update, refuted=True))
    words = f"{question.who} asked {asked_words(exchange)}, but the answer is not valid: {_reason(query)}"
    yield failed_try(
        *(question, query, ENTRY.code, words, grounds, _signs(question, query)),
        status=status_in_vain(single),
        until=utc(single.next_update) if single is not None and single.next_update is not None else None,
    )


def _reason(query: Query) -> str:
    response, exchange = query.exchange.response, query.exchange
    if response is None:
        kind = f" ({exchange.content_type})" if exchange.content_type else ""
        return f"it is no OCSP response{kind}"
    if response.parse_error:
        return response.parse_error
    if query.single is None:
        return "it is about another certificate (RFC 6960 3.2)"
    if response.signature == "invalid":
        return response.signature_note or "its signature does not verify"
    if query.foreign_nonce:
        return "its nonce is not that of the request (RFC 9654 2.1)"
    if query.premature:
        return "its thisUpdate lies in the future (RFC 6960 3.2)"
    return "it was already outdated, nextUpdate had passed (RFC 6960 3.2)"


def _signs(question: Question, query: Query) -> Iterator[Standing]:
    response, certificate = query.exchange.response, question.certificate
    assert certificate is not None
    if (
        response is not None
        and query.single is None
        and any(s.serial == certificate.serial for s in response.singles)
    ):
        yield Standing(
            "trust-open",
            "its serial number is the right one, and its hash algorithm is not known here, so that only this "
            "can be compared",
        )
    yield from other_answer_cut(question)
