"""``queried``: the validator asked and got a usable answer for this certificate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import After, For, Held, Means, Saw, Sent
from ocsp_pcap.explain.hidden import asked_shortly_after, hidden_before, hidden_query_evidence, serial_of
from ocsp_pcap.explain.intervals import CONCURRENT, REACTION
from ocsp_pcap.explain.querying import (
    SLOW,
    asked_words,
    cut_short,
    exchange_evidence,
    grounds_of_try,
    latency_words,
)
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.spans import between, some
from ocsp_pcap.explain.visits import NOT_MODIFIED, Query
from ocsp_pcap.explain.windows import Window, tenths, utc

ENTRY: Final = cause(
    "queried",
    "present",
    "The validator asked and got an answer for this certificate.",
    ("was asked about", "were asked about", "may have been asked about"),
    ((Saw, Sent, For, Means, Held, After),),
    "Read certStatus, thisUpdate and nextUpdate of the answer in frame {frame}.",
    "The answer is good until {until}: the next query is due with the first new connection after "
    "that, earlier only where the cache is cleared or a TTL override is set.",
    only=lambda of: not of.shown or of.asked or of.asked_elsewhere,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that the validator asked for this certificate after this handshake and got a usable answer."""
    if question.certificate is None:
        yield from _hidden(question)
        return
    for query in question.own_queries:
        if query.usable:
            yield _answered(question, query)
            return
    for query in question.own_queries:
        if query.exchange.http_status == NOT_MODIFIED:
            yield _not_modified(question, query)
            return
    time = question.visit.time
    for query in between(question.queries, time, time + CONCURRENT):
        if query.usable and not _covered_before(question):
            words = (
                "another handshake stands nearer before the query, and this one may have waited for its "
                "answer"
            )
            yield _answered(question, query)._replace(signs=(Standing("other-purpose", words),))
            return
    for query in question.own_queries:
        if cut_short(query):
            words = f"{question.who} may have got a good answer, of which the capture lost a part"
            yield Claim("queried", words, at_most="possible")
            return
    yield from _elsewhere(question)


def _covered_before(question: Question) -> bool:
    """An answer that was there before this handshake still covers it."""
    time = question.visit.time
    windows = (
        question.case.window(query, question.proxy)
        for query in between(question.queries, 0, time)
        if query.answer_time <= time
    )
    return any(window is not None and time <= window.end for window in windows)


def _answered(question: Question, query: Query) -> Claim:
    exchange, single = query.exchange, query.single
    assert single is not None
    response = query.confirms.exchange.response if query.confirms is not None else exchange.response
    at = exchange.response_time if exchange.response_time is not None else exchange.time
    window = question.case.window(query, question.proxy)
    handshake = question.visit.handshake
    return Claim(
        "queried",
        _words(question, query, window),
        (question.visit.evidence(f"certificate of {question.host}"), *exchange_evidence(query)),
        (
            Saw(exchange, "answer"),
            Sent(query),
            For(query),
            Means(query.match, response, at),
            Held(single, exchange.capture, at, single.next_update),
            After((handshake.capture, question.visit.time), (exchange.capture, query.time)),
        ),
        status=single.status,
        responder=exchange.url,
        until=utc(window.end) if window is not None and single.status == "good" else None,
    )


def _words(question: Question, query: Query, window: Window | None) -> str:
    exchange, single = query.exchange, query.single
    assert single is not None
    if exchange.frames.request is not None:
        words = f"{question.who} asked {asked_words(exchange)} and got the answer {single.status}"
    else:
        words = f"{question.who} received the answer {single.status}"
    if query.latency is not None and query.latency >= SLOW:
        words += f" after {latency_words(query.latency)}, slow enough for users to notice"
    if single.status == "good":
        if window is not None:
            words += f", good until {window.words}"
        elif query.confirms is None:
            words += "; it has neither nextUpdate nor HTTP freshness, so every connection may ask again"
    elif single.revocation_time is not None:
        words += f" (since {utc(single.revocation_time)})"
    if exchange.frames.request is None:
        words += "; the request itself is not in the capture"
    return words


def _not_modified(question: Question, query: Query) -> Claim:
    words = (
        f"{question.who} asked {asked_words(query.exchange)} whether what it holds is still good, and got "
        "HTTP 304: it is"
    )
    sign = Standing("trust-open", "no answer in the capture is one that it can hold and that is still good")
    return Claim(
        "queried",
        words,
        (question.visit.evidence(f"certificate of {question.host}"), *exchange_evidence(query)),
        grounds_of_try(question, query, answered=True),
        (sign,),
        responder=query.exchange.url,
    )


def _elsewhere(question: Question) -> Iterator[Claim]:
    """A host that was not seen to receive this certificate asked about it, soon after this handshake.

    It may be another interface or address of the validator, or a host that asks on its behalf. That
    of another validator, which got the certificate itself, is no such query.
    """
    certificate = question.certificate
    if certificate is None or not question.eligible or question.queries:
        return
    case, time = question.case, question.visit.time
    for asked in some(between(case.asked_about(certificate, None), time, time + REACTION)):
        query = asked.query
        if case.identity(query.exchange.client) == question.asker.identity:
            # It only handed on what a host behind it asked.
            continue
        frame = case.places.frame_words(query.exchange.capture, query.frame) or ""
        frame = frame if " of " in frame else f"{frame} of {query.exchange.capture}"
        yield Claim(
            "queried",
            f"{query.exchange.client} asked about this very certificate "
            f"{tenths(query.time - time)} after this handshake (frame {frame}) "
            f"and was not seen to receive it: the query is that of {question.who} if "
            "this is another address or interface of it, or asks on its behalf",
            responder=query.exchange.url,
            at_most="possible",
        )
        return


def _hidden(question: Question) -> Iterator[Claim]:
    """The validator asked about a certificate that is nowhere to be seen, shortly after hiding one."""
    near = asked_shortly_after(question)
    if not near:
        return
    case, visit = question.case, question.visit
    first = near[0]
    time = case.moment(first)
    serials = ", ".join(dict.fromkeys(serial_of(exchange) for exchange in near))
    words = (
        f"{question.who} asked {first.url or first.server} about serial {serials} "
        f"{tenths(time - visit.time)} after this handshake began, and no certificate that it was "
        "seen to receive has that serial number"
    )
    rivals = hidden_before(question, time)
    if len(rivals) < 2:
        words += ": likely its query"
    elif rivals[-1] is visit:
        words += (
            f": likely its query, for of {len(rivals)} hidden certificates shortly before it is the nearest"
        )
    else:
        words += f"; {len(rivals)} hidden certificates came shortly before, and this is one of them"
    evidence = tuple(hidden_query_evidence(case, exchange) for exchange in near)
    yield Claim("queried", words, evidence, at_most="possible")
