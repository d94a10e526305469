"""``ambiguous-bytes``: packets disagree about what was said on a connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import MAX_EVIDENCE, View, finding
from ocsp_pcap.explain.model import Evidence, Finding
from ocsp_pcap.explain.phrases import first_of
from ocsp_pcap.facts import Transport

ENTRY: Final = finding_entry(
    "ambiguous-bytes",
    "problem",
    "Packets disagree about what was said: the receiver may have got other bytes than those read here.",
    "Compare the packets named (Wireshark: tcp.stream eq N, then the bytes of each): find out who sent the "
    "others.",
    "Capture at the receiver itself: what it dropped (checksum, hop limit, RST) is then seen for what it is.",
)


def find(view: View) -> Iterator[Finding]:
    """Name the connections whose packets disagree, and which hosts they are about."""
    facts = view.case.facts
    visits = {
        (visit.handshake.capture, visit.handshake.transport, visit.handshake.stream): visit
        for visit in view.visits
    }
    evidence: list[Evidence] = []
    about: dict[str, None] = {}
    for handshake in facts.handshakes:
        visit = visits.get((handshake.capture, handshake.transport, handshake.stream))
        if handshake.ambiguous and visit is not None:
            about[f"the handshake with {visit.host or handshake.server}"] = None
            evidence += _evidence(
                handshake.capture, handshake.stream, handshake.ambiguous, handshake.transport
            )
    for exchange in facts.ocsp_exchanges:
        if exchange.ambiguous:
            about[f"an OCSP exchange of {exchange.client} with {exchange.server}"] = None
            evidence += _evidence(exchange.capture, exchange.stream, exchange.ambiguous)
    for fetch in facts.crl_fetches:
        if fetch.ambiguous:
            about[f"a CRL download by {fetch.client}"] = None
            evidence += _evidence(fetch.capture, fetch.stream, fetch.ambiguous)
    for capture in facts.captures:
        for stream in capture.ambiguous_streams:
            about[f"TCP stream {stream.stream} of {capture.path}, of which nothing was read"] = None
            evidence += _evidence(capture.path, stream.stream, stream.frames)
    if not about:
        return
    names = list(about)
    yield finding(
        ENTRY,
        f"Packets disagree about the bytes of {first_of(names)}: frames with the same sequence "
        "numbers, or fragments of the same places, hold other bytes, or their receiver may have dropped one; "
        "what it read is not certain.",
        evidence[:MAX_EVIDENCE],
    )


def _evidence(
    capture: str, stream: int, frames: tuple[int, ...], transport: Transport = "tcp"
) -> list[Evidence]:
    note = "disagrees with another packet"
    return [Evidence(capture, frame, stream, note, transport) for frame in frames]
