"""What weakens a claim: packets the capture lacks, and clocks that do not agree."""

from __future__ import annotations

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.rules.answer import Question
from ocsp_pcap.facts import CaptureFact, SingleFact

TIME_TO_ASK = SECOND // 2
"""Validators ask at once: an answer from a responder is what their client waits for."""


def loss(case: Case, path: str) -> str | None:
    """Say why something may have happened that this capture does not show; None: nothing speaks for it."""
    capture = case.captures.get(path)
    if capture is None:
        return "nothing is known about the capture"
    if capture.dropped:
        return f"the capturing system dropped {capture.dropped} packets"
    if capture.damage:
        return "the capture is damaged"
    if capture.tcp_gaps or capture.truncated_packets:
        return "bytes are missing from the capture"
    if capture.one_sided_streams:
        return "one direction of some connections is missing from the capture"
    return None


def rest_of_capture(capture: CaptureFact | None, time: int) -> int:
    """Nanoseconds that the capture goes on after a moment by its own clock; 0 where it is not known."""
    if capture is None or capture.last_time is None:
        return 0
    return max(0, capture.last_time - time)


def ends_too_soon(question: Question) -> bool:
    """The capture ends before a query would have had time to follow this handshake."""
    handshake = question.visit.handshake
    capture = question.case.captures.get(handshake.capture)
    # Whoever goes on to application data, or hangs up, has made up its mind about the certificate.
    decided = handshake.application_data or handshake.closed is not None
    began = handshake.end_time or handshake.time
    return not decided and rest_of_capture(capture, began) < TIME_TO_ASK


def near_a_limit(case: Case, single: SingleFact, time: int) -> bool:
    """The captures' clocks differ so much that freshness at this moment depends on which is right."""
    limits = [single.this_update] if single.next_update is None else [single.this_update, single.next_update]
    return any(abs(limit - time) <= case.clock_doubt for limit in limits)
