"""``capture-incomplete``: truncation, loss, a missing direction, or a late start hides the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.absences import capture_ends
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import Read
from ocsp_pcap.explain.hidden import opened_in_vain
from ocsp_pcap.explain.intervals import PATIENCE
from ocsp_pcap.explain.model import Confidence
from ocsp_pcap.explain.querying import unread_tries, unread_try
from ocsp_pcap.explain.question import Question

ENTRY: Final = cause(
    "capture-incomplete",
    "unknown",
    "Truncation, loss, one direction missing, or a start in mid-stream hides the answer.",
    (
        "stays open (the capture is incomplete)",
        "stay open (the capture is incomplete)",
        "may be left open because the capture is incomplete",
    ),
    ((Read,),),
    "Capture again with full packets (tcpdump -s 0 -B 65536) and start before the connection opens.",
    "If one direction is missing, capture both directions of the mirror port, or on the proxy itself.",
    "See what is missing in {transport}.stream eq {stream}",
    only=lambda of: of.eligible or not of.shown,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that what would answer the question is missing from the capture."""
    if question.certificate is not None:
        yield from _answer_cut(question)
        yield from _capture_ends(question)
        return
    handshake = question.visit.handshake
    if handshake.resumed or (handshake.certificate_encrypted and not opened_in_vain(handshake)):
        return
    reason, sign, at_most = _missing(question)
    if reason is None:
        if not handshake.complete:
            words = "the capture does not show the certificate"
            open_sign = Standing("packets-lost", "nothing shows what is missing")
            yield Claim(ENTRY.code, words, (question.visit.evidence(words),), signs=(open_sign,))
        return
    yield Claim(
        ENTRY.code,
        f"the certificate cannot be seen: {reason}",
        (question.visit.evidence(reason),),
        (Read(handshake),),
        (sign,) if sign is not None else (),
        at_most=at_most,
    )


def _answer_cut(question: Question) -> Iterator[Claim]:
    """Something that cannot be read was asked of this responder, and answered."""
    if question.own_queries:
        return
    for exchange in unread_tries(question):
        if exchange.http_status is None and exchange.response is None:
            continue
        words, evidence = unread_try(question, exchange)
        yield Claim(
            ENTRY.code,
            words,
            evidence,
            signs=(Standing("unread-question", "what it asked cannot be read"),),
            responder=exchange.url,
        )
        return


def _capture_ends(question: Question) -> Iterator[Claim]:
    """The capture ends, or breaks off, before a query could have followed."""
    if not question.eligible or question.queries:
        return
    if not capture_ends(question):
        return
    yield Claim(
        ENTRY.code,
        f"the capture ends before {question.who} could have sent a query for this certificate",
        (question.visit.evidence(f"certificate of {question.host}, near the end of the capture"),),
        signs=(Standing("span-not-covered", "what would have followed is not known"),),
    )


def _missing(question: Question) -> tuple[str | None, Standing | None, Confidence]:
    handshake, coverage = question.visit.handshake, question.case.coverage
    capture = coverage.captures.get(handshake.capture)
    if handshake.missing_bytes:
        reason = f"{handshake.missing_bytes} bytes of the handshake are not in the capture"
        if capture is not None and capture.truncated_packets:
            cut = f"{capture.truncated_packets} of its packets were captured in part"
            reason += f" ({cut})"
        return reason, None, "confirmed"
    if handshake.given_up is not None:
        reason = (
            f"reading a message of the handshake was given up at a bound of this program "
            f"(--bound {handshake.given_up}=N changes it)"
        )
        return reason, None, "likely"
    if handshake.one_sided:
        # Of a single connection nobody can say whether the server was silent or was not captured.
        all_so = capture is not None and 0 < capture.tcp_streams == capture.one_sided_streams
        reason = "only one direction of the connection is in the capture"
        words = "the other side may have said nothing"
        sign = None if all_so and handshake.transport == "tcp" else Standing("packets-lost", words)
        return reason, sign, "confirmed"
    if handshake.started_mid_stream and handshake.frames.client_hello is None:
        return "the capture starts in the middle of the connection", None, "confirmed"
    if handshake.complete:
        return None, None, "possible"
    last = max(handshake.time, handshake.end_time or 0)
    if coverage.rest_after(handshake.capture, last) >= PATIENCE and not coverage.loss(handshake.capture):
        return "the handshake breaks off before the certificate", None, "possible"
    words = "the connection may have ended there"
    return (
        "the capture ends, or breaks off, before the certificate",
        Standing("span-not-covered", words),
        "likely",
    )
