"""The segments of a TCP stream as its receiver took them: which bytes, in which order, and what it dropped.

Segments come in the order of the capture, some twice, late, or not at all; some were never taken. What lies
outside the window, an RST that nobody heeds, a copy with other bytes: what follows in the capture tells, as
far as packets can (RFC 9293 3.10.7.4). Where that shows late that other packets were taken than those that
were read, the stream is read again from its beginning without these. Where nothing tells, the frames are
noted as ambiguous.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.decode.columns import ACK, FIN, RST, SYN, URG
from ocsp_pcap.observe.rows import Row
from ocsp_pcap.observe.tcp_stream import DIRECTION_BITS, Entry, Reset, TcpStream
from ocsp_pcap.spoken.conversation import Conversation
from ocsp_pcap.streams.events import Close, CopiesDiffer, Data, Gap, StreamEvent
from ocsp_pcap.streams.flows import FlowTable
from ocsp_pcap.streams.headers import FAR, NEAR
from ocsp_pcap.streams.reassembly import Reassembler
from ocsp_pcap.streams.receiver import Segment, Surroundings, refused
from ocsp_pcap.streams.windows import HALF, MODULUS, Heard

CLOSING: Final = FIN | RST


class SegmentReader:
    """Hands the bytes of streams, segment by segment, to their conversations."""

    def __init__(self, flows: FlowTable, converse: Callable[[int, bool], Conversation]) -> None:
        """``converse`` begins the conversation of a stream anew; it is given whether it began mid-stream."""
        self._flows = flows
        self._converse = converse
        self._rereads = False
        """A stream is read again: what lay outside its windows is known."""
        self.surroundings: Surroundings | None = None
        """The batch that the segments at hand are from."""
        self.disputed: Mapping[int, tuple[int, ...]] = {}
        """Frames of segments at hand whose IP fragments disagree, and the frames of these."""

    def begin(self, stream: TcpStream, initial: list[int | None]) -> None:
        """Tell both sides where their bytes begin."""
        numbers: list[int | None] | None = None
        for side, first in zip(stream.sides, initial, strict=True):
            if first is not None:
                side.start(first + 1)
                continue
            if numbers is None:
                numbers = self._flows.first_numbers(stream.number)
            number = numbers[side.direction]
            if number is not None:
                side.assume(number)

    def take(self, stream: TcpStream, row: Row, data: bytes) -> None:
        """Take the payload of a segment."""
        direction, flags, frame, time, sequence, acknowledgment, length, missing, _ = row
        side, other = stream.sides[direction], stream.sides[1 - direction]
        if flags & SYN:
            sequence = (sequence + 1) % MODULUS
        if self.disputed:
            frames = self.disputed.get(frame + stream.frames_before, ())
            if frames:
                self._note_ambiguous(stream, tuple(each - stream.frames_before for each in frames))
        if flags & URG:
            # Stacks differ in whether the last urgent byte is part of the stream (RFC 6093 3).
            self._note_ambiguous(stream, (frame,))
        if stream.reset is not None and stream.reset.direction == direction:
            self._goes_on_after_reset(stream, sequence + length + missing, frame)
        if stream.skipped >> direction & 1:
            # Bytes were passed over on purpose: the stream goes on wherever this segment stands.
            stream.skipped &= ~(1 << direction)
            stream.conversation.skip(direction)
            side.restart(sequence)
        if not missing and side.accept(sequence, data, frame):
            stream.conversation.receive(direction, data, frame, time, True)
        else:
            if side.started and side.ahead(sequence) > 0:
                self._look_at_window(stream, side, sequence, frame)
            self._events(stream, side.segment(sequence, data, missing, frame, time))
        if other.pending_bytes and flags & ACK:
            self._events(stream, other.acknowledged(acknowledgment, frame, time))
        stream.last_frame, stream.last_time = frame, time

    def _look_at_window(self, stream: TcpStream, side: Reassembler, sequence: int, frame: int) -> None:
        """Note that a segment ahead of others lies beyond the window, where it does."""
        heard = self._flows.heard(stream.number, 1 - side.direction)
        if heard is None:
            return
        side.heard(heard.acknowledgment, heard.window)
        if self._rereads:
            return
        before = self._heard_before(stream, 1 - side.direction, frame)
        if before is not None and before.outside(sequence, FAR, behind=HALF):
            if len(stream.outside) < BOUNDS.hole_segments:
                stream.outside |= {frame}
            else:
                reached("hole_segments")

    def _heard_before(self, stream: TcpStream, direction: int, frame: int) -> Heard | None:
        """Return what a direction had acknowledged before a frame."""
        surroundings, number = self.surroundings, stream.number
        found = None
        if surroundings is not None:
            found = surroundings.heard(number, direction, frame + stream.frames_before)
        if found is None:
            found = self._flows.heard_before(number, direction)
        return None if found is None else self._flows.with_window(number, direction, found)

    def close(self, stream: TcpStream, row: Row) -> None:
        """Take the FIN or RST of a segment."""
        direction, flags, frame, time, sequence, acknowledgment, length, missing, _ = row
        side, other = stream.sides[direction], stream.sides[1 - direction]
        stream.last_frame, stream.last_time = frame, time
        if flags & RST:
            self._take_reset(stream, side, row)
            return
        if stream.skipped >> direction & 1:
            stream.closed |= 1 << direction
            self._events(stream, [Close(direction, frame, time, reset=False)])
            return
        sequence = (sequence + length + missing + bool(flags & SYN)) % MODULUS
        if side.started and side.ahead(sequence) > 0:
            self._look_at_window(stream, side, sequence, frame)
            if frame in stream.outside or side.ahead(sequence) > FAR:
                # It ends far beyond what its receiver would have taken: no FIN of this stream.
                return
        events = side.finish(sequence, frame, time)
        if not events and side.ahead(sequence) < 0:
            # It ends before bytes that its sender went on to send.
            return
        if flags & ACK and not stream.skipped >> (1 - direction) & 1:
            # The other side's own FIN takes a number, too (RFC 9293 3.4).
            fin = stream.closed >> (1 - direction) & 1
            if other.ahead(acknowledgment) <= FAR:
                other.reaches((acknowledgment - fin) % MODULUS, frame)
        stream.closed |= 1 << direction
        self._events(stream, events)

    def _take_reset(self, stream: TcpStream, side: Reassembler, row: Row) -> None:
        """Remember an RST where a receiver may have taken it; what follows tells whether it did.

        It counts where its number is in the window of its receiver (RFC 9293 3.10.7.4). A receiver that goes
        by RFC 5961 3.2 takes of these only the next one, and challenges the others: then its sender goes on.
        """
        direction, _, frame, time, sequence, *_ = row
        if not self._rereads and self._is_outside(stream, side, row):
            stream.outside |= {frame}
        if frame in stream.outside:
            return
        self._judge_reset(stream)
        # A FIN of its own takes a number, too (RFC 9293 3.4).
        fin = stream.closed >> direction & 1
        stream.closed = DIRECTION_BITS
        if stream.reset is None:
            stream.reset = Reset(direction, frame, time, side.next_sequence if side.started else sequence)
            if side.started and not stream.skipped >> direction & 1 and 0 < side.ahead(sequence) <= FAR:
                # Its number is that of the next byte: those before it were sent, and are not in the capture.
                side.reaches((sequence - fin) % MODULUS, frame)

    def _is_outside(self, stream: TcpStream, side: Reassembler, row: Row) -> bool:
        """Tell whether an RST stands where its receiver drops it."""
        direction, _, frame, _, sequence, *_ = row
        heard = self._heard_before(stream, 1 - direction, frame)
        if heard is not None:
            return heard.outside(sequence, NEAR)
        known = side.started and not stream.skipped >> direction & 1
        return known and abs(side.ahead(sequence)) > NEAR

    def _goes_on_after_reset(self, stream: TcpStream, end: int, frame: int) -> None:
        """Take note of bytes behind an RST of their sender."""
        reset = stream.reset
        assert reset is not None
        if not 0 < (end - reset.sent) % MODULUS < HALF:
            return
        if len(stream.after_reset) < BOUNDS.ambiguous_frames:
            stream.after_reset += (frame,)
        else:
            reached("ambiguous_frames")
        self._judge_reset(stream)

    def _judge_reset(self, stream: TcpStream) -> None:
        """Take back an RST where its receiver acknowledges what its sender sent behind it."""
        reset = stream.reset
        if reset is None or not stream.after_reset:
            return
        acknowledged = self._flows.last_acknowledgment(stream.number, 1 - reset.direction)
        if acknowledged is not None and 0 < (acknowledged - reset.sent) % MODULUS < HALF:
            stream.reset, stream.after_reset = None, ()
            stream.closed = 0

    def find_lost_tails(self, stream: TcpStream) -> None:
        """Find bytes that their receiver acknowledged, and that no later ones show to be missing."""
        for side in stream.sides:
            if stream.skipped >> side.direction & 1:
                continue
            acknowledged = self._flows.last_acknowledgment(stream.number, 1 - side.direction)
            if acknowledged is not None:
                heard = self._flows.heard(stream.number, 1 - side.direction)
                side.heard(acknowledged, None if heard is None else heard.window)
                # A FIN takes a number, too, and may itself not be in the capture.
                side.reaches((acknowledged - 1) % MODULUS, stream.last_frame)
            for sequence, frame, _ in side.unfinished():
                if side.ahead(sequence) <= FAR:
                    side.reaches(sequence, frame)

    def _events(self, stream: TcpStream, events: list[StreamEvent]) -> None:
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
            else:
                self._disagree(stream, event)

    def _note_ambiguous(self, stream: TcpStream, frames: tuple[int, ...]) -> None:
        if len(stream.ambiguous) < BOUNDS.ambiguous_frames:
            stream.ambiguous |= {tuple(sorted(frames))}
        else:
            reached("ambiguous_frames")

    def _disagree(self, stream: TcpStream, event: CopiesDiffer) -> None:
        """Take note of two copies that are not the same, and find out which of them the receiver took."""
        self._note_ambiguous(stream, (*event.frames, event.copy))
        entries, surroundings = stream.entries, self.surroundings
        if entries is None or surroundings is None or (*event.frames, event.copy) in stream.judged:
            return
        if len(stream.judged) >= BOUNDS.ambiguous_frames:
            return
        stream.judged |= {(*event.frames, event.copy)}
        segments = [_segment_of(entry) for entry in entries if entry[0][2] not in stream.refused]
        direction, first = event.direction, min(event.frames)
        frames = frozenset((*event.frames, event.copy))
        number, before = stream.number, stream.frames_before
        opening = next((s for s in segments if s.flags & SYN and s.direction == direction), None)
        between = [s for s in segments if s.direction != direction and first < s.frame < event.copy]
        found = refused(
            segments,
            event.frames,
            event.copy,
            acknowledged_between=any((s.acknowledgment - event.end) % MODULUS < HALF for s in between)
            or surroundings.acknowledged(
                number, 1 - direction, event.end, first + before, event.copy + before
            ),
            offloaded=surroundings.offloaded(
                number, direction, frozenset(frame + before for frame in frames)
            ),
            outside=stream.outside,
            sent=_sent(stream, surroundings, 1 - direction),
            syn_data_left=opening is not None
            and opening.frame in frames
            and surroundings.syn_data_left(number, direction, opening.sequence),
        )
        believed = {frame for frame in found if stream.sides[direction].copies.brought(frame)}
        if believed - stream.refused:
            if stream.rereadings < BOUNDS.rereadings:
                stream.refused |= found
                stream.read_again = True
            else:
                reached("rereadings")

    def read_again(self, stream: TcpStream) -> None:
        """Read a stream from its beginning, without the segments that the receiver did not take."""
        self._rereads = True
        while stream.read_again and stream.entries is not None:
            stream.read_again = False
            stream.rereadings += 1
            stream.conversation = self._converse(stream.number, stream.started_mid_stream)
            stream.sides = (Reassembler(0), Reassembler(1))
            stream.gaps = stream.closed = 0
            stream.skipped = DIRECTION_BITS if stream.late else 0
            stream.wanted, stream.reset, stream.after_reset = DIRECTION_BITS, None, ()
            self.begin(stream, self._flows.initial_sequences(stream.number, stream.first_time))
            for row, _, data in stream.entries:
                direction, flags, frame, _, _, _, length, missing, _ = row
                if frame in stream.refused:
                    continue
                if (length or missing) and stream.wanted >> direction & 1:
                    self.take(stream, row, data)
                if flags & CLOSING:
                    self.close(stream, row)
                stream.want(stream.conversation.wanted)
        stream.read_again = self._rereads = False

    def flush(self, stream: TcpStream) -> None:
        """Hand over all that waits: nothing more of the stream is read."""
        for side in stream.sides if stream.outside else ():
            heard = self._flows.heard(stream.number, 1 - side.direction)
            if heard is not None:
                side.heard(heard.acknowledgment, heard.window)
                side.forget(stream.outside)
        for side in stream.sides:
            self._events(stream, side.flush(stream.last_frame, stream.last_time))
        if stream.read_again:
            self.read_again(stream)
            for side in stream.sides:
                self._events(stream, side.flush(stream.last_frame, stream.last_time))
        self._judge_reset(stream)
        reset = stream.reset
        if reset is not None:
            for frame in stream.after_reset:
                self._note_ambiguous(stream, (reset.frame, frame))
            self._events(stream, [Close(reset.direction, reset.frame, reset.time, reset=True)])


def _sent(stream: TcpStream, surroundings: Surroundings, direction: int) -> int | None:
    """Return the sequence number that a direction had come to, where that is known."""
    side = stream.sides[direction]
    if stream.started_mid_stream or stream.gaps or not side.started or stream.skipped >> direction & 1:
        return None
    return surroundings.sent(stream.number, direction, side.next_sequence)


def _segment_of(entry: Entry) -> Segment:
    (direction, flags, frame, _, sequence, acknowledgment, _, missing, _), before, data = entry
    return Segment(direction, flags, frame, sequence, acknowledgment, missing, before, data)
