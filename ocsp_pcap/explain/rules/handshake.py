"""Rules that the handshake alone answers: staples, resumption, encryption, failure, missing bytes."""

from __future__ import annotations

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.matching import Match, match_cert_id
from ocsp_pcap.explain.model import Confidence, Evidence
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.explain.rules.answer import Answer, Question
from ocsp_pcap.explain.rules.doubt import loss, near_a_limit, rest_of_capture
from ocsp_pcap.explain.visits import CLOCK_SKEW
from ocsp_pcap.facts import HandshakeFact, ResponseFact, SingleFact

PATIENCE = 30 * SECOND
"""A capture that goes on for this long after a handshake stopped would show how it went on."""
PERHAPS_REVOCATION = (
    "bad_certificate",
    "certificate_unknown",
    "access_denied",
    "internal_error",
    "handshake_failure",
)
"""Alerts that some validators send for a certificate whose revocation status they did judge."""


def staple_problem(response: ResponseFact, single: SingleFact | None, time: int) -> str | None:
    """Say which rule of RFC 6960 3.2 a staple breaks at a time; None: none."""
    if response.parse_error:
        return f"it cannot be read: {response.parse_error}"
    if response.response_status != "successful":
        return f"its status is {response.response_status}"
    if single is None:
        return "it is about another certificate"
    if response.signature == "invalid":
        return response.signature_note or "its signature does not verify"
    if single.this_update > time + CLOCK_SKEW:
        return "its thisUpdate lies in the future"
    if single.next_update is not None and single.next_update < time:
        return "it is stale, its nextUpdate had passed"
    return None


def stapled(question: Question) -> Answer | None:
    """A fresh staple for this certificate came in the handshake (RFC 6066 8, RFC 8446 4.4.2.1)."""
    if question.certificate is None:
        return None
    found = question.case.staple_for(question.visit, question.certificate)
    if found is None:
        return None
    response, single, match = found
    if staple_problem(response, single, question.visit.handshake.time) is not None:
        return None
    handshake = question.visit.handshake
    # RFC 5019 2.2.4: some validators refuse an answer without nextUpdate, or one from the future.
    usual = single.next_update is not None and single.this_update <= handshake.time + SECOND
    unread = handshake.frames.client_hello is None or handshake.client_hello_cut
    asked_for = handshake.status_request or unread
    proven = (
        match is Match.FULL
        and response.signature == "valid"
        and usual
        and asked_for
        and not near_a_limit(question.case, single, handshake.time)
    )
    doubt = "" if response.signature == "valid" else f"; signature {response.signature}"
    if response.signature_note and response.signature != "valid":
        doubt += f" ({response.signature_note})"
    return Answer(
        "stapled",
        "confirmed" if proven else "likely",
        f"the server stapled a fresh response ({single.status}), so {question.who} had no need to ask",
        (
            question.visit.evidence(
                f"stapled OCSP response: {single.status}, {match.proof}{doubt}",
                handshake.frames.certificate_status,
            ),
        ),
        single.status,
    )


def staple_invalid(question: Question) -> Answer | None:
    """A staple came that proves nothing about this certificate, and no query followed."""
    handshake, certificate = question.visit.handshake, question.certificate
    if certificate is None or not handshake.staples or question.own_queries:
        return None
    found = question.case.staple_for(question.visit, certificate)
    if found is None and (question.position > 0 or _about_another_of_the_chain(question)):
        return None
    response, single = (found[0], found[1]) if found else (handshake.staples[0], None)
    problem = staple_problem(response, single, handshake.time)
    if problem is None:
        return None
    return Answer(
        "staple-invalid",
        _confidence_in_fault(question, response, found[2] if found else None, single),
        f"the server stapled a response that proves nothing here, {problem}; no query followed",
        (question.visit.evidence(f"stapled OCSP response: {problem}", handshake.frames.certificate_status),),
        single.status if single is not None else None,
    )


def _confidence_in_fault(
    question: Question, response: ResponseFact, match: Match | None, single: SingleFact | None
) -> Confidence:
    """The fault is in the staple itself, and a query would have been seen in the capture."""
    case, handshake, certificate = question.case, question.visit.handshake, question.certificate
    assert certificate is not None
    if handshake.missing_bytes or (match is not None and match is not Match.FULL):
        return "likely"
    if match is None and any(other.serial == certificate.serial for other in response.singles):
        # With a hash algorithm that nobody knows here, only the serial number can be compared.
        return "likely"
    if single is not None and near_a_limit(case, single, handshake.time):
        return "likely"
    if certificate.ocsp_urls and (loss(case, handshake.capture) or not plain_http_seen(question)):
        return "likely"
    return "confirmed"


def plain_http_seen(question: Question) -> bool:
    """The capture holds packets on a port to which a query for this certificate would go."""
    seen = question.case.ports_of.get(question.visit.handshake.capture, frozenset())
    return bool(query_ports(question) & seen)


def query_ports(question: Question) -> set[int]:
    """Ports to which a query would go: those of the responders, or that of a forwarding host."""
    proxy, certificate = question.proxy, question.certificate
    if proxy is not None and proxy.forwarding_host is not None:
        return {int(proxy.forwarding_host.rpartition(":")[2])}
    return {port for _, port, _ in responder_hosts(certificate.ocsp_urls if certificate else ())}


