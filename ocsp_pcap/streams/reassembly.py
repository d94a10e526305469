"""TCP reassembly of one direction, with frame provenance (RFC 9293 3.4, 3.10)."""

from __future__ import annotations

from bisect import insort

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.streams.events import Close, Data, Gap, StreamEvent

MODULUS = 1 << 32
HALF = 1 << 31
REORDERING_TOLERANCE = 16
"""Segments of the stream that may still bring a byte which the receiver has already acknowledged:
captures from several queues record an acknowledgment before the segment it answers."""
MAX_PLAUSIBLE_JUMP = 1 << 24
"""A segment further ahead than this belongs to no window of this connection."""


class Reassembler:
    """Puts the segments of one direction in order.

    The first copy of a byte wins, as in Wireshark. A hole is given up, and reported as :class:`Gap`,
    when the other side has acknowledged its bytes (the capture lost them, not the network), when too
    much waits behind it, or when the stream ends.
    """

    __slots__ = (
        "_acknowledged_for",
        "_closing",
        "_pending",
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
        self._pending: list[tuple[int, int, bytes, int]] = []
        self.pending_bytes = 0
        """Bytes that wait behind a hole."""
        self._acknowledged_for = 0
        self._closing: tuple[int, int] | None = None

    def start(self, sequence: int) -> None:
        """Set the sequence number of the first byte of payload (that of the SYN plus one)."""
        self.started = True
        self.next_sequence = sequence % MODULUS

    def restart(self, sequence: int) -> None:
        """Go on at another place: what lies between was passed over on purpose."""
        self.start(sequence)
        self._pending.clear()
        self.pending_bytes = 0

    def accept(self, sequence: int, length: int) -> bool:
        """Count a segment that is simply the next one and that the caller delivers; False: it is not."""
        if sequence != self.next_sequence or self._pending or not self.started:
            return False
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
        ahead = ((sequence - self.next_sequence + HALF) % MODULUS) - HALF
        if ahead > MAX_PLAUSIBLE_JUMP:
            return []
        position = self.offset + ahead
        if ahead > 0:
            insort(self._pending, (position, frame, data, missing))
            self.pending_bytes += len(data)
            if self.pending_bytes > BOUNDS.hole_bytes or len(self._pending) > BOUNDS.hole_segments:
                return self._give_up(frame, time)
            return []
        events: list[StreamEvent] = []
        self._deliver(position, data, missing, frame, frame, time, events)
        self._drain(frame, time, events)
        return events

    def acknowledged(self, acknowledgment: int, frame: int, time: int) -> list[StreamEvent]:
        """Take an acknowledgment number from the other direction: it may settle that a hole is lost."""
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
        while self._pending:
            events += self._give_up(frame, time)
        return events

    def reaches(self, sequence: int, frame: int) -> None:
        """Learn that this direction had sent all bytes before ``sequence``.

        A FIN says so by its own number, the other side by what it acknowledges. What of them is not
        in the capture by the end is a gap.
        """
        ahead = ((sequence - self.next_sequence + HALF) % MODULUS) - HALF
        if self.started and not self._pending and 0 < ahead <= MAX_PLAUSIBLE_JUMP:
            self._pending.append((self.offset + ahead, frame, b"", 0))

    def close(self, frame: int, time: int, *, reset: bool) -> list[StreamEvent]:
        """Take a FIN or RST of this direction.

        A FIN that overtook data takes effect once the holes before it are filled or given up.
        """
        if self._pending and not reset:
            self._closing = (frame, time)
            return []
        events = self.flush(frame, time)
        events.append(Close(self.direction, frame, time, reset))
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
        if overlap >= len(data) + missing:
            return
        if overlap < len(data):
            fresh = data[overlap:] if overlap else data
            events.append(Data(self.direction, frame, delivered_frame, time, fresh, overlap == 0))
            self._advance(len(fresh))
        lost = position + len(data) + missing - self.offset
        if lost:
            events.append(Gap(self.direction, frame, time, lost))
            self._advance(lost)

    def _drain(self, frame: int, time: int, events: list[StreamEvent]) -> None:
        taken = 0
        for position, own_frame, data, missing in self._pending:
            if position > self.offset:
                break
            taken += 1
            self.pending_bytes -= len(data)
            self._deliver(position, data, missing, own_frame, frame, time, events)
        if taken:
            del self._pending[:taken]
            self._acknowledged_for = 0
        if self._closing is not None and not self._pending:
            events.append(Close(self.direction, *self._closing, reset=False))
            self._closing = None

    def _give_up(self, frame: int, time: int) -> list[StreamEvent]:
        position, after, _, _ = self._pending[0]
        lost = position - self.offset
        events: list[StreamEvent] = [Gap(self.direction, after, time, lost)]
        self._advance(lost)
        self._drain(frame, time, events)
        return events
