"""Which of two copies of the same bytes a receiver took (RFC 9293 3.10.7.4), as far as packets tell.

A receiver drops a segment whose checksum is wrong, that lies outside its window, that has no ACK, that
acknowledges what was never sent, or whose timestamp is older than the last one (RFC 7323 5.3); a segment
whose hop limit ran out never came to it. What it had acknowledged before another copy came, it had taken.
Where none of this tells, nothing does: stacks differ in which of two overlapping segments they keep.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.decode.columns import ACK, EXTRA, RST, SYN, TransportColumns
from ocsp_pcap.streams.headers import HEADERS, UNKNOWN, Checksum, Headers, read_headers
from ocsp_pcap.streams.windows import HALF, MODULUS, advertised

SAMPLE: Final = 32
"""Segments of a host that tell whether its checksums are made by its network interface."""
MAX_SAMPLES: Final = 256
"""Hosts of a batch of which a sample is taken."""


class Segment(NamedTuple):
    """A segment as a receiver saw it, or did not."""

    direction: int
    flags: int
    frame: int
    sequence: int
    acknowledgment: int
    missing: int
    before: bytes
    """The bytes before the payload, headers among them."""
    data: bytes

    def overlaps(self, other: Segment) -> bool:
        """Tell whether both bring a byte of the same place."""
        ahead = (self.sequence - other.sequence) % MODULUS
        return ahead < len(other.data) or MODULUS - ahead < len(self.data)

    def headers(self) -> Headers:
        """Read what its headers say of its fate."""
        return read_headers(self.before, self.data, self.missing, self.sequence, self.acknowledgment)


def refused(
    segments: Sequence[Segment],
    earlier: Iterable[int],
    copy: int,
    *,
    acknowledged_between: bool,
    offloaded: bool | None,
    outside: frozenset[int] = frozenset(),
    sent: int | None = None,
    syn_data_left: bool = False,
) -> frozenset[int]:
    """Return which of the frames that bring differing copies of the same bytes the receiver dropped.

    Args:
        segments: those of the connection so far, in the order of the capture.
        earlier: frames whose bytes were believed.
        copy: the frame that brought others later.
        acknowledged_between: the receiver acknowledged the bytes before the copy came.
        offloaded: the sender leaves checksums to its network interface, so that wrong ones say nothing; None:
            its other segments do not show whether it does.
        outside: frames that lay beyond the window that the receiver had advertised.
        sent: the sequence number that the receiver itself had come to, where its SYN is known.
        syn_data_left: the data of the SYN were not acknowledged with it.
    """
    by_frame = {segment.frame: segment for segment in segments}
    frames = [*earlier, copy]
    if not all(frame in by_frame for frame in frames):
        return frozenset()
    copies = [by_frame[frame] for frame in frames]
    headers = {segment.frame: segment.headers() for segment in copies}
    direction = copies[-1].direction
    # A segment that overlaps the copies may be forged, too: it does not show how the sender's segments look.
    others = [
        (segment, segment.headers())
        for segment in segments[-2 * SAMPLE :]
        if segment.direction == direction and not any(map(segment.overlaps, copies))
    ]
    bad = {
        segment.frame
        for segment in copies
        if segment.frame in outside
        or _without_ack(segment, copies)
        or (segment.flags & SYN and syn_data_left)
        or _older_timestamp(segment, headers[segment.frame], others)
        or _acknowledges_what_was_not_sent(segment, copies, segments, sent)
    }
    bad |= _wrong_checksums(headers, others, offloaded)
    if not acknowledged_between:
        bad |= _ran_out(headers, others)
    # Where the receiver would have dropped all copies, or none, they cannot be told apart.
    return frozenset(bad) if len(bad) < len(set(frames)) else frozenset()


def _without_ack(segment: Segment, copies: list[Segment]) -> bool:
    return not segment.flags & (ACK | SYN) and any(other.flags & ACK for other in copies)


def _older_timestamp(segment: Segment, headers: Headers, others: list[tuple[Segment, Headers]]) -> bool:
    if headers.timestamp is None:
        return False
    before = [h.timestamp for other, h in others if other.frame < segment.frame and h.timestamp is not None]
    return bool(before) and 0 < (before[-1] - headers.timestamp) % MODULUS < HALF


def _acknowledges_what_was_not_sent(
    segment: Segment, copies: list[Segment], segments: Sequence[Segment], sent: int | None
) -> bool:
    """Tell whether it acknowledges more than the other side had sent, or than the other copies do."""
    if not segment.flags & ACK:
        return False
    if sent is not None:
        # A FIN takes a number, too.
        return 1 < (segment.acknowledgment - sent) % MODULUS < HALF
    known = [
        other.sequence + len(other.data) + other.missing + 1
        for other in segments
        if other.direction != segment.direction and other.frame < segment.frame
    ]
    known += [other.acknowledgment for other in copies if other.frame != segment.frame and other.flags & ACK]
    return bool(known) and all(0 < (segment.acknowledgment - number) % MODULUS < HALF for number in known)


def _wrong_checksums(
    headers: dict[int, Headers], others: list[tuple[Segment, Headers]], offloaded: bool | None
) -> set[int]:
    wrong = {frame for frame, each in headers.items() if each.checksum is Checksum.WRONG}
    right = {frame for frame, each in headers.items() if each.checksum is Checksum.RIGHT}
    seen = Counter(each.checksum for _, each in others)
    seen_right, seen_wrong = seen[Checksum.RIGHT], seen[Checksum.WRONG] + seen[Checksum.UNFINISHED]
    if not seen_right and not seen_wrong and offloaded is not None:
        seen_right, seen_wrong = int(not offloaded), int(offloaded)
    if seen_wrong >= seen_right and (seen_wrong or not right):
        return set()
    return wrong


def _ran_out(headers: dict[int, Headers], others: list[tuple[Segment, Headers]]) -> set[int]:
    """Return the frames whose hop limit is so much lower than usual that they were not meant to arrive."""
    limits = Counter(each.hop_limit for _, each in others if each.hop_limit is not None)
    if limits:
        usual = limits.most_common(1)[0][0]
    else:
        usual = max((each.hop_limit for each in headers.values() if each.hop_limit is not None), default=0)
    return {
        frame
        for frame, each in headers.items()
        if each.hop_limit is not None and usual is not None and each.hop_limit <= usual // 2
    }


class Surroundings:
    """The rows of a batch around two copies: acknowledgments without data, other segments of a host."""

    def __init__(
        self, columns: TransportColumns, stream: NDArray[np.int64], direction: NDArray[np.uint8]
    ) -> None:
        self._columns = columns
        self._stream = stream
        self._direction = direction
        self._order: NDArray[np.int64] | None = None
        self._samples: dict[tuple[int, int], bool | None] = {}

    def _rows(self, stream: int) -> NDArray[np.int64]:
        """Return the rows of a stream, in order; all streams are sorted once."""
        if self._order is None:
            self._order = np.argsort(self._stream, kind="stable")
            self._sorted = self._stream[self._order]
        low, high = np.searchsorted(self._sorted, (stream, stream + 1))
        return self._order[low:high]

    def acknowledged(self, stream: int, direction: int, sequence: int, first: int, last: int) -> bool:
        """Tell whether a direction acknowledged up to a sequence number between two frames."""
        columns, rows = self._columns, self._rows(stream)
        frame = columns.frame[rows]
        rows = rows[
            (self._direction[rows] == direction)
            & (frame > first)
            & (frame < last)
            & ((columns.flags[rows] & (ACK | RST)) == ACK)
        ]
        ahead = columns.acknowledgment[rows] - np.uint32(sequence)
        return bool((ahead < HALF).any())

    def sent(self, stream: int, direction: int, so_far: int) -> int:
        """Return the sequence number that a direction comes to in this batch, from ``so_far`` on."""
        columns, rows = self._columns, self._rows(stream)
        rows = rows[(self._direction[rows] == direction) & ~columns.in_error[rows]]
        length = columns.payload_length[rows] + columns.payload_missing[rows]
        ahead = columns.sequence[rows] + length.astype(np.uint32) - np.uint32(so_far)
        further = ahead[ahead < HALF]
        return (so_far + int(further.max())) % MODULUS if len(further) else so_far

    def heard(self, stream: int, direction: int, frame: int) -> tuple[int, int] | None:
        """Return the last acknowledgment of a direction before a frame, and its window as advertised."""
        columns, rows = self._columns, self._rows(stream)
        rows = rows[(self._direction[rows] == direction) & (columns.frame[rows] < frame)]
        rows = rows[(columns.flags[rows] & (ACK | RST)) == ACK][-1:]
        rows = rows[~columns.in_error[rows]]
        if not len(rows):
            return None
        return int(columns.acknowledgment[rows[0]]), int(advertised(columns, rows)[0])

    def syn_data_left(self, stream: int, direction: int, sequence: int) -> bool:
        """Tell whether a SYN with data was answered by one that acknowledges the SYN alone (RFC 7413)."""
        columns, rows = self._columns, self._rows(stream)
        both = SYN | ACK
        answers = rows[(self._direction[rows] != direction) & ((columns.flags[rows] & both) == both)]
        return bool((columns.acknowledgment[answers] == np.uint32((sequence + 1) % MODULUS)).any())

    def offloaded(self, stream: int, direction: int, frames: frozenset[int]) -> bool | None:
        """Tell whether the sender's network interface makes its checksums: most others are wrong here."""
        columns = self._columns
        rows = self._rows(stream)
        own = rows[self._direction[rows] == direction]
        verdict = self._most_are_wrong(own, frames)
        if verdict is not None or not len(own) or not len(columns.source_low):
            return verdict
        source = int(columns.source_high[own[0]]), int(columns.source_low[own[0]])
        if source not in self._samples:
            if len(self._samples) >= MAX_SAMPLES:
                return None
            same = np.flatnonzero((columns.source_low == source[1]) & (columns.source_high == source[0]))
            self._samples[source] = self._most_are_wrong(same, frames)
        return self._samples[source]

    def _most_are_wrong(self, rows: NDArray[np.int64], frames: frozenset[int]) -> bool | None:
        columns = self._columns
        counts = Counter[Checksum]()
        for row in rows[: SAMPLE + len(frames)].tolist():
            if int(columns.frame[row]) not in frames:
                counts[self._headers(row).checksum] += 1
        wrong, right = counts[Checksum.WRONG] + counts[Checksum.UNFINISHED], counts[Checksum.RIGHT]
        return None if not wrong and not right else wrong >= right

    def _headers(self, row: int) -> Headers:
        columns = self._columns
        at, length = int(columns.payload_offset[row]), int(columns.payload_length[row])
        if at >= EXTRA:
            return UNKNOWN
        memory = columns.buffer.data
        return read_headers(
            bytes(memory[max(at - HEADERS, 0) : at]),
            bytes(memory[at : at + length]),
            int(columns.payload_missing[row]),
            int(columns.sequence[row]),
            int(columns.acknowledgment[row]),
        )
