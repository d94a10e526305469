"""The outcome of a query: words and evidence for its answer, and which kind of failure it is without one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.grounds.kinds import After, For, Ground, Means, NoOtherTry, Read, Saw, Sent
from ocsp_pcap.explain.intervals import REACTION
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.responders import host_and_port
from ocsp_pcap.explain.spans import between
from ocsp_pcap.explain.visits import NOT_MODIFIED, Query
from ocsp_pcap.facts import DnsLookupFact, OcspExchangeFact, TcpAttemptFact

SLOW: Final = 2 * SECOND
"""A user waits for the responder: answers that take longer than this are felt."""
MAX_TRIES: Final = 4
"""Tries whose evidence is shown, the last ones."""
MOST_URL: Final = 60
"""Characters of the URL of a GET that a sentence quotes: the encoded request in it tells nobody anything."""


def latency_words(nanoseconds: int) -> str:
    """Say how long an answer took."""
    milliseconds = nanoseconds / 10**6
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"


def asked_words(exchange: OcspExchangeFact) -> str:
    """Name what was asked: its URL, or address, port and path where the request bears no Host."""
    place = f"{exchange.server} port {exchange.server_port}" if exchange.server_port else exchange.server
    if exchange.url is None:
        return place
    if "://" in exchange.url:
        long = exchange.method == "GET" and len(exchange.url) > MOST_URL
        return f"{exchange.url[:MOST_URL]}…" if long else exchange.url
    return f"{place} for {exchange.url} (the request names no Host)"


def answerer_words(question: Question, exchange: OcspExchangeFact) -> str:
    """Say who answered, in a clause that goes on from what was asked."""
    if exchange.answered_by is not None:
        return f"and a proxy in between ({exchange.answered_by}) answered"
    if exchange.via_proxy:
        return f"and the proxy {exchange.server} port {exchange.server_port} answered"
    proxy = question.proxy
    if proxy is not None and proxy.forwarding_host == f"{exchange.server}:{exchange.server_port}":
        return f"and the forwarding host {proxy.forwarding_host} answered"
    return "which answered"


def exchange_evidence(query: Query) -> tuple[Evidence, ...]:
    """Return the frames of request and answer, with what each proves."""
    exchange = query.exchange
    evidence: list[Evidence] = []
    if exchange.frames.request is not None:
        ids = exchange.requests
        serial = query.single.serial if query.single else ids[0].serial if ids else "that cannot be read"
        note = (
            f"OCSP request ({exchange.method or 'unknown method'}) for serial {serial}: {query.match.proof}"
        )
        if query.credit.relayed:
            note += f"; handed on for another host: {query.credit.why}"
        evidence.append(query.evidence(note, exchange.frames.request))
    if exchange.frames.response is not None:
        took = query.latency
        after = f", after {latency_words(took)}" if took is not None else ""
        evidence.append(query.evidence(f"{response_note(query)}{after}", exchange.frames.response))
    return tuple(evidence)


def tries_evidence(question: Question, tries: Sequence[Query]) -> tuple[Evidence, ...]:
    """Return the certificate that caused some tries, and the frames of the last of them."""
    shown = (item for query in tries[-MAX_TRIES:] for item in exchange_evidence(query))
    return (question.visit.evidence(f"certificate of {question.host}"), *shown)


def response_note(query: Query) -> str:
    """Say what an answer is, for its evidence."""
    exchange, response = query.exchange, query.exchange.response
    if exchange.http_status == NOT_MODIFIED:
        return "HTTP 304: the answer that it holds is still good"
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


def cut_short(query: Query) -> bool:
    """An answer came, and bytes of it are not in the capture."""
    exchange = query.exchange
    refused = exchange.http_status is not None and not 200 <= exchange.http_status < 300
    return bool(exchange.missing_bytes) and not refused and not query.usable


def failed_tries(question: Question) -> Sequence[Query]:
    """Return the queries that this handshake triggered where none of them brought a usable answer."""
    tries = question.own_queries
    if not tries or not all(query.failed for query in tries):
        return ()
    return tries


def failure(query: Query) -> str:
    """Return the cause that a query without usable answer belongs to."""
    exchange, response = query.exchange, query.exchange.response
    if exchange.http_status is not None and not 200 <= exchange.http_status < 300:
        return "http-error"
    if cut_short(query):
        return "no-response"
    if response is None:
        return "no-response" if exchange.http_status is None else "response-invalid"
    if response.response_status not in (None, "successful"):
        return "responder-error"
    return "response-invalid"


def last_failure(question: Question, cause: str) -> Query | None:
    """Return the last try of this handshake, where none succeeded and the last one failed in this way."""
    tries = failed_tries(question)
    return tries[-1] if tries and failure(tries[-1]) == cause else None


def grounds_of_try(
    question: Question, query: Query, *, answered: bool, refuted: bool = False, whole: bool = False
) -> tuple[Ground, ...]:
    """Return what every claim about a query stands on: it is there, it is the validator's, it means this.

    ``whole``: what was read of the answer shows that none of it is missing.
    """
    exchange, handshake = query.exchange, question.visit.handshake
    at = exchange.response_time if exchange.response_time is not None else exchange.time
    response = exchange.response if refuted else None
    # A failure is the end of it only where nothing else was tried after it.
    final = (NoOtherTry(query.answer_time, exchange),) if answered and not query.usable else ()
    return (
        Saw(exchange, "answer") if answered and not whole else Read(exchange),
        Sent(query),
        For(query),
        Means(query.match, response, at, refuted=refuted),
        After((handshake.capture, question.visit.time), (exchange.capture, query.time)),
        *final,
    )


def since_handshake(question: Question, fact: DnsLookupFact | TcpAttemptFact) -> After:
    """Return the ground that a lookup or attempt came after the handshake that it is said to be for."""
    handshake = question.visit.handshake
    return After((handshake.capture, question.visit.time), (fact.capture, question.case.moment(fact)))


def unread_tries(question: Question) -> Sequence[OcspExchangeFact]:
    """Return what the validator asked this certificate's responder soon after, and nobody can read."""
    if not question.asker.unread or question.certificate is None or not question.eligible:
        return ()
    hosts = {host for host, _, _ in question.responders}
    addresses = {address for host in hosts for address in question.asker.addresses_of(host)}
    time = question.visit.time
    near = between(question.asker.unread, time, time + REACTION, question.case.moment)
    return [
        exchange
        for exchange in near
        if exchange.unread_request
        and not (exchange.response is not None and exchange.response.singles)
        and ((host_and_port(exchange.url) or ("", 0))[0] in hosts or exchange.server in addresses)
    ]


def unread_try(question: Question, exchange: OcspExchangeFact) -> tuple[str, tuple[Evidence, ...]]:
    """Return in words that something was asked that cannot be read, and where it stands."""
    words = (
        f"{question.who} asked {asked_words(exchange)} something that cannot be read "
        f"({exchange.request_error or 'its content is not in the capture'})"
    )
    request = Evidence(exchange.capture, exchange.frames.request, exchange.stream, "request to its responder")
    return words, (question.visit.evidence(f"certificate of {question.host}"), request)
