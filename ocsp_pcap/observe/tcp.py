"""TCP: feeds the segments that can matter to the conversations they belong to.

The walk over packets stays in numpy: rows without payload and rows of directions in which nothing
can matter any more are dropped in bulk. Python runs over what is left, stream by stream, and stops
as soon as a stream has told all it can.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.decode.columns import ACK, EXTRA, FIN, RST, SYN, TransportColumns
from ocsp_pcap.observe.conversation import Conversation
from ocsp_pcap.observe.tools import Tools
from ocsp_pcap.streams.events import Close, Data, Gap, StreamEvent
from ocsp_pcap.streams.flows import FlowTable
from ocsp_pcap.streams.reassembly import MODULUS, Reassembler

DIRECTION_BITS: Final = 3
LIVE: Final = 4
"""The stream has a conversation."""
FIRST_ROWS: Final = 16
"""Rows of a stream and batch that are taken at once; most streams are told by then."""
LINGER: Final = 10 * 10**9
"""Nanoseconds that a closed stream is kept for: segments may still be on their way, or retransmitted."""
MAX_LINGERING: Final = 4096


@dataclass(slots=True)
class Stream:
    """A stream that is being read."""

    number: int
    conversation: Conversation
    sides: tuple[Reassembler, Reassembler]
    gaps: int = 0
    closed: int = 0
    """Bit 0, 1: a FIN of that direction; both: RST."""
    last_frame: int = 0
    last_time: int = 0
    started_mid_stream: bool = False
    lingering: bool = False
    skipped: int = 0
    """Directions (bits) that were not wanted for a while, so that bytes of them may have passed."""


class TcpObserver:
    """All TCP streams of one capture."""

    def __init__(self, tools: Tools) -> None:
        self.flows = FlowTable()
        self.finished: list[Stream] = []
        """Streams that told something and are over, or muted."""
        self.socks_frames: dict[int, int] = {}
        """Stream to the first frame that carried something through SOCKS."""
        self.gaps = 0
        """Places at which bytes are missing, of streams that mattered."""
        self._tools = tools
        self._wanted: NDArray[np.uint8] = np.full(1024, DIRECTION_BITS, np.uint8)
        self._streams: dict[int, Stream] = {}
        self._lingering: deque[Stream] = deque()

    def receive(self, columns: TransportColumns) -> None:
        """Take one batch of segments."""
        rows = self.flows.assign(columns)
        if not len(columns):
            return
        if len(self.flows) > len(self._wanted):
            grown = np.full(max(len(self.flows), 2 * len(self._wanted)), DIRECTION_BITS, np.uint8)
            grown[: len(self._wanted)] = self._wanted
            self._wanted = grown
        wanted = self._wanted[rows.stream]
        carries = columns.payload_length > 0
        carries |= columns.payload_missing > 0
        carries &= ((wanted >> rows.direction) & 1).view(np.bool_)
        closes = ((columns.flags & (FIN | RST)) != 0) & (wanted != 0)
        chosen = np.flatnonzero((carries | closes) & ~columns.in_error)
        if len(chosen):
            self._chosen(columns, rows.stream[chosen], rows.direction[chosen], chosen)
        self._release(int(columns.time[-1]))

    def finish(self) -> None:
        """The capture is over: everything that is still open ends here."""
        for stream in list(self._streams.values()):
            self._end(stream)

    def _release(self, now: int) -> None:
        """End streams that were closed a while ago."""
        lingering = self._lingering
        while lingering and (len(lingering) > MAX_LINGERING or lingering[0].last_time + LINGER < now):
            stream = lingering.popleft()
            if self._streams.get(stream.number) is stream:
                self._end(stream)

    def _chosen(
        self,
        columns: TransportColumns,
        stream: NDArray[np.int64],
        direction: NDArray[np.uint8],
        chosen: NDArray[np.int64],
    ) -> None:
        order = np.argsort(stream, kind="stable")
        stream, direction, chosen = stream[order], direction[order], chosen[order]
        starts = np.flatnonzero(np.r_[True, stream[1:] != stream[:-1]])
        ends = np.r_[starts[1:], len(stream)]
        rank = np.arange(len(stream)) - np.repeat(starts, ends - starts)
        first = np.flatnonzero(rank < FIRST_ROWS)
        segments = _Segments(columns, chosen[first], direction[first])
        position = 0
        for number, start, end in zip(stream[starts].tolist(), starts.tolist(), ends.tolist(), strict=True):
            count = min(end - start, FIRST_ROWS)
            self._feed(number, segments, range(position, position + count))
            position += count
            if end - start > FIRST_ROWS:
                self._rest(number, columns, chosen, direction, start + FIRST_ROWS, end)

    def _rest(
        self,
        number: int,
        columns: TransportColumns,
        chosen: NDArray[np.int64],
        direction: NDArray[np.uint8],
        start: int,
        end: int,
    ) -> None:
        """Go on with a stream that is not told yet, in growing steps, without what it does not want."""
        step = FIRST_ROWS
        while start < end:
            wanted = int(self._wanted[number]) & DIRECTION_BITS
            if not wanted:
                return
            if wanted != DIRECTION_BITS:
                # Until something of the wanted side comes, the other side's rows cannot matter.
                side = 0 if wanted == 1 else 1
                ahead = np.flatnonzero(direction[start:end] == side)
                if not len(ahead):
                    return
                start += int(ahead[0])
            stop = min(end, start + step)
            segments = _Segments(columns, chosen[start:stop], direction[start:stop])
            taken = self._feed(number, segments, range(stop - start), stop_early=wanted == DIRECTION_BITS)
            start += taken
            step = min(step * 2, 256)

    def _feed(self, number: int, segments: _Segments, positions: range, *, stop_early: bool = False) -> int:
        """Hand rows to a stream; return how many were taken before it lost interest in a side."""
        stream = self._streams.get(number)
        taken = 0
        for position in positions:
            taken += 1
            direction = segments.direction[position]
            flags = segments.flags[position]
            has_payload = segments.length[position] or segments.missing[position]
            if stream is None:
                if not has_payload or not self._wanted[number] & DIRECTION_BITS:
                    continue
                stream = self._open(number)
            if has_payload and stream.conversation.wants(direction):
                self._segment(stream, direction, segments, position)
            if flags & (FIN | RST):
                self._close(stream, direction, flags, segments.frame[position], segments.time[position])
            if self._settle(stream):
                return taken
            if stop_early and int(self._wanted[number]) & DIRECTION_BITS != DIRECTION_BITS:
                return taken
        return taken

    def _open(self, number: int) -> Stream:
        sides = (Reassembler(0), Reassembler(1))
        mid_stream = True
        for side in sides:
            sequence = self.flows.initial_sequence(number, side.direction)
            if sequence is not None:
                side.start(sequence + 1)
                mid_stream = False
        stream = Stream(number, Conversation(self._tools), sides, started_mid_stream=mid_stream)
        self._streams[number] = stream
        self._wanted[number] |= LIVE
        return stream

    def _segment(self, stream: Stream, direction: int, segments: _Segments, position: int) -> None:
        side = stream.sides[direction]
        frame, time = segments.frame[position], segments.time[position]
        sequence = segments.sequence[position]
        flags = segments.flags[position]
        if flags & SYN:
            sequence = (sequence + 1) % MODULUS
        data, missing = segments.payload(position), segments.missing[position]
        if stream.skipped & (1 << direction):
            # Bytes were passed over on purpose: the stream goes on wherever this segment stands.
            stream.skipped &= ~(1 << direction)
            stream.conversation.skip(direction)
            side.restart(sequence)
        if not missing and side.takes(sequence):
            side.advance(len(data))
            stream.conversation.receive(direction, data, frame, time, True)
        else:
            self._events(stream, side.segment(sequence, data, missing, frame, time))
        other = stream.sides[1 - direction]
        if flags & ACK and other.pending_bytes:
            self._events(stream, other.acknowledged(segments.acknowledgment[position], frame, time))
        stream.last_frame, stream.last_time = frame, time

    def _close(self, stream: Stream, direction: int, flags: int, frame: int, time: int) -> None:
        stream.last_frame, stream.last_time = frame, time
        if flags & RST:
            stream.closed = DIRECTION_BITS
            self._events(stream, stream.sides[direction].close(frame, time, reset=True))
        else:
            stream.closed |= 1 << direction
            self._events(stream, stream.sides[direction].close(frame, time, reset=False))

    def _events(self, stream: Stream, events: list[StreamEvent]) -> None:
        conversation = stream.conversation
        for event in events:
            if isinstance(event, Data):
                conversation.receive(
                    event.direction, event.data, event.delivered_frame, event.time, event.segment_start
                )
            elif isinstance(event, Gap):
                stream.gaps += 1
                conversation.gap(event.direction, event.length, event.frame, event.time)
            elif isinstance(event, Close):
                conversation.close(event.direction, event.frame, event.time, reset=event.reset)

    def _settle(self, stream: Stream) -> bool:
        """Update what the stream wants; end it where that is nothing. Return whether it ended."""
        conversation = stream.conversation
        wanted = conversation.wants(0) | conversation.wants(1) << 1
        if not wanted:
            self._end(stream)
            return True
        if stream.closed == DIRECTION_BITS and not stream.lingering:
            stream.lingering = True
            self._lingering.append(stream)
        stream.skipped |= ~wanted & DIRECTION_BITS
        self._wanted[stream.number] = LIVE | wanted
        return False

    def _end(self, stream: Stream) -> None:
        for side in stream.sides:
            self._events(stream, side.flush(stream.last_frame, stream.last_time))
        conversation = stream.conversation
        conversation.finish(stream.last_frame, stream.last_time)
        self.gaps += stream.gaps
        del self._streams[stream.number]
        self._wanted[stream.number] = 0
        if conversation.socks_payload_frame is not None:
            self.socks_frames[stream.number] = conversation.socks_payload_frame
        if conversation.tracker is not None or conversation.exchanges:
            self.finished.append(stream)


class _Segments:
    """Some rows of a batch as Python values."""

    __slots__ = (
        "_columns",
        "_memory",
        "_offset",
        "acknowledgment",
        "direction",
        "flags",
        "frame",
        "length",
        "missing",
        "sequence",
        "time",
    )

    def __init__(
        self, columns: TransportColumns, rows: NDArray[np.int64], direction: NDArray[np.uint8]
    ) -> None:
        self._columns = columns
        self._memory = columns.buffer.data
        self._offset: list[int] = columns.payload_offset[rows].tolist()
        self.direction: list[int] = direction.tolist()
        self.frame: list[int] = columns.frame[rows].tolist()
        self.time: list[int] = columns.time[rows].tolist()
        self.sequence: list[int] = columns.sequence[rows].tolist()
        self.acknowledgment: list[int] = columns.acknowledgment[rows].tolist()
        self.flags: list[int] = columns.flags[rows].tolist()
        self.length: list[int] = columns.payload_length[rows].tolist()
        self.missing: list[int] = columns.payload_missing[rows].tolist()

    def payload(self, position: int) -> bytes:
        start, length = self._offset[position], self.length[position]
        if start >= EXTRA:
            return self._columns.extra[start - EXTRA : start - EXTRA + length]
        return bytes(self._memory[start : start + length])
