"""``responder-error``: OCSPResponseStatus was other than successful (RFC 6960 4.2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.aftermath import failed_try, other_answer_cut
from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim
from ocsp_pcap.explain.grounds.kinds import After, For, Means, NoOtherTry, Read, Sent
from ocsp_pcap.explain.querying import answerer_words, asked_words, grounds_of_try, last_failure
from ocsp_pcap.explain.question import Question

ENTRY: Final = cause(
    "responder-error",
    "attempted",
    "OCSPResponseStatus was other than successful.",
    ("was refused by the responder", "were refused by the responders", "may have been refused"),
    ((Read, Sent, For, Means, After, NoOtherTry),),
    "Read the responseStatus in frame {frame}: unauthorized means that the responder knows no such "
    "certificate, tryLater and internalError are its own trouble.",
    "Ask the certificate authority behind {responder} about serial number {serial}.",
    "Repeat the query with openssl ocsp and no nonce (-no_nonce); some responders answer only plain"
    " requests.",
    only=lambda of: of.asked_now,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that the last answer of the responder was an error."""
    query = last_failure(question, ENTRY.code)
    if query is None:
        return
    exchange = query.exchange
    assert exchange.response is not None
    answered = f"{answerer_words(question, exchange)} {exchange.response.response_status}"
    words = f"{question.who} asked {asked_words(exchange)}, {answered}"
    grounds = grounds_of_try(question, query, answered=True, whole=True)
    yield failed_try(question, query, ENTRY.code, words, grounds, other_answer_cut(question))