def _about_another_of_the_chain(question: Question) -> bool:
    chain = question.case.chain(question.visit.handshake)
    singles = [single for response in question.visit.handshake.staples for single in response.singles]
    return bool(singles) and all(
        any(match_cert_id(certificate, single) for certificate in chain) for single in singles
    )


def session_resumed(question: Question) -> Answer | None:
    """No certificate was exchanged: an earlier session was resumed."""
    handshake = question.visit.handshake
    if not handshake.resumed:
        return None
    how = {"session-id": "by session id", "ticket": "by session ticket", "psk": "by pre-shared key"}.get(
        handshake.resumption or "", ""
    )
    return Answer(
        "session-resumed",
        "confirmed" if handshake.frames.client_hello is not None else "likely",
        f"the session was resumed {how}".rstrip()
        + ", so no certificate was sent and there was nothing to check",
        (
            question.visit.evidence(
                f"ServerHello that resumes the session {how}".rstrip(), handshake.frames.server_hello
            ),
        ),
    )


def handshake_failed(question: Question) -> Answer | None:
    """The handshake ended before the certificate was there, or before its revocation could matter."""
    handshake = question.visit.handshake
    if handshake.complete or handshake.application_data:
        return None
    alert = next((alert for alert in handshake.alerts if alert.level != "warning"), None)
    name = alert.description if alert is not None else None
    if name in ("certificate_revoked", "bad_certificate_status_response", "close_notify"):
        # The validator did judge the revocation status, or left after the handshake.
        return None
    if alert is not None and name is not None:
        words = f"the handshake failed: the {alert.sender} sent the alert {name}"
        return Answer(
            "handshake-failed",
            "likely"
            if question.certificate is not None and alert.sender == "client" and name in PERHAPS_REVOCATION
            else "confirmed",
            words,
            (Evidence(handshake.capture, alert.frame, handshake.stream, f"alert {name}"),),
        )
    if handshake.missing_bytes or _other_direction_missing(question):
        return None
    if handshake.early_end:
        how = "reset" if handshake.closed == "rst" else "closed"
        return Answer(
            "handshake-failed",
            "likely" if loss(question.case, handshake.capture) else _early_end_confidence(handshake),
            f"the connection was {how} before the handshake was over",
            (question.visit.evidence("last message of a handshake that was never finished"),),
        )
    if question.certificate is None and not handshake.certificate_encrypted and _went_on(question):
        words = "the handshake stopped, and nothing more came while the capture went on"
        return Answer("handshake-failed", "possible", words, (question.visit.evidence("its last message"),))
    return None


def _other_direction_missing(question: Question) -> bool:
    """The capture, and not only the conversation, has one direction of this connection only.

    A handshake counts as one-sided, too, where a server sent nothing but its RST.
    """
    handshake = question.visit.handshake
    capture = question.case.captures.get(handshake.capture)
    if not handshake.one_sided:
        return False
    return handshake.transport == "udp" or capture is None or capture.one_sided_streams > 0


def _went_on(question: Question) -> bool:
    """The capture holds packets from long after the last message of the handshake."""
    handshake = question.visit.handshake
    last = max(handshake.time, handshake.end_time or 0)
    return rest_of_capture(question.case.captures.get(handshake.capture), last) >= PATIENCE


def _early_end_confidence(handshake: HandshakeFact) -> Confidence:
    judged = bool(handshake.certificates) or handshake.certificate_encrypted
    return "likely" if judged or handshake.started_mid_stream else "confirmed"


def capture_incomplete(question: Question) -> Answer | None:
    """Truncation, loss, one direction missing, or a start in mid-stream hides the certificate."""
    handshake = question.visit.handshake
    if question.certificate is not None or handshake.resumed:
        return None
    if handshake.certificate_encrypted and not (handshake.decrypted and handshake.missing_bytes):
        return None
    reason, confidence = _what_is_missing(question)
    if reason is None:
        return None
    return Answer(
        "capture-incomplete",
        confidence,
        f"the certificate cannot be seen: {reason}",
        (question.visit.evidence(reason),),
    )


def _what_is_missing(question: Question) -> tuple[str | None, Confidence]:
    handshake = question.visit.handshake
    capture = question.case.captures.get(handshake.capture)
    if handshake.missing_bytes:
        reason = f"{handshake.missing_bytes} bytes of the handshake are not in the capture"
        if capture is not None and capture.truncated_packets:
            reason += f" (snaplen {capture.snaplen} cut {capture.truncated_packets} packets)"
        return reason, "confirmed"
    if handshake.one_sided:
        # Of a single connection nobody can say whether the server was silent or was not captured.
        all_so = capture is not None and 0 < capture.tcp_streams == capture.one_sided_streams
        reason = "only one direction of the connection is in the capture"
        return reason, "confirmed" if all_so and handshake.transport == "tcp" else "likely"
    if handshake.started_mid_stream and handshake.frames.client_hello is None:
        return "the capture starts in the middle of the connection", "confirmed"
    if handshake.complete:
        return None, "possible"
    if _went_on(question) and not loss(question.case, handshake.capture):
        return "the handshake breaks off before the certificate", "possible"
    return "the capture ends, or breaks off, before the certificate", "likely"
