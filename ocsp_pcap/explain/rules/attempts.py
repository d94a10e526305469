"""Rules about queries that never came to be: no name, no connection, or a connection nobody can read."""

from __future__ import annotations

from typing import TypeVar

from ocsp_pcap.explain.case import Visit, responder_hosts
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.model import Confidence, Evidence
from ocsp_pcap.explain.rules.answer import Answer, Question
from ocsp_pcap.facts import DnsLookupFact, TcpAttemptFact

Dated = TypeVar("Dated", DnsLookupFact, TcpAttemptFact)

REACTION = 15 * SECOND
"""A validator starts to look for the responder within this time of the certificate."""


def dns_failed(question: Question) -> Answer | None:
    """The responder's name did not resolve (RFC 1035 4.1.1), so no query could be sent."""
    if not question.eligible or question.queries:
        return None
    assert question.certificate is not None
    for host, _, url in responder_hosts(question.certificate.ocsp_urls):
        lookups = _near(question, question.case.lookups_by.get((question.identity, host), []))
        if not lookups or any(_addresses(lookup) for lookup in lookups):
            continue
        failed = [lookup for lookup in lookups if lookup.rcode not in (None, "NOERROR")]
        shown = (failed or lookups)[-1]
        if shown.rcode is None:
            reason, confidence = "no answer came from the DNS server", _quiet_confidence(question, shown)
        elif shown.rcode == "NOERROR":
            reason, confidence = "the answer holds no address", "confirmed"
        else:
            reason, confidence = f"the DNS server answered {shown.rcode}", "confirmed"
        return Answer(
            "dns-failed",
            confidence,
            f"{question.who} looked up the responder {host}: {reason}, so no query could be sent",
            (
                question.visit.evidence(f"certificate of {question.host}, responder {url}"),
                *(_lookup_evidence(lookup) for lookup in lookups[-4:]),
            ),
            responder=url,
        )
    return None


def _quiet_confidence(question: Question, lookup: DnsLookupFact) -> Confidence:
    capture = question.case.captures.get(lookup.capture)
    end = capture.last_time if capture is not None else None
    return "likely" if end is None or end - lookup.time < REACTION else "confirmed"


def _lookup_evidence(lookup: DnsLookupFact) -> Evidence:
    answer = ", ".join(lookup.answers[:4]) or lookup.rcode or "no answer"
    frame = lookup.frames.response or lookup.frames.request
    return Evidence(lookup.capture, frame, None, f"DNS {lookup.type} {lookup.name}: {answer}")


def _addresses(lookup: DnsLookupFact) -> list[str]:
    return [answer for answer in lookup.answers if answer.replace(".", "").isdigit() or ":" in answer]


def responder_unreachable(question: Question) -> Answer | None:
    """TCP to the responder was unanswered, refused or reset (RFC 9293 3.10)."""
    if not question.eligible or question.queries:
        return None
    assert question.certificate is not None
    for host, port, url in responder_hosts(question.certificate.ocsp_urls):
        attempts = _attempts(question, host, port)
        if not attempts or any(attempt.outcome == "established" for attempt in attempts):
            continue
        last = attempts[-1]
        words = {
            "refused": "the connection was refused",
            "reset": "the connection was reset",
            "unanswered": "nobody answered",
        }[last.outcome]
        return Answer(
            "responder-unreachable",
            "confirmed",
            f"{question.who} tried to connect to the responder {host} ({last.server}): {words}",
            (
                question.visit.evidence(f"certificate of {question.host}, responder {url}"),
                *(
                    Evidence(
                        attempt.capture,
                        attempt.frames.request,
                        attempt.stream,
                        f"SYN to {attempt.server} port {attempt.server_port}: {attempt.outcome}"
                        + (f", sent {attempt.attempts} times" if attempt.attempts > 1 else ""),
                    )
                    for attempt in attempts[-4:]
                ),
            ),
            responder=url,
        )
    return None


def _attempts(question: Question, host: str, port: int) -> list[TcpAttemptFact]:
    """Attempts of the validator, soon after this handshake, to reach the responder."""
    case = question.case
    addresses = {host}
    for lookup in case.lookups_by.get((question.identity, host), []):
        addresses.update(_addresses(lookup))
    attempts = [
        attempt
        for address in addresses
        for attempt in case.attempts_by.get((question.identity, address), [])
        if attempt.server_port == port
    ]
    return _near(question, sorted(attempts, key=lambda attempt: attempt.time))


def _near(question: Question, facts: list[Dated]) -> list[Dated]:
    clock, time = question.case.clock, question.visit.time
    return [fact for fact in facts if 0 <= clock(fact.capture, fact.time) - time <= REACTION]


def ocsp_over_tls(question: Question) -> Answer | None:
    """The responder was contacted over TLS, or through a tunnel, that cannot be read."""
    if not question.eligible or question.queries:
        return None
    assert question.certificate is not None
    for host, port, url in responder_hosts(question.certificate.ocsp_urls):
        visit = _tls_to(question, host, port)
        if visit is None:
            continue
        return Answer(
            "ocsp-over-tls",
            "likely" if url.lower().startswith("https:") else "possible",
            f"{question.who} opened a TLS connection to the responder {host}; its content is encrypted",
            (
                question.visit.evidence(f"certificate of {question.host}, responder {url}"),
                visit.evidence(f"TLS connection to {host}"),
            ),
            responder=url,
        )
    return None


def _tls_to(question: Question, host: str, port: int) -> Visit | None:
    """Return the TLS connection that the validator opened to a responder soon after this handshake.

    It is known by its name (SNI, CONNECT), or by the address that DNS gave for the responder.
    """
    case, begin = question.case, question.visit.time
    candidates = case.visits_near(host, begin, begin + REACTION)
    for attempt in _attempts(question, host, port):
        opened = case.by_stream.get((attempt.capture, attempt.stream))
        if attempt.outcome == "established" and opened is not None:
            candidates.append(opened)
    for visit in candidates:
        handshake = visit.handshake
        if visit is question.visit or not 0 <= visit.time - begin <= REACTION or handshake.decrypted:
            continue
        if case.identity(handshake.client) == question.identity:
            return visit
    return None
