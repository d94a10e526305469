"""Rules about OCSP requests that were seen: queried, and the ways in which a query fails."""

from __future__ import annotations

from ocsp_pcap.explain.case import CONCURRENT, Query
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.matching import Match
from ocsp_pcap.explain.model import Confidence, Evidence
from ocsp_pcap.explain.rules.answer import Answer, Question

PATIENCE = 30 * SECOND
"""A capture that ends this soon after a request may just have missed the answer."""


def queried(question: Question) -> Answer | None:
    """The validator asked for this certificate after this handshake and got a usable answer."""
    for query in question.own_queries:
        if query.usable:
            return _answered(question, query)
    for query in question.queries:
        # Handshakes side by side wait for the one answer.
        if query.usable and 0 <= query.time - question.visit.time <= CONCURRENT:
            return _answered(question, query)
    return None


def _answered(question: Question, query: Query) -> Answer:
    assert query.single is not None
    confidence: Confidence = "confirmed" if query.match is Match.FULL else "likely"
    status = query.single.status
    if query.exchange.frames.request is not None:
        words = (
            f"{question.who} asked {query.exchange.url or query.exchange.server} and got the answer {status}"
        )
    else:
        words = f"{question.who} received the answer {status}; the request itself is not in the capture"
    return Answer(
        "queried",
        confidence,
        words,
        (question.visit.evidence(f"certificate of {question.host}"), *_exchange_evidence(query)),
        status,
        query.exchange.url,
    )


def _exchange_evidence(query: Query) -> tuple[Evidence, ...]:
    exchange = query.exchange
    evidence: list[Evidence] = []
    if exchange.frames.request is not None:
        serial = query.single.serial if query.single else exchange.requests[0].serial
        note = (
            f"OCSP request ({exchange.method or 'unknown method'}) for serial {serial}: {query.match.proof}"
        )
        evidence.append(query.evidence(note, exchange.frames.request))
    if exchange.frames.response is not None:
        evidence.append(query.evidence(_response_note(query), exchange.frames.response))
    return tuple(evidence)


def _response_note(query: Query) -> str:
    exchange, response = query.exchange, query.exchange.response
    if response is None:
        return f"HTTP {exchange.http_status} without an OCSP response"
    if response.parse_error:
        return f"answer that is no readable OCSP response: {response.parse_error}"
    if response.response_status != "successful":
        return f"OCSP response with status {response.response_status}"
    if query.single is None:
        serials = ", ".join(single.serial for single in response.singles[:3]) or "none"
        return f"OCSP response about another certificate (serial {serials})"
    note = f"OCSP response: {query.single.status}, signature {response.signature}"
    return f"{note} ({response.signature_note})" if response.signature_note else note


def failed_query(question: Question) -> Answer | None:
    """The validator asked after this handshake, and no try brought a usable answer: tell the last."""
    tries = question.own_queries
    if not tries or any(query.usable for query in tries):
        return None
    last = tries[-1]
    cause, confidence, words = _failure(question, last)
    evidence = [question.visit.evidence(f"certificate of {question.host}")]
    for query in tries[-4:]:
        evidence += _exchange_evidence(query)
    if len(tries) > 1:
        words = f"{words} (the last of {len(tries)} tries)"
    status = last.single.status if last.single is not None and cause == "response-invalid" else None
    return Answer(cause, confidence, words, tuple(evidence), status, last.exchange.url)


def _failure(question: Question, query: Query) -> tuple[str, Confidence, str]:
    exchange, response = query.exchange, query.exchange.response
    responder = exchange.url or exchange.server
    proven: Confidence = "confirmed" if query.match is Match.FULL else "likely"
    if exchange.http_status is not None and not 200 <= exchange.http_status < 300:
        return (
            "http-error",
            proven,
            f"{question.who} asked {responder}, which answered HTTP {exchange.http_status}",
        )
    if response is None:
        return _unanswered(question, query, proven)
    if response.response_status not in (None, "successful"):
        return (
            "responder-error",
            proven,
            f"{question.who} asked {responder}, which answered {response.response_status}",
        )
    if exchange.missing_bytes:
        words = f"{question.who} asked {responder}; part of the answer is missing from the capture"
        return "response-invalid", "possible", words
    reason = _why_invalid(query)
    return (
        "response-invalid",
        proven,
        f"{question.who} asked {responder}, but the answer is not valid: {reason}",
    )


def _why_invalid(query: Query) -> str:
    response = query.exchange.response
    assert response is not None
    if response.parse_error:
        return response.parse_error
    if query.single is None:
        return "it is about another certificate (RFC 6960 3.2)"
    if response.signature == "invalid":
        return response.signature_note or "its signature does not verify"
    return "it was already outdated, nextUpdate had passed (RFC 6960 3.2)"


def _unanswered(question: Question, query: Query, proven: Confidence) -> tuple[str, Confidence, str]:
    exchange = query.exchange
    responder = exchange.url or exchange.server
    if exchange.http_status is not None:
        kind = f" ({exchange.content_type})" if exchange.content_type else ""
        words = f"{question.who} asked {responder}, which answered something that is no OCSP response{kind}"
        if exchange.missing_bytes:
            return "response-invalid", "possible", f"{words}; part of it is missing from the capture"
        return "response-invalid", proven, words
    capture = question.case.captures.get(exchange.capture)
    words = f"{question.who} asked {responder}, and no answer is in the capture"
    end = capture.last_time if capture is not None else None
    cut_short = end is not None and end - exchange.time < PATIENCE and exchange.closed is None
    if cut_short or exchange.missing_bytes:
        return "no-response", "likely", f"{words}, which ends soon after"
    return "no-response", proven, words
