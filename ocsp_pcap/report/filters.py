"""Wireshark display filters that lead an engineer to the packets behind a statement."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from ocsp_pcap.explain.model import Evidence, Explanation, Verdict

MOST_FRAMES: Final = 500
"""Frames in one filter."""


class Filter(NamedTuple):
    """One display filter, ready to paste, for one capture."""

    label: str
    """What it shows, in a word or two."""
    capture: str | None
    """Path of the capture that it is meant for; None: any."""
    text: str


def frames_filter(frames: Iterable[int]) -> str:
    """Return a filter for exactly these frames (at least one)."""
    numbers = sorted(set(frames))
    if len(numbers) == 1:
        return f"frame.number == {numbers[0]}"
    return f"frame.number in {{{', '.join(map(str, numbers))}}}"


def stream_filter(stream: int, *, transport: str = "tcp") -> str:
    """Return a filter for one conversation, as the follow-stream dialog of Wireshark writes it."""
    return f"{transport}.stream eq {stream}"


def serial_filter(serial: str) -> str | None:
    """Return a filter for OCSP messages about a serial number in hex; None where it is not hex.

    Wireshark compares the content bytes of the ASN.1 INTEGER, which begin with a zero byte where the
    first bit of the number is set (X.690 8.3). Negative numbers, which RFC 5280 forbids, are not told apart.
    """
    if not re.fullmatch(r"[0-9a-f]+", serial):
        return None
    octets = bytes.fromhex(serial.zfill(len(serial) + len(serial) % 2))
    if octets[0] & 0x80:
        octets = b"\0" + octets
    return f"ocsp.serialNumber == {octets.hex(':')}"


def evidence_transport(evidence: Iterable[Evidence]) -> str:
    """Return what the stream numbers of some evidence about one conversation count: ``tcp`` or ``udp``."""
    return "udp" if any(item.transport == "udp" for item in evidence) else "tcp"


def evidence_filters(evidence: Iterable[Evidence]) -> tuple[Filter, ...]:
    """Return, for each capture, a filter for the frames of the evidence and one for each conversation."""
    by_capture: dict[str, list[Evidence]] = {}
    for item in evidence:
        if item.frame is not None:
            by_capture.setdefault(item.capture, []).append(item)
    filters: list[Filter] = []
    for capture, items in by_capture.items():
        filters.append(Filter("frames", capture, frames_filter(item.frame for item in items if item.frame)))
        by_stream: dict[int, list[Evidence]] = {}
        for item in items:
            if item.stream is not None:
                by_stream.setdefault(item.stream, []).append(item)
        filters.extend(
            Filter("conversation", capture, stream_filter(stream, transport=evidence_transport(group)))
            for stream, group in by_stream.items()
        )
    return tuple(filters)


def verdict_filters(verdict: Verdict) -> tuple[Filter, ...]:
    """Return the filters that show what a verdict rests on, and every OCSP message about its certificate.

    For each capture first one that shows both.
    """
    filters = evidence_filters(verdict.evidence)
    by_serial = serial_filter(verdict.certificate.serial) if verdict.certificate else None
    if by_serial is None:
        return filters
    whole = [
        each._replace(label="frames and OCSP messages", text=f"{each.text} || {by_serial}")
        for each in filters
        if each.label == "frames"
    ]
    return (*whole, *filters, Filter("OCSP messages", None, by_serial))


def case_filters(explanation: Explanation) -> tuple[Filter, ...]:
    """Return one filter a capture for all that the report rests on: verdicts, findings, unmatched exchanges.

    Verdicts without OCSP traffic give one frame each; where there are more than Wireshark takes well, the
    rest is left out.
    """
    frames: dict[str, dict[int, None]] = {}
    evidence = [item for finding in explanation.findings for item in finding.evidence]
    asked = [verdict for verdict in explanation.verdicts if verdict.presence in ("present", "attempted")]
    others = [verdict for verdict in explanation.verdicts if verdict.presence not in ("present", "attempted")]
    evidence += [item for verdict in asked for item in verdict.evidence]
    evidence += [item for verdict in others for item in verdict.evidence[:2]]
    for item in evidence:
        if item.frame is not None:
            frames.setdefault(item.capture, {})[item.frame] = None
    for exchange in explanation.unmatched_exchanges:
        for frame in (exchange.frames.request, exchange.frames.response):
            if frame is not None:
                frames.setdefault(exchange.capture, {})[frame] = None
    return tuple(
        Filter("frames of all answers", capture, frames_filter(list(numbers)[:MOST_FRAMES]))
        for capture, numbers in frames.items()
    )
