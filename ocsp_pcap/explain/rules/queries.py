"""Rules about OCSP requests that were seen: queried, and the ways in which a query fails."""

from __future__ import annotations

from dataclasses import replace

from ocsp_pcap.explain.case import CONCURRENT
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.matching import Match
from ocsp_pcap.explain.model import Confidence, Evidence
from ocsp_pcap.explain.rules.aftermath import SLOW, latency_words, with_aftermath
from ocsp_pcap.explain.rules.answer import Answer, Question
from ocsp_pcap.explain.rules.doubt import loss, near_a_limit, rest_of_capture
from ocsp_pcap.explain.spans import between
from ocsp_pcap.explain.visits import Query
from ocsp_pcap.explain.windows import utc
from ocsp_pcap.facts import OcspExchangeFact

PATIENCE = 30 * SECOND
"""A capture that ends this soon after a request may just have missed the answer."""


def queried(question: Question) -> Answer | None:
    """The validator asked for this certificate after this handshake and got a usable answer."""
    for query in question.own_queries:
        if query.usable:
            return _answered(question, query)
    time = question.visit.time
    for query in between(question.queries, time, time + CONCURRENT):
        # Handshakes side by side wait for the one answer.
        if query.usable:
            return replace(_answered(question, query), confidence="likely")
    for query in question.own_queries:
        if _cut_short(query):
            words = f"{question.who} may have got a good answer, of which the capture lost a part"
            return Answer("queried", "possible", words)
    return None


def _cut_short(query: Query) -> bool:
    """An answer came, and bytes of it are not in the capture."""
    exchange = query.exchange
    refused = exchange.http_status is not None and not 200 <= exchange.http_status < 300
    return bool(exchange.missing_bytes) and not refused and not query.usable


def _answered(question: Question, query: Query) -> Answer:
    assert query.single is not None
    status = query.single.status
    if query.exchange.frames.request is not None:
        words = (
            f"{question.who} asked {query.exchange.url or query.exchange.server} and got the answer {status}"
        )
    else:
        words = f"{question.who} received the answer {status}; the request itself is not in the capture"
    if query.latency is not None and query.latency >= SLOW:
        words += f" after {latency_words(query.latency)}, slow enough for users to notice"
    window = question.case.window(query, question.proxy)
    if window is not None:
        words += f", good until {window.words}"
    else:
        words += "; it has neither nextUpdate nor HTTP freshness, so every connection may ask again"
    return Answer(
        "queried",
        _confidence_in_answer(question, query),
        words,
        (question.visit.evidence(f"certificate of {question.host}"), *_exchange_evidence(query)),
        status,
        query.exchange.url,
        until=utc(window.end) if window is not None else None,
    )


def _confidence_in_answer(question: Question, query: Query) -> Confidence:
    """Request and answer are there, mean the certificate beyond doubt, and the answer is valid."""
    exchange, response, single = query.exchange, query.exchange.response, query.single
    assert response is not None
    assert single is not None
    both = exchange.frames.request is not None and exchange.frames.response is not None
    proven = proves_match(question, query) and response.signature == "valid"
    timely = single.this_update <= query.answer_time + SECOND
    limit = near_a_limit(question.case, single, query.answer_time)
    doubt = limit or _of_another_handshake(question, query)
    return "confirmed" if both and proven and timely and not doubt else "likely"


def _of_another_handshake(question: Question, query: Query) -> bool:
    """The query came late, and an earlier answer still covered this handshake: another one may have asked."""
    visit, case = question.visit, question.case
    return query.time - visit.time > CONCURRENT and any(
        visit.time <= (case.window_end(earlier, question.proxy) or 0)
        for earlier in between(question.queries, 0, visit.time - 1)
    )


