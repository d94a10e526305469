"""TCP reassembly of one direction, with frame provenance (RFC 9293 3.4, 3.10)."""

from __future__ import annotations

from bisect import insort
from typing import Final, TypeAlias

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.streams.copies import Copies
from ocsp_pcap.streams.events import Close, CopiesDiffer, Data, Gap, StreamEvent
from ocsp_pcap.streams.headers import FAR
from ocsp_pcap.streams.windows import HALF, MODULUS

REORDERING_TOLERANCE = 16
"""Segments of the stream that may still bring a byte which the receiver has already acknowledged:
captures from several queues record an acknowledgment before the segment it answers."""
MAX_PLAUSIBLE_JUMP = 1 << 24
"""A segment further ahead than this belongs to no window of this connection."""
SEGMENT_BYTES: Final = 160
"""Memory that a waiting segment takes besides its payload."""
MAX_ENDS: Final = 4
"""FINs that wait for the bytes before them: a host may repeat its own, and others may be forged."""
_Waiting: TypeAlias = tuple[int, int, bytes, int, int]
"""A segment: position in the stream, frame, bytes, how many are missing behind them, time."""


class Reassembler:
    """Puts the segments of one direction in order.

    The first copy of a byte wins, as in Wireshark; another copy that differs is reported as
    :class:`CopiesDiffer`. A hole is given up, and reported as :class:`Gap`, when the other side has
    acknowledged its bytes (the capture lost them, not the network), when too much waits behind it, or when
    the stream ends. A FIN closes the direction once all bytes before it are there; one whose number lies
    elsewhere closes nothing.
    """

    __slots__ = (
        "_acknowledged_for",
        "_assumed",
        "_ends",
        "_heard",
        "_passed",
        "_pending",
        "_window",
        "copies",
        "direction",
        "next_sequence",
        "offset",
        "pending_bytes",
        "started",
    )

    def __init__(self, direction: int) -> None:
        self.direction = direction
        self.started = False
        self.next_sequence = 0
        self.offset = 0
        """Bytes delivered or given up so far: the position of ``next_sequence`` in the stream."""
        self._pending: list[_Waiting] = []
        self.pending_bytes = 0
        """Bytes that wait behind a hole."""
        self._acknowledged_for = 0
        self._ends: list[tuple[int, int, int]] = []
        """Where, in which frame and when a FIN stood."""
        self._assumed = False
        self._heard: int | None = None
        """What the other side last acknowledged."""
        self._window: int | None = None
        """How many bytes beyond that it would take, where that is known."""
        self._passed: tuple[int, int, str] | None = None
        """Where the last hole was that was given up for a bound, and that bound."""
        self.copies = Copies()

    @property
    def held(self) -> int:
        """Bytes that wait behind a hole, with what it takes to hold them."""
        return self.pending_bytes + SEGMENT_BYTES * len(self._pending)

    def start(self, sequence: int) -> None:
        """Set the sequence number of the first byte of payload (that of the SYN plus one)."""
        self.started = True
        self.next_sequence = sequence % MODULUS

    def assume(self, sequence: int) -> None:
        """Expect the first byte of payload at a number that an acknowledgment, or an empty segment, shows.

        What lies between it and the first segment is missing; the first segment may also stand before it.
        """
        self.start(sequence)
        self._assumed = True

    def restart(self, sequence: int) -> None:
        """Go on at another place: what lies between was passed over on purpose."""
        self.start(sequence)
        self._assumed = False
        self._pending.clear()
        self._ends.clear()
        self.pending_bytes = 0
        self.copies.clear()

    def accept(self, sequence: int, data: bytes, frame: int) -> bool:
        """Count a segment that is simply the next one and that the caller delivers; False: it is not."""
        if sequence != self.next_sequence or self._pending or self._ends or not self.started:
            return False
        length = len(data)
        self.copies.add((self.offset, data, frame))
        self.offset += length
        self.next_sequence = (sequence + length) % MODULUS
        return True

    def segment(self, sequence: int, data: bytes, missing: int, frame: int, time: int) -> list[StreamEvent]:
        """Take the payload of one segment.

        Args:
            sequence: sequence number of the first payload byte.
            data: payload bytes present in the capture.
            missing: payload bytes behind ``data`` that the capture cut off.
            frame: frame number.
            time: nanoseconds since the epoch.
        """
        if not self.started:
            self.start(sequence)
        ahead = self.ahead(sequence)
        events: list[StreamEvent] = []
        if self._assumed and not self.offset and not FAR < ahead <= MAX_PLAUSIBLE_JUMP:
            ahead = self._begin(sequence, ahead, frame, time, events)
        if ahead > MAX_PLAUSIBLE_JUMP:
            return []
        position = self.offset + ahead
        if ahead > 0:
            insort(self._pending, (position, frame, data, missing, time))
            self.pending_bytes += len(data)
            if self._too_much() is not None:
                self._forget_what_no_window_held()
                bound = self._too_much()
                if bound is not None:
                    self._passed = self.offset, self._pending[0][0], bound
                    return self._give_up(frame, time)
            return []
        if self._passed is not None and position < self._passed[1] and position + len(data) > self._passed[0]:
            reached(self._passed[2])
            self._passed = None
        self._deliver(position, data, missing, frame, frame, time, events)
        self._drain(events, (frame, time))
        return events

    def ahead(self, sequence: int) -> int:
        """Return how many bytes a sequence number is ahead of the next one; below 0: behind it."""
        return ((sequence - self.next_sequence + HALF) % MODULUS) - HALF

    def _begin(self, sequence: int, ahead: int, frame: int, time: int, events: list[StreamEvent]) -> int:
        """Take the first segment of a direction whose beginning an acknowledgment shows."""
        self._assumed = False
        if ahead == 1 or ahead < 0 or ahead > MAX_PLAUSIBLE_JUMP:
            # One byte before the next one is that of a keep-alive (RFC 9293 3.8.4): nothing is missing.
            self.start(sequence)
            return 0
        if ahead:
            events.append(Gap(self.direction, frame, time, ahead))
            self._advance(ahead)
        return 0

    def acknowledged(self, acknowledgment: int, frame: int, time: int) -> list[StreamEvent]:
        """Take an acknowledgment number from the other direction: it may settle that a hole is lost."""
        self._heard = acknowledgment
        if not self._pending:
            return []
        hole = self._pending[0][0] - self.offset
        if (acknowledgment - self.next_sequence - hole) % MODULUS >= HALF:
            return []
        self._acknowledged_for += 1
        return self._give_up(frame, time) if self._acknowledged_for > REORDERING_TOLERANCE else []

    def flush(self, frame: int, time: int) -> list[StreamEvent]:
        """Give up every hole: nothing more will come."""
        events: list[StreamEvent] = []
        self._forget_what_no_window_held()
        while self._pending:
            events += self._give_up(frame, time)
        return events

    def forget(self, frames: frozenset[int]) -> None:
        """Drop waiting segments of these frames, which lay outside the window and were not acknowledged."""
        if self._heard is not None and self._pending and frames:
            acknowledged = self.offset + self.ahead(self._heard)
            self._keep([each for each in self._pending if each[1] not in frames or each[0] < acknowledged])

    def _keep(self, kept: list[_Waiting]) -> None:
        if len(kept) < len(self._pending):
            self._pending = kept
            self.pending_bytes = sum(len(each[2]) for each in kept)

    def _too_much(self) -> str | None:
        """Return the bound that is passed by what waits; None: by none."""
        if self.pending_bytes > BOUNDS.hole_bytes:
            return "hole_bytes"
        return "hole_segments" if len(self._pending) > BOUNDS.hole_segments else None

    def heard(self, acknowledgment: int, window: int | None = None) -> None:
        """Learn what the other side acknowledged last, and its window in bytes; None: not known."""
        self._heard = acknowledgment
        self._window = window

    def _forget_what_no_window_held(self) -> None:
        """Drop waiting segments so far ahead that they were in no window: forged, or of another connection.

        In a capture of one direction no acknowledgment tells. There a segment is dropped if it came before
        bytes that were delivered since: its sender went on from there, and not from this segment.
        """
        if not self._pending:
            return
        if self._heard is None:
            last = self.copies.last_frame
            self._keep([each for each in self._pending if each[0] - self.offset <= FAR or each[1] > last])
            return
        acknowledged = self.offset + self.ahead(self._heard)
        within = FAR if self._window is None else self._window
        self._keep([each for each in self._pending if each[0] - max(self.offset, acknowledged) <= within])

    def reaches(self, sequence: int, frame: int) -> None:
        """Learn that this direction had sent all bytes before ``sequence``.

        Its FIN says so, or an acknowledgment of the other side. Those that are still missing when the stream
        ends are a gap.
        """
        ahead = self.ahead(sequence)
        if self.started and not self._pending and 0 < ahead <= MAX_PLAUSIBLE_JUMP:
            self._pending.append((self.offset + ahead, frame, b"", 0, 0))

    def finish(self, sequence: int, frame: int, time: int) -> list[StreamEvent]:
        """Take a FIN that stands at a sequence number.

        One that overtook data takes effect once the bytes before it are there, or given up.
        """
        if not self.started:
            self.start(sequence)
        ahead = self.ahead(sequence)
        if not 0 <= ahead <= MAX_PLAUSIBLE_JUMP:
            return []
        if ahead:
            if len(self._ends) < MAX_ENDS:
                self._ends.append((self.offset + ahead, frame, time))
            return []
        return [Close(self.direction, frame, time, reset=False)]

    def unfinished(self) -> list[tuple[int, int, int]]:
        """Return sequence number, frame and time of each FIN before which bytes are missing."""
        return [
            ((self.next_sequence + position - self.offset) % MODULUS, frame, time)
            for position, frame, time in self._ends
            if position > self.offset
        ]

    def reset(self, frame: int, time: int) -> list[StreamEvent]:
        """Take an RST of this direction: nothing more will come."""
        events = self.flush(frame, time)
        events.append(Close(self.direction, frame, time, reset=True))
        return events

    def _advance(self, length: int) -> None:
        self.offset += length
        self.next_sequence = (self.next_sequence + length) % MODULUS

    def _deliver(
        self,
        position: int,
        data: bytes,
        missing: int,
        frame: int,
        delivered_frame: int,
        time: int,
        events: list[StreamEvent],
    ) -> None:
        overlap = self.offset - position
        if overlap > 0 and data and not (overlap == 1 == len(data)):
            # A single byte before the next one is a keep-alive's, which may be any (RFC 9293 3.8.4).
            before = self.copies.disagreeing(position, data[:overlap])
            if before:
                end = (self.next_sequence - max(overlap - len(data), 0)) % MODULUS
                events.append(CopiesDiffer(self.direction, tuple(before), frame, end))
        if overlap >= len(data) + missing:
            return
        if overlap < len(data):
            fresh = data[overlap:] if overlap else data
            events.append(Data(self.direction, frame, delivered_frame, time, fresh, overlap == 0))
            self.copies.add((self.offset, fresh, frame))
            self._advance(len(fresh))
        lost = position + len(data) + missing - self.offset
        if lost:
            events.append(Gap(self.direction, frame, time, lost))
            self._advance(lost)

    def _drain(self, events: list[StreamEvent], filled: tuple[int, int] | None = None) -> None:
        """Deliver the segments that have to wait no longer.

        ``filled``: frame and time of the segment that filled the hole before them; None: it was given up.
        """
        taken = 0
        for position, frame, data, missing, time in self._pending:
            if position > self.offset:
                break
            taken += 1
            self.pending_bytes -= len(data)
            # A hole that was given up is only the capture's: the receiver took this segment when it came.
            self._deliver(position, data, missing, frame, *(filled or (frame, time)), events)
        if taken:
            del self._pending[:taken]
            self._acknowledged_for = 0
        if self._ends:
            self._close_where_reached(events)

    def _close_where_reached(self, events: list[StreamEvent]) -> None:
        for position, frame, time in self._ends:
            if position == self.offset:
                events.append(Close(self.direction, frame, time, reset=False))
                self._ends.clear()
                return

    def _give_up(self, frame: int, time: int) -> list[StreamEvent]:
        position, after, _, _, came = self._pending[0]
        lost = position - self.offset
        events: list[StreamEvent] = [Gap(self.direction, after, came or time, lost)]
        self._advance(lost)
        self._drain(events)
        return events
