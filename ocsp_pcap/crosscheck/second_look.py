"""A second question to Wireshark, where the facts hold what it did not show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ocsp_pcap.crosscheck.dissection import DISPLAY_FILTER, DissectionOptions
from ocsp_pcap.crosscheck.model import Item
from ocsp_pcap.facts import HandshakeFact

MOST: Final = 500
"""Frames, streams and ports that one question names at most: a display filter has no room for more."""


def second_question(missing: Iterable[Item], handshakes: Iterable[HandshakeFact]) -> DissectionOptions | None:
    """Ask for what would prove that things which Wireshark did not show are there; None: nothing would.

    Wireshark is given what the ports of those connections carry, and looks ahead, so that it says which
    segments it held back in vain.
    """
    wanted: dict[tuple[str, int], set[int]] = {}
    for item in missing:
        if item.stream >= 0:
            wanted.setdefault((item.transport, item.stream), set()).update(
                () if item.frame is None else (item.frame,)
            )
    if not wanted:
        return None
    decode_as: dict[str, str] = {}
    for fact in handshakes:
        if fact.transport == "tcp" and ("tcp", fact.stream) in wanted and len(decode_as) < MOST:
            decode_as.setdefault(f"tcp.port=={fact.server_port}", "tls")
    frames = sorted({frame for numbers in wanted.values() for frame in numbers})[:MOST]
    streams = [
        f"{transport}.stream in {{{', '.join(str(n) for t, n in sorted(wanted)[:MOST] if t == transport)}}}"
        for transport in ("tcp", "udp")
        if any(t == transport for t, _ in sorted(wanted)[:MOST])
    ]
    filters = [f"(({' or '.join(streams)}) and ({DISPLAY_FILTER}))"]
    if frames:
        filters.append(f"frame.number in {{{', '.join(map(str, frames))}}}")
    return DissectionOptions(" or ".join(filters), decode_as, two_passes=True)