def proves_match(question: Question, query: Query) -> bool:
    """The whole CertID agrees, and the query came from this validator and not from an address near it."""
    sender, here = query.exchange.client, question.validator.address
    told = question.case.site.proxy_at(here)
    return query.match is Match.FULL and (sender == here or (told is not None and sender in told.addresses))


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
        took = query.latency
        after = f", after {latency_words(took)}" if took is not None else ""
        evidence.append(query.evidence(f"{_response_note(query)}{after}", exchange.frames.response))
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
    if any(_cut_short(query) for query in tries) and confidence == "confirmed":
        confidence = "likely"
    status = last.single.status if last.single is not None and cause == "response-invalid" else None
    answer = Answer(cause, confidence, words, tuple(evidence), status, last.exchange.url)
    return with_aftermath(question, answer, last.answer_time)


def _failure(question: Question, query: Query) -> tuple[str, Confidence, str]:
    exchange, response = query.exchange, query.exchange.response
    responder = exchange.url or exchange.server
    proven: Confidence = "confirmed" if proves_match(question, query) else "likely"
    if exchange.http_status is not None and not 200 <= exchange.http_status < 300:
        if (exchange.location or "").lower().startswith("https:"):
            # What followed over there cannot be read: it may have been the answer.
            proven = "likely"
        return (
            "http-error",
            proven,
            f"{question.who} asked {responder}, which answered HTTP {_status_words(exchange)}",
        )
    if _cut_short(query):
        words = f"{question.who} asked {responder}; part of the answer is missing from the capture"
        return "no-response", "likely", words
    if response is None:
        return _unanswered(question, query, proven)
    if response.response_status not in (None, "successful"):
        return (
            "responder-error",
            proven,
            f"{question.who} asked {responder}, which answered {response.response_status}",
        )
    reason = _why_invalid(query)
    if _invalid_by_a_hair(question, query):
        proven = "likely"
    return (
        "response-invalid",
        proven,
        f"{question.who} asked {responder}, but the answer is not valid: {reason}",
    )


def _status_words(exchange: OcspExchangeFact) -> str:
    """Say what an HTTP status other than 2xx means for the query."""
    status = exchange.http_status
    if exchange.location is not None and status is not None and 300 <= status < 400:
        return f"{status}, a redirect to {exchange.location}"
    meaning = {401: "it demands authentication", 407: "a proxy in between demands authentication"}
    return f"{status}: {meaning[status]}" if status in meaning else str(status)


def _why_invalid(query: Query) -> str:
    response = query.exchange.response
    assert response is not None
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


def _invalid_by_a_hair(question: Question, query: Query) -> bool:
    """The answer may be valid for all that the capture proves."""
    response, certificate = query.exchange.response, question.certificate
    assert response is not None
    assert certificate is not None
    if response.parse_error or response.signature == "invalid":
        return False
    if query.single is None:
        # With a hash algorithm that nobody knows here, only the serial number can be compared.
        return any(single.serial == certificate.serial for single in response.singles)
    return near_a_limit(question.case, query.single, query.answer_time)


def _unanswered(question: Question, query: Query, proven: Confidence) -> tuple[str, Confidence, str]:
    exchange = query.exchange
    responder = exchange.url or exchange.server
    if exchange.http_status is not None:
        kind = f" ({exchange.content_type})" if exchange.content_type else ""
        words = f"{question.who} asked {responder}, which answered something that is no OCSP response{kind}"
        return "response-invalid", proven, words
    case = question.case
    words = f"{question.who} asked {responder}, and no answer is in the capture"
    rest = rest_of_capture(case.captures.get(exchange.capture), exchange.time)
    if exchange.closed is None and rest < PATIENCE:
        return "no-response", "likely", f"{words}, which ends soon after"
    if not case.answers_seen(exchange.capture, exchange.stream):
        return "no-response", "likely", f"{words}, nor any other packet that the responder sent"
    if reason := loss(case, exchange.capture):
        return "no-response", "likely", f"{words}, but {reason}"
    return "no-response", proven, words
