"""Segments whose checksum is wrong and of which no other copy came: their receiver dropped them.

What was read of them is then nothing that anybody heard. Where a host leaves its checksums to its network
interface all of them are wrong, and nothing is said.

Only the segments that bear certificates, OCSP exchanges or CRL downloads are looked at, and two later ones,
which show what is usual. The sums of a batch are made at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from ocsp_pcap.observe.tcp_stream import Entry, ToldStream
from ocsp_pcap.spoken.seen import Spoken
from ocsp_pcap.streams.headers import HEADERS, TCP, Checksum, read_headers

MOST_PAYLOAD: Final = 9000
"""Bytes of a segment (a jumbo frame's). What is longer was put together by the interface of a receiver
(large receive offload), and has the checksum of its first part."""
CONTROLS: Final = 2
"""Segments behind those in question that show what is usual."""
_ONES: Final = 0xFFFF
_LENGTHS: Final = (32, 20, *range(24, 32, 4), *range(36, 64, 4))

Segment: TypeAlias = tuple[int, bytes, bytes | memoryview]
"""Frame, the bytes before the payload, and the payload."""
PlainSegment: TypeAlias = tuple[bool, int, int, int, int]
"""The client sent it, frame, time, and where its payload starts and how long it is."""


class _Group(NamedTuple):
    """Segments of one direction of a stream, up to a place among all."""

    told: ToldStream
    end: int


class ChecksumAudit:
    """Collects streams that are over, and names those of their frames that their receivers dropped."""

    def __init__(self) -> None:
        self._groups: list[_Group] = []
        self._segments: list[Segment] = []
        self._pieces: list[bytes | memoryview] = []
        self._lengths: list[int] = []
        self._expected: list[int] = []

    def add(self, told: ToldStream, entries: Sequence[Entry], refused: frozenset[int]) -> None:
        """Take a stream that was read segment by segment."""
        for direction, first, last in _spans(told.spoken):
            own = (e for e in entries if e[0][0] == direction and not e[0][7] and e[0][2] not in refused)
            self._add(told, ((row[2], before, data) for row, before, data in own if data), first, last)

    def add_plain(
        self, told: ToldStream, memory: memoryview, client: int, segments: Sequence[PlainSegment]
    ) -> None:
        """Take a stream that was told at once; no copy of its bytes is among the segments."""
        for direction, first, last in _spans(told.spoken):
            by_client = direction == client
            own = (
                (frame, bytes(memory[max(at - HEADERS, 0) : at]), memory[at : at + length])
                for from_client, frame, _, at, length in segments
                if from_client == by_client and frame > first and length
            )
            self._add(told, own, first, last)

    def _add(self, told: ToldStream, segments: Iterable[Segment], first: float, last: float) -> None:
        controls = 0
        for segment in segments:
            if segment[0] > first:
                if segment[0] > last:
                    controls += 1
                    if controls > CONTROLS:
                        break
                self._append(segment)
        if len(self._lengths) > (self._groups[-1].end if self._groups else 0):
            self._groups.append(_Group(told, len(self._lengths)))

    def _append(self, segment: Segment) -> None:
        _, before, data = segment
        size = len(data)
        for length in _LENGTHS if size <= MOST_PAYLOAD else ():
            at = len(before) - length
            if at >= 20 and before[at + 12] >> 4 == length >> 2:
                if before[at - 20] == 0x45 and before[at - 11] == TCP:
                    start = at - 8
                elif at >= 40 and before[at - 40] >> 4 == 6 and before[at - 34] == TCP:
                    start = at - 32
                else:
                    continue
                self._segments.append(segment)
                self._pieces += (before[start:], data)
                if size & 1:
                    self._pieces.append(b"\0")
                self._lengths.append((len(before) - start + size + 1) >> 1)
                # In ones' complement a segment with its checksum and its pseudo-header sums up to zero.
                self._expected.append(-(TCP + length + size) % _ONES)
                return

    def run(self) -> None:
        """Add the frames that were dropped to what is told of their streams, and forget all."""
        if not self._groups:
            return
        words = np.frombuffer(b"".join(self._pieces), ">u2")
        starts = np.cumsum([0, *self._lengths[:-1]])
        wrong = np.add.reduceat(words, starts, dtype=np.int64) % _ONES != np.array(self._expected)
        if wrong.any():
            self._judge(wrong.tolist())
        for each in (self._groups, self._segments, self._pieces, self._lengths, self._expected):
            each.clear()

    def _judge(self, wrong: Sequence[bool]) -> None:
        begin = 0
        for told, end in self._groups:
            frames = [self._segments[at][0] for at in range(begin, end) if wrong[at] and self._is_wrong(at)]
            if 0 < len(frames) < sum(not each for each in wrong[begin:end]):
                told.ambiguous |= {tuple(sorted(frames))}
            begin = end

    def _is_wrong(self, at: int) -> bool:
        """Tell a checksum that is wrong from one that was left to a network interface."""
        _, before, data = self._segments[at]
        for length in _LENGTHS:
            start = len(before) - length
            if start >= 20 and before[start + 12] >> 4 == length >> 2:
                sequence, acknowledgment = (
                    int.from_bytes(before[start + offset : start + offset + 4]) for offset in (4, 8)
                )
                headers = read_headers(before, bytes(data), 0, sequence, acknowledgment)
                if headers.checksum is not Checksum.UNKNOWN:
                    return headers.checksum is Checksum.WRONG
        return False


def _spans(spoken: Spoken) -> list[tuple[int, float, float]]:
    """Return directions, each with the frame after which, and up to which, it said what is looked at."""
    if spoken.exchanges:
        return [(0, 0, inf), (1, 0, inf)]
    client = 1 - spoken.client if spoken.swapped else spoken.client
    found: list[tuple[int, float, float]] = []
    for handshake in spoken.handshakes or ():
        first = handshake.client_hello_frame or 0
        if handshake.certificates or handshake.staples:
            found.append(
                (1 - client, first, max(handshake.certificate_frame or 0, handshake.staple_frame or 0))
            )
        if handshake.client_certificates:
            found.append((client, first, handshake.client_finished or inf))
    return found
