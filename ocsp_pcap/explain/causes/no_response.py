"""``no-response``: the validator asked, and no answer is in the capture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.aftermath import failed_try
from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import After, For, Means, Read, Sent, Unanswered
from ocsp_pcap.explain.querying import (
    asked_words,
    cut_short,
    grounds_of_try,
    last_failure,
    unread_tries,
    unread_try,
)
from ocsp_pcap.explain.question import Question

ENTRY: Final = cause(
    "no-response",
    "attempted",
    "The validator asked, and no answer is in the capture.",
    ("got no answer", "got no answer", "may have got no answer"),
    ((Read, Sent, For, Means, After, Unanswered),),
    "Look at the rest of the connection: tcp.stream eq {stream}",
    "Make sure that the capture went on long enough and saw both directions.",
    "If the request was acknowledged and nothing followed, look for a filter between {validator} "
    "and {responder}.",
    only=lambda of: of.asked_now or (of.eligible and of.unread),
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that the last try was never answered."""
    query = last_failure(question, ENTRY.code)
    if query is None:
        yield from _unread(question)
        return
    exchange = query.exchange
    asked = f"{question.who} asked {asked_words(exchange)}"
    signs: tuple[Standing, ...] = ()
    if cut_short(query):
        words = f"{asked}; part of the answer is missing from the capture"
        signs = (Standing("packets-lost", "part of the answer is not in the capture"),)
    else:
        words = f"{asked}, and no answer is in the capture"
        if exchange.closed_by == "client":
            words += "; it gave up and closed the connection"
        if not question.case.coverage.answers_seen(exchange.capture, exchange.stream):
            signs = (Standing("packets-lost", "nor is any other packet that the responder sent"),)
    grounds = (*grounds_of_try(question, query, answered=False), Unanswered(exchange))
    yield failed_try(question, query, ENTRY.code, words, grounds, signs)


def _unread(question: Question) -> Iterator[Claim]:
    """Something was asked of this responder that cannot be read: a question all the same."""
    if question.own_queries:
        return
    for exchange in unread_tries(question):
        if exchange.http_status is not None or exchange.response is not None:
            continue
        words, evidence = unread_try(question, exchange)
        yield Claim(
            ENTRY.code,
            f"{words}, and no answer is in the capture",
            evidence,
            (Read(exchange), Unanswered(exchange)),
            (Standing("unread-question", "what it asked cannot be read"),),
            responder=exchange.url,
        )
        return
