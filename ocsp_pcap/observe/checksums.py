"""Segments whose checksum is wrong and of which no other copy came: their receiver dropped them.

What was read of them is then nothing that anybody heard. Where a host leaves its checksums to its network
interface all of them are wrong, and nothing is said.

Only the segments that bear certificates, OCSP exchanges or CRL downloads are looked at, and two later ones,
which show what is usual. The sums of a batch are made at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from ocsp_pcap.observe.finished import FinishedStream
from ocsp_pcap.observe.tcp_stream import Entry
from ocsp_pcap.spoken.seen import Spoken
from ocsp_pcap.streams.headers import HEADERS, TCP, Checksum, read_headers
from ocsp_pcap.tls.walk import Stretch

MOST_PAYLOAD: Final = 9000
"""Bytes of a segment (a jumbo frame's). What is longer was put together by the interface of a receiver
(large receive offload), and has the checksum of its first part."""
CONTROLS: Final = 2
"""Segments behind those in question that show what is usual."""
_ONES: Final = 0xFFFF
_LENGTHS: Final = (32, 20, *range(24, 32, 4), *range(36, 64, 4))

_LAST: Final = np.array([0xFFFFFFFF, 0xFF, 0xFFFF, 0xFFFFFF], "<u4")
"""What counts of the last word, by the number of bytes modulo 4."""

Segment: TypeAlias = tuple[memoryview | bytes, int, int, int]
"""What holds it with its headers, where its payload starts there and how long it is, and its frame."""


class _Group(NamedTuple):
    """Segments of one direction of a stream, up to a place among all."""

    stream: FinishedStream
    end: int


class ChecksumAudit:
    """Collects streams that are over, and names those of their frames that their receivers dropped."""

    def __init__(self) -> None:
        self._groups: list[_Group] = []
        self._segments: list[Segment] = []
        self._pieces: list[bytes | memoryview] = []
        """Of each segment the addresses as 8 bytes, header and payload, and more up to where a word ends."""
        self._sizes: list[int] = []
        """Bytes of each without that."""

    def add(self, stream: FinishedStream, entries: Sequence[Entry], refused: frozenset[int]) -> None:
        """Take a stream that was read segment by segment."""
        for direction, first, last in _spans(stream.spoken):
            controls = 0
            for row, before, data in entries:
                frame = row[2]
                if row[0] == direction and frame > first and data and not row[7] and frame not in refused:
                    controls += frame > last
                    if controls > CONTROLS:
                        break
                    self._append((before + data, len(before), len(data), frame))
            self._close(stream)

    def add_plain(
        self,
        stream: FinishedStream,
        client: int,
        segments: Sequence[Stretch],
        last_frames: tuple[int, int],
    ) -> None:
        """Take a stream that was read at once; no copy of its bytes is among the segments.

        ``last_frames``: of server and client those after which nothing was looked at.
        """
        for direction, first, last in _spans(stream.spoken):
            by_client, controls = direction == client, 0
            end = last_frames[by_client]
            for from_client, frame, _, memory, at, length in segments:
                if frame > first and from_client == by_client:
                    if frame > end:
                        break
                    if frame > last:
                        controls += 1
                        if controls > CONTROLS:
                            break
                    if (
                        at >= 52
                        and memory[at - 20] >> 4 == 8
                        and memory[at - 52] == 0x45
                        and memory[at - 43] == TCP
                        and length <= MOST_PAYLOAD
                    ):
                        # Most segments have IPv4 without options, and the timestamps option behind the ports.
                        self._segments.append((memory, at, length, frame))
                        self._pieces.append(memory[at - 40 : at + length + (-length & 3)])
                        self._sizes.append(40 + length)
                    else:
                        self._append((memory, at, length, frame))
            self._close(stream)

    def _append(self, segment: Segment) -> None:
        memory, at, length, _ = segment
        found = _headers(memory, at, length) if length <= MOST_PAYLOAD else None
        if found is not None:
            start, addresses, size = found
            # Those of IPv6 are made shorter, options of IPv4 do not count: the sum is the same.
            pair = int.from_bytes(memory[addresses : addresses + size]) % _ONES
            piece = pair.to_bytes(8) + bytes(memory[start : at + length])
            self._segments.append(segment)
            self._pieces.append(piece + bytes(-len(piece) & 3))
            self._sizes.append(len(piece))

    def _close(self, stream: FinishedStream) -> None:
        if len(self._segments) > (self._groups[-1].end if self._groups else 0):
            self._groups.append(_Group(stream, len(self._segments)))

    def run(self) -> None:
        """Add the frames that were dropped to what is known of their streams, and forget all."""
        if not self._groups:
            return
        sizes, words = np.array(self._sizes), np.frombuffer(bytearray().join(self._pieces), "<u4")
        ends = np.cumsum((sizes + 3) >> 2)
        words[ends - 1] &= _LAST[sizes & 3]
        # A word of 32 bits counts as two of 16, since 2^16 is 1 modulo 2^16 - 1; in the other byte order all
        # are 256 times as much.
        sums = np.add.reduceat(words, np.append(0, ends[:-1]), dtype=np.uint64).astype(np.int64)
        # In ones' complement a segment with its checksum and its pseudo-header sums up to zero.
        wrong = (sums + (TCP + sizes - 8) * 256) % _ONES != 0
        if wrong.any():
            self._judge(wrong.tolist())
        for each in (self._groups, self._segments, self._pieces, self._sizes):
            each.clear()

    def _judge(self, wrong: Sequence[bool]) -> None:
        begin = 0
        for stream, end in self._groups:
            own = wrong[begin:end]
            if any(own) and not all(own):
                segments = [self._segments[at] for at in range(begin, end) if wrong[at]]
                frames = [segment[3] for segment in segments if _is_wrong(segment)]
                if 0 < len(frames) < own.count(False):
                    stream.ambiguous |= {tuple(sorted(frames))}
            begin = end


def _headers(memory: memoryview | bytes, at: int, payload: int) -> tuple[int, int, int] | None:
    """Return where the TCP header before a payload starts, where the addresses before it, and their size."""
    for length in _LENGTHS:
        start: int = at - length
        if start < 20 or memory[start + 12] >> 4 != length >> 2:
            continue
        if memory[start - 20] == 0x45 and memory[start - 11] == TCP:
            return start, start - 8, 8
        if start >= 40 and memory[start - 40] >> 4 == 6 and memory[start - 34] == TCP:
            return start, start - 32, 32
        for words in range(6, 16):
            network = start - 4 * words
            if network >= 0 and memory[network] == 0x40 | words and memory[network + 9] == TCP:
                total = int.from_bytes(memory[network + 2 : network + 4])
                if total == at - network + payload:
                    return start, network + 12, 8
    return None


def _is_wrong(segment: Segment) -> bool:
    """Tell a checksum that is wrong from one that was left to a network interface."""
    memory, at, length, _ = segment
    found = _headers(memory, at, length)
    if found is None:
        return False
    start = found[0]
    sequence, acknowledgment = (
        int.from_bytes(memory[start + offset : start + offset + 4]) for offset in (4, 8)
    )
    before, data = bytes(memory[max(at - HEADERS, 0) : at]), bytes(memory[at : at + length])
    return read_headers(before, data, 0, sequence, acknowledgment).checksum is Checksum.WRONG


def _spans(spoken: Spoken) -> list[tuple[int, float, float]]:
    """Return directions, each with the frame after which, and up to which, it said what is looked at."""
    if spoken.exchanges:
        return [(0, 0, inf), (1, 0, inf)]
    client = 1 - spoken.client if spoken.swapped else spoken.client
    found: list[tuple[int, float, float]] = []
    for handshake in spoken.handshakes or ():
        first = handshake.client_hello_frame or 0
        if handshake.traits.certificates or handshake.traits.staples:
            found.append(
                (1 - client, first, max(handshake.certificate_frame or 0, handshake.staple_frame or 0))
            )
        if handshake.traits.client_certificates:
            found.append((client, first, handshake.client_finished or inf))
    return found
