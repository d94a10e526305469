"""``responder-error``: OCSPResponseStatus was other than successful (RFC 6960 4.2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.aftermath import with_aftermath
from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import After, For, Means, NoOtherTry, Read, Sent
from ocsp_pcap.explain.querying import (
    answerer_words,
    asked_words,
    cut_short,
    failed_tries,
    grounds_of_try,
    last_failure,
    tries_evidence,
    tries_words,
)
from ocsp_pcap.explain.question import Question

ENTRY: Final = cause(
    "responder-error",
    "attempted",
    "OCSPResponseStatus was other than successful.",
    (
        "was refused by the responder",
        "were refused by the responders",
        "may have been refused",
    ),
    ((Read, Sent, For, Means, After, NoOtherTry),),
    "Read the responseStatus in frame {frame}: unauthorized means that the responder knows no such "
    "certificate, tryLater and internalError are its own trouble.",
    "Ask the certificate authority behind {responder} about serial number {serial}.",
    "Repeat the query with openssl ocsp and no nonce (-no_nonce); some responders answer only plain"
    " requests.",
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that the last answer of the responder was an error."""
    query = last_failure(question, ENTRY.code)
    if query is None:
        return
    tries, exchange = failed_tries(question), query.exchange
    assert exchange.response is not None
    answered = f"{answerer_words(question, exchange)} {exchange.response.response_status}"
    words = f"{question.who} asked {asked_words(exchange)}, {answered}"
    lost = any(cut_short(other) for other in tries)
    claim = Claim(
        ENTRY.code,
        tries_words(words, tries),
        tries_evidence(question, tries),
        grounds_of_try(question, query, answered=True, whole=True),
        (Standing("packets-lost", "part of another answer is not in the capture"),) if lost else (),
        responder=exchange.url,
    )
    yield with_aftermath(question, claim, query.answer_time)
