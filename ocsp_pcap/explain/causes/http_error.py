"""``http-error``: HTTP answered, but with a status that brings no OCSP response (RFC 9110 15)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.aftermath import failed_try, other_answer_cut
from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import After, For, Means, NoOtherTry, Saw, Sent
from ocsp_pcap.explain.querying import answerer_words, asked_words, grounds_of_try, last_failure
from ocsp_pcap.explain.question import Question
from ocsp_pcap.facts import OcspExchangeFact

ENTRY: Final = cause(
    "http-error",
    "attempted",
    "The responder, or the proxy in front of it, answered HTTP but not 2xx.",
    ("got an HTTP error", "got HTTP errors", "may have got an HTTP error"),
    ((Saw, Sent, For, Means, After, NoOtherTry),),
    "Read the status and body in frame {frame}: a block page, an authentication demand (401, 407), "
    "a redirect or the responder's own error?",
    "If a proxy in between answered, exempt {responder} from authentication and content filtering.",
    "Try the responder directly: openssl ocsp -issuer ISSUER.pem -cert CERT.pem -url "
    "http://{responder}/ -text",
    only=lambda of: of.asked_now,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that the last answer was an HTTP error, and say who gave it."""
    query = last_failure(question, ENTRY.code)
    if query is None:
        return
    exchange = query.exchange
    answered = f"{answerer_words(question, exchange)} HTTP {_status_words(exchange)}"
    words = f"{question.who} asked {asked_words(exchange)}, {answered}"
    grounds = grounds_of_try(question, query, answered=True)
    yield failed_try(question, query, ENTRY.code, words, grounds, _signs(question, exchange))


def _signs(question: Question, exchange: OcspExchangeFact) -> Iterator[Standing]:
    if (exchange.location or "").lower().startswith("https:"):
        yield Standing("unread-question", "what followed at the redirect's https address cannot be read")
    yield from other_answer_cut(question)


def _status_words(exchange: OcspExchangeFact) -> str:
    """Say what an HTTP status other than 2xx means for the query."""
    status = exchange.http_status
    if exchange.location is not None and status is not None and 300 <= status < 400:
        return f"{status}, a redirect to {exchange.location}"
    meaning = {401: "it demands authentication", 407: "a proxy in between demands authentication"}
    return f"{status}: {meaning[status]}" if status in meaning else str(status)
