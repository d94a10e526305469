"""``handshake-failed``: the handshake ended before the certificate, or its revocation, could matter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import Read, Saw
from ocsp_pcap.explain.grounds.messages import REVOCATION_ALERTS
from ocsp_pcap.explain.intervals import PATIENCE, REACTION
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.facts import AlertFact, CrlFetchFact, DnsLookupFact, TcpAttemptFact

PERHAPS_REVOCATION: Final = (
    "bad_certificate",
    "certificate_unknown",
    "access_denied",
    "internal_error",
    "handshake_failure",
)
"""Alerts that some validators send for a certificate whose revocation status they did judge."""

ENTRY: Final = cause(
    "handshake-failed",
    "absent",
    "The handshake ended before validation could matter.",
    (
        "came in a handshake that failed",
        "came in handshakes that failed",
        "may not have mattered: the handshake failed",
    ),
    ((Read,), (Saw,)),
    "Settle the handshake first: read the alert or reset in {transport}.stream eq {stream}.",
    "Check protocol versions, cipher suites and trust between {validator} and {host}.",
    check="moot",
    only=lambda of: not of.finished,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that the handshake broke off for a reason that has nothing to do with revocation."""
    handshake = question.visit.handshake
    alert = next((alert for alert in handshake.alerts if alert.level != "warning"), None)
    if alert is not None and alert.description is not None:
        yield from _by_alert(question, alert)
        return
    if handshake.missing_bytes or _other_direction_missing(question):
        return
    if handshake.early_end:
        yield _early_end(question)
    elif question.certificate is None and not handshake.certificate_encrypted and _went_on(question):
        words = "the handshake stopped, and nothing more came while the capture went on"
        evidence = (question.visit.evidence("its last message"),)
        yield Claim(ENTRY.code, words, evidence, at_most="possible")


def _by_alert(question: Question, alert: AlertFact) -> Iterator[Claim]:
    handshake, name = question.visit.handshake, alert.description
    if name in REVOCATION_ALERTS or name == "close_notify":
        # The validator did judge the revocation status, or left after the handshake.
        return
    judge = "client" if question.presented_by == "server" else "server"
    if handshake.frames.client_finished is not None and judge == "client":
        # It has accepted the certificate, whatever the other side refuses, and in whatever order that stands.
        return
    signs: list[Standing] = []
    if handshake.missing_bytes:
        signs.append(Standing("packets-lost", "part of the handshake is not in the capture, and may say why"))
    may_have_judged = (
        question.certificate is not None
        or handshake.certificate_encrypted
        or handshake.missing_bytes
        # There was a certificate, whether the capture shows it or not.
        or name in ("bad_certificate", "certificate_unknown")
    )
    if may_have_judged and alert.sender == judge and name in PERHAPS_REVOCATION:
        words = f"some validators send {name} for a certificate whose revocation status they could not settle"
        signs.append(Standing("other-purpose", words))
    elif alert.sender == judge and _looked_into_revocation(question, alert):
        words = (
            "it looked for a CRL or a responder meanwhile, and may have refused for what it found or did not "
            "find"
        )
        signs.append(Standing("other-purpose", words))
    yield Claim(
        ENTRY.code,
        f"the handshake failed: the {alert.sender} sent the alert {name}",
        (Evidence(handshake.capture, alert.frame, handshake.stream, f"alert {name}", handshake.transport),),
        (Read(handshake),),
        tuple(signs),
    )


def _looked_into_revocation(question: Question, alert: AlertFact) -> bool:
    """Between the certificate and its alert the validator fetched a CRL, or looked for a responder."""
    handshake, asker, certificate = question.visit.handshake, question.asker, question.certificate
    if certificate is None or handshake.frames.certificate is None:
        return False
    hosts = [host for host, _, _ in (*question.responders, *responder_hosts(certificate.crl_urls))]
    acts: list[CrlFetchFact | DnsLookupFact | TcpAttemptFact] = []
    for about in (*certificate.crl_urls, certificate.issuer):
        acts += asker.fetches.get(about, ())
    for host in hosts:
        acts += asker.lookups.get(host, ())
        for address in (host, *asker.addresses_of(host)):
            acts += asker.attempts.get(address, ())
    clocks, capture = question.case.clocks, handshake.capture
    in_order = not clocks.disordered(capture) and clocks.steps_back(capture) is None
    return any(
        act.capture == capture
        and act.frames.request is not None
        and (
            handshake.frames.certificate < act.frames.request < alert.frame
            # Where packets are out of order no frame tells what came before.
            or (not in_order and abs(act.time - handshake.time) <= REACTION)
        )
        for act in acts
    )


def _early_end(question: Question) -> Claim:
    handshake = question.visit.handshake
    how = "reset" if handshake.closed == "rst" else "closed"
    signs: list[Standing] = []
    if handshake.certificates or handshake.certificate_encrypted:
        words = "the certificate was there by then, and may be why"
        signs.append(Standing("other-purpose", words))
    elif handshake.started_mid_stream:
        signs.append(Standing("packets-lost", "its beginning is not in the capture"))
    return Claim(
        ENTRY.code,
        f"the connection was {how} before the handshake was over",
        (question.visit.evidence("last message of a handshake that was never finished"),),
        (Saw(handshake, "end"),),
        tuple(signs),
    )


def _other_direction_missing(question: Question) -> bool:
    """The capture, and not only the conversation, has one direction of this connection only.

    A handshake counts as one-sided, too, where a server sent nothing but its RST.
    """
    handshake = question.visit.handshake
    capture = question.case.coverage.captures.get(handshake.capture)
    if not handshake.one_sided:
        return False
    return handshake.transport == "udp" or capture is None or capture.one_sided_streams > 0


def _went_on(question: Question) -> bool:
    """The capture holds packets from long after the last message of the handshake."""
    handshake = question.visit.handshake
    last = max(handshake.time, handshake.end_time or 0)
    return question.case.coverage.rest_after(handshake.capture, last) >= PATIENCE
