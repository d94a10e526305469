"""Rules that the handshake alone answers: staples, resumption, encryption, failure, missing bytes."""

from __future__ import annotations

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.matching import Match, match_cert_id
from ocsp_pcap.explain.model import Confidence, Evidence
from ocsp_pcap.explain.rules.answer import Answer, Question
from ocsp_pcap.facts import HandshakeFact, ResponseFact, SingleFact

CLOCK_SKEW = 300 * SECOND
"""How far a validator's clock may be off before thisUpdate lies in the future for it."""

PERHAPS_REVOCATION = ("bad_certificate", "certificate_unknown", "access_denied", "internal_error")
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
    proven = match is Match.FULL and response.signature == "valid"
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
                question.visit.handshake.frames.certificate_status,
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
        "confirmed",
        f"the server stapled a response that proves nothing here, {problem}; no query followed",
        (question.visit.evidence(f"stapled OCSP response: {problem}", handshake.frames.certificate_status),),
        single.status if single is not None else None,
    )


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
        "confirmed",
        f"the session was resumed {how}".rstrip()
        + ", so no certificate was sent and there was nothing to check",
        (
            question.visit.evidence(
                f"ServerHello that resumes the session {how}".rstrip(), handshake.frames.server_hello
            ),
        ),
    )


def certificate_encrypted(question: Question) -> Answer | None:
    """TLS 1.3 (RFC 8446 4.4.2), QUIC or ECH hides the certificate, and there are no keys for it."""
    handshake = question.visit.handshake
    if not handshake.certificate_encrypted or question.certificate is not None:
        return None
    version = handshake.version or "TLS 1.3"
    over = "QUIC" if handshake.transport == "udp" else version
    return Answer(
        "certificate-encrypted",
        "confirmed",
        f"{over} encrypts the certificate and there are no keys for this session",
        (
            question.visit.evidence(
                f"ServerHello of {version}: everything after it is encrypted", handshake.frames.server_hello
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
            "likely" if question.certificate is not None and name in PERHAPS_REVOCATION else "confirmed",
            words,
            (Evidence(handshake.capture, alert.frame, handshake.stream, f"alert {name}"),),
        )
    if handshake.early_end and not handshake.missing_bytes and not handshake.one_sided:
        how = "reset" if handshake.closed == "rst" else "closed"
        return Answer(
            "handshake-failed",
            _early_end_confidence(handshake),
            f"the connection was {how} before the handshake was over",
            (question.visit.evidence("last message of a handshake that was never finished"),),
        )
    return None


def _early_end_confidence(handshake: HandshakeFact) -> Confidence:
    return "likely" if handshake.certificates or handshake.started_mid_stream else "confirmed"


def capture_incomplete(question: Question) -> Answer | None:
    """Truncation, loss, one direction missing, or a start in mid-stream hides the certificate."""
    handshake = question.visit.handshake
    if question.certificate is not None or handshake.resumed or handshake.certificate_encrypted:
        return None
    capture = question.case.captures.get(handshake.capture)
    if handshake.missing_bytes:
        reason = f"{handshake.missing_bytes} bytes of the handshake are not in the capture"
        if capture is not None and capture.truncated_packets:
            reason += f" (snaplen {capture.snaplen} cut {capture.truncated_packets} packets)"
    elif handshake.one_sided:
        reason = "only one direction of the connection is in the capture"
    elif handshake.started_mid_stream:
        reason = "the capture starts in the middle of the connection"
    else:
        reason = "the capture ends, or breaks off, before the certificate"
    return Answer(
        "capture-incomplete",
        "confirmed",
        f"the certificate cannot be seen: {reason}",
        (question.visit.evidence(reason),),
    )
