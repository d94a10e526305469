"""TCP: feeds the segments that can matter to the conversations they belong to.

The walk over packets stays in numpy: rows without payload and rows of directions in which nothing
can matter any more are dropped in bulk. Plain streams are read at once (:mod:`ocsp_pcap.observe.plain`); over
the rest Python runs segment by segment, stream by stream, and stops as soon as a stream has told all it can.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.decode.columns import ACK, EXTRA, FIN, RST, SYN, TransportColumns
from ocsp_pcap.decode.window import gather, layout
from ocsp_pcap.observe.checksums import ChecksumAudit
from ocsp_pcap.observe.dns_log import DNS_PORT, DnsLog
from ocsp_pcap.observe.plain import CARRIED, LIVE, PlainReader
from ocsp_pcap.observe.rows import Row, Segments
from ocsp_pcap.observe.tcp_stream import DIRECTION_BITS, Entry, Reset, TcpStream, ToldStream
from ocsp_pcap.spoken.conversation import Conversation
from ocsp_pcap.spoken.first_bytes import HELLO
from ocsp_pcap.spoken.seen import Tunnel
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.streams.distinct import first_of_each
from ocsp_pcap.streams.events import Close, CopiesDiffer, Data, Gap, StreamEvent
from ocsp_pcap.streams.flows import FlowTable
from ocsp_pcap.streams.headers import FAR, NEAR
from ocsp_pcap.streams.joining import FlowMatch, Joined, StreamFiles
from ocsp_pcap.streams.plain import Ordered
from ocsp_pcap.streams.reassembly import MODULUS, Reassembler
from ocsp_pcap.streams.receiver import Segment, Surroundings, refused
from ocsp_pcap.streams.windows import Heard

DOZING: Final = 32
"""An unknown protocol is spoken: only rows that begin as TLS or HTTP does can matter."""
LATE: Final = 64
"""Such a row came."""
FIRST_ROWS: Final = 16
"""Rows of a stream and batch that are taken at once; most streams are told by then."""
LINGER: Final = 10 * 10**9
"""Nanoseconds that a closed stream is kept for: segments may still be on their way, or retransmitted."""
CLOSING: Final = FIN | RST
URGENT: Final = 0x20
HALF: Final = 1 << 31
ENTRY_BYTES: Final = 512
"""What a row that is kept to be read again takes besides its payload."""

_HEAD: Final = layout(6, start=(">u4", 0), record=(">u2", 0), minor=("u1", 2), message=("u1", 5))
_HANDSHAKE_RECORD: Final = 0x1603
_NEXT_TO: Final = 512
"""Bytes between payloads that are searched with them rather than passed over."""
_HTTP_STARTS: Final = tuple(int.from_bytes(start) for start in (b"CONN", b"GET ", b"POST", b"HTTP"))


class TcpObserver:
    """All TCP streams of one capture."""

    def __init__(self, shared: Shared) -> None:
        self.flows = FlowTable()
        self.dns = DnsLog("tcp")
        self.finished: list[ToldStream] = []
        """Streams that told something and are over, or muted."""
        self.socks_frames: dict[int, int] = {}
        """Stream to the first frame that carried something through SOCKS."""
        self.gaps = 0
        """Places at which bytes are missing, of streams that mattered."""
        self.given_up = 0
        """Streams that were ended for the bound on memory."""
        self.files = StreamFiles()
        self._shared = shared
        self._wanted: NDArray[np.uint8] = np.full(1024, DIRECTION_BITS, np.uint8)
        self._streams: dict[int, TcpStream] = {}
        self._lingering: deque[TcpStream] = deque()
        self._held = 0
        """Bytes that the entries of all streams take."""
        self._waiting = 0
        """Bytes that wait in reassembly and parsers of all streams."""
        self._surroundings: Surroundings | None = None
        self._most_held = BOUNDS.compared_bytes
        self._checksums = ChecksumAudit()
        self._plain = PlainReader(shared, self._checksums)
        self._any_dozes = False
        self._disputed: Mapping[int, tuple[int, ...]] = {}
        """Frames of segments at hand whose IP fragments disagree, and the frames of these."""
        self._rereads = False
        """A stream is read again: what lay outside its windows is known."""
        self._tunnels: dict[int, Tunnel] = {}
        """Of dozing streams, what their bytes travel behind."""

    def begin_file(self) -> None:
        """Another file of the capture begins."""
        self.files.begin(len(self.flows))

    def receive(self, columns: TransportColumns) -> None:
        """Take one batch of segments."""
        before = len(self.flows)
        rows = self.flows.assign(columns)
        if not len(columns):
            return
        self.files.note(rows.stream, before)
        self._reserve()
        self._take(columns, rows.stream, rows.direction)

    def receive_again(
        self,
        columns: TransportColumns,
        stream: NDArray[np.int64],
        direction: NDArray[np.uint8],
        unread: NDArray[np.bool_],
    ) -> None:
        """Take those rows of a batch that nobody has read yet; all its streams are known already."""
        if unread.any():
            self.flows.assign(columns.of(np.flatnonzero(unread)))
            self._take(columns, stream, direction, unread)

    def _reserve(self) -> None:
        """Have room for what is wanted of each stream."""
        if len(self.flows) > len(self._wanted):
            grown = np.full(max(len(self.flows), 2 * len(self._wanted)), DIRECTION_BITS, np.uint8)
            grown[: len(self._wanted)] = self._wanted
            self._wanted = grown

    def _take(
        self,
        columns: TransportColumns,
        stream: NDArray[np.int64],
        direction: NDArray[np.uint8],
        unread: NDArray[np.bool_] | None = None,
    ) -> None:
        # What one side sends may make the other side's bytes matter that follow in this batch.
        told, wanted = telling(columns), self._wanted[stream]
        if unread is not None:
            told &= unread
        choice = told & ((wanted & DIRECTION_BITS) != 0)
        if self._any_dozes:
            choice |= self._woken(columns, stream, np.flatnonzero(told & ((wanted & DOZING) != 0)))
        chosen = np.flatnonzero(choice)
        if len(chosen):
            self._surroundings = Surroundings(columns, stream, direction)
            self._chosen(columns, Ordered.by_stream(chosen, stream[chosen], direction[chosen]))
            self._surroundings = None
        self._release(int(columns.time[-1]))
        self._checksums.run()

    def _woken(
        self, columns: TransportColumns, stream: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Wake those of dozing streams in which something begins; choose their rows from there on."""
        found = np.zeros(len(columns), np.bool_)
        beginnings = rows[begins(columns, rows)]
        if len(beginnings):
            first = beginnings[first_of_each(stream[beginnings])]
            woken = stream[first]
            at = np.minimum(np.searchsorted(woken, stream[rows]), len(woken) - 1)
            found[rows[(woken[at] == stream[rows]) & (rows >= first[at])]] = True
            self._wanted[woken] = DIRECTION_BITS | LATE
        return found

    def untouched(self, streams: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell of which streams nothing has come yet that could matter."""
        untouched: NDArray[np.bool_] = self._wanted[streams] == DIRECTION_BITS
        return untouched

    def unfinished(self, streams: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell of which streams more may matter."""
        unfinished: NDArray[np.bool_] = (self._wanted[streams] & (DIRECTION_BITS | DOZING)) != 0
        return unfinished

    def hand_over(self) -> None:
        """Make ready for :meth:`adopt`: what waits for the rest of a plain stream is read as it is."""
        self._read_carried()
        self._checksums.run()

    def adopt(
        self, other: TcpObserver, match: FlowMatch, read: NDArray[np.bool_], frames_before: int
    ) -> Joined:
        """Take over the streams of the files that follow, those that are still open, too.

        Args:
            other: observed those files and handed over; it is not to be used any more.
            match: which of its streams go on with streams that are known here.
            read: its streams that were read there.
            frames_before: frames of the files before.
        """
        joined = self.flows.join(other.flows, match, frames_before)
        number = joined.number.tolist()
        self.files.join(other.files, joined)
        self._reserve()
        self._wanted[joined.number[read]] = other._wanted[: len(number)][read]
        self._any_dozes |= other._any_dozes
        for stream in other._streams.values():
            stream.number, stream.frames_before = number[stream.number], frames_before
            self._streams[stream.number] = stream
        for told in other.finished:
            told.number, told.frames_before = number[told.number], frames_before
        self.finished += other.finished
        self._lingering += other._lingering
        self._tunnels |= {number[local]: tunnel for local, tunnel in other._tunnels.items()}
        self.socks_frames |= {number[s]: frame + frames_before for s, frame in other.socks_frames.items()}
        self.dns.adopt(other.dns, joined, frames_before)
        self._held += other._held
        self._waiting += other._waiting
        self.gaps += other.gaps
        self.given_up += other.given_up
        return joined

    def finish(self) -> None:
        """The capture is over: everything that is still open ends here."""
        self._read_carried()
        for stream in list(self._streams.values()):
            self._give_up(stream)
        self._checksums.run()

    def _release(self, now: int) -> None:
        """End streams that were closed a while ago, and the idle ones where there are too many."""
        if self._plain.full or len(self._streams) + self._plain.streams > BOUNDS.open_streams:
            self._read_carried()
        lingering = self._lingering
        while lingering and (
            len(lingering) > BOUNDS.lingering_streams or lingering[0].last_time + LINGER < now
        ):
            stream = lingering.popleft()
            if self._streams.get(stream.number) is stream:
                self._give_up(stream)
        if self._held > BOUNDS.all_compared_bytes:
            self._forget_oldest()
        self._end_idle()
        if self._waiting > BOUNDS.all_waiting_bytes:
            for stream in sorted(self._streams.values(), key=_last_frame):
                if self._waiting <= BOUNDS.all_waiting_bytes * 3 // 4:
                    break
                if stream.waiting:
                    reached("all_waiting_bytes")
                    self._give_up(stream)

    def _end_idle(self) -> None:
        """End the streams that were silent longest where too many are open."""
        if len(self._streams) > BOUNDS.open_streams:
            idle = sorted(self._streams.values(), key=_last_frame)
            surplus = idle[: len(idle) - BOUNDS.open_streams * 3 // 4]
            self.given_up += len(surplus)
            for stream in surplus:
                self._give_up(stream)

    def _chosen(self, columns: TransportColumns, rows: Ordered) -> None:
        """Read rows of a batch, stream by stream; plain streams at once."""
        number = rows.stream[rows.start]
        told = self._plain.read(columns, rows, self._wanted[number], self.flows)
        self.finished += told.told
        self._wanted[[stream.number for stream in told.told]] = 0
        self._wanted[number[told.waiting]] = DIRECTION_BITS | LIVE | CARRIED
        self._wanted[number[told.left]] &= 0xFF ^ CARRIED
        self._feed_all(told.before.columns, told.before.by_stream())
        self._feed_all(columns, rows.of(told.left))

    def _feed_all(self, columns: TransportColumns, rows: Ordered) -> None:
        """Read rows segment by segment."""
        self._disputed = columns.disputed
        if not len(rows.start):
            return
        chosen, stream, direction, starts, ends = rows
        first, _ = rows.first(FIRST_ROWS)
        segments = Segments(columns, chosen[first], direction[first])
        position = 0
        for number, start, end in zip(stream[starts].tolist(), starts.tolist(), ends.tolist(), strict=True):
            count = min(end - start, FIRST_ROWS)
            taken = self._feed(number, segments, position, position + count)
            position += count
            if self._wanted[number] & DOZING:
                self._rest(number, columns, chosen, direction, start + taken, end)
            elif end - start > FIRST_ROWS:
                self._rest(number, columns, chosen, direction, start + FIRST_ROWS, end)
            open_stream = self._streams.get(number)
            if open_stream is not None:
                self._count_waiting(open_stream)
                # Those with a lower number have had their rows: a batch may open many.
                self._end_idle()

    def _read_carried(self) -> None:
        """Read segment by segment what was carried over from earlier batches."""
        rows = self._plain.take_carried()
        self._wanted[rows.stream] &= 0xFF ^ CARRIED
        self._feed_all(rows.columns, rows.by_stream())

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
        beginnings: NDArray[np.int64] | None = None
        while start < end:
            wanted = int(self._wanted[number]) & DIRECTION_BITS
            if not wanted:
                if not self._wanted[number] & DOZING:
                    return
                if beginnings is None:
                    beginnings = start + np.flatnonzero(begins(columns, chosen[start:end]))
                index = int(np.searchsorted(beginnings, start))
                if index == len(beginnings):
                    return
                start = int(beginnings[index])
                self._wanted[number] = DIRECTION_BITS | LATE
                wanted, step = DIRECTION_BITS, FIRST_ROWS
            if wanted != DIRECTION_BITS:
                # Until something of the wanted side comes, or an end, rows cannot matter.
                side = 0 if wanted == 1 else 1
                closing = (columns.flags[chosen[start:end]] & CLOSING) != 0
                ahead = np.flatnonzero((direction[start:end] == side) | closing)
                if not len(ahead):
                    return
                start += int(ahead[0])
            stop = min(end, start + step)
            segments = Segments(columns, chosen[start:stop], direction[start:stop])
            taken = self._feed(number, segments, 0, stop - start, early=wanted == DIRECTION_BITS)
            start += taken
            step = min(step * 2, 256)

    def _feed(self, number: int, segments: Segments, start: int, stop: int, *, early: bool = False) -> int:
        """Hand rows to a stream; return how many were taken.

        ``early``: stop when it loses interest in a side.
        """
        stream = self._streams.get(number)
        rows = segments.rows[start:stop]
        for taken, row in enumerate(rows if stream is None else stream.counted(rows), 1):
            direction, flags, _, time, _, _, length, missing, offset = row
            if stream is None:
                if not (length or missing) or not self._wanted[number] & DIRECTION_BITS:
                    continue
                stream = self._open(number, row)
            elif stream.lingering and time > stream.last_time + LINGER:
                self._give_up(stream)
                return stop - start
            if (length or missing) and stream.wanted >> direction & 1:
                data, before = segments.payload(offset, length)
                if stream.entries is not None:
                    stream.entries.append((row, before, data))
                size = length + ENTRY_BYTES
                self._held += size
                stream.size += size
                if stream.size > self._most_held:
                    self._trim(stream)
                self._segment(stream, row, data)
            elif not flags & CLOSING:
                continue
            elif stream.entries is not None:
                stream.entries.append((row, b"", b""))
            if flags & CLOSING:
                self._close(stream, row)
            if stream.read_again:
                self._read_again(stream)
            wanted = stream.conversation.wanted
            if (wanted != stream.wanted or stream.closed) and not self._settle(stream, wanted):
                return taken
            if early and wanted != DIRECTION_BITS:
                return taken
        return stop - start

    def _open(self, number: int, row: Row) -> TcpStream:
        sides = (Reassembler(0), Reassembler(1))
        initial = self.flows.initial_sequences(number)
        mid_stream = initial == [None, None]
        stream = TcpStream(
            number, self._conversation(number, mid_stream), sides, started_mid_stream=mid_stream
        )
        self._begin(stream, initial)
        if self.flows.has_port(number, DNS_PORT):
            # Its messages are kept as they come: they cannot be read again.
            stream.entries = None
        if self._wanted[number] & LATE:
            stream.skipped = DIRECTION_BITS
        reset = self.flows.reset(number)
        if reset is not None and reset[0] < row[2]:
            stream.reset = Reset(reset[1], reset[0], row[3], sides[reset[1]].next_sequence)
        self._streams[number] = stream
        self._wanted[number] |= LIVE
        return stream

    def _conversation(self, number: int, mid_stream: bool) -> Conversation:
        keep = self.dns.keeper(number) if self.flows.has_port(number, DNS_PORT) else None
        return Conversation(
            self._shared,
            keep_dns=keep,
            mid_stream=mid_stream,
            late=bool(self._wanted[number] & LATE),
            tunnel=self._tunnels.get(number),
        )

    def _begin(self, stream: TcpStream, initial: list[int | None]) -> None:
        """Tell both sides where their bytes begin."""
        told: list[int | None] | None = None
        for side, first in zip(stream.sides, initial, strict=True):
            if first is not None:
                side.start(first + 1)
                continue
            if told is None:
                told = self.flows.first_numbers(stream.number)
            number = told[side.direction]
            if number is not None:
                side.assume(number)

    def _count_waiting(self, stream: TcpStream) -> None:
        """Count anew what waits in a stream."""
        client, server = stream.sides
        waiting = client.held + server.held + stream.conversation.held
        self._waiting += waiting - stream.waiting
        stream.waiting = waiting

    def _trim(self, stream: TcpStream) -> None:
        """Keep of a long stream only its last bytes, to compare them: it cannot be read again."""
        stream.entries = None
        for side in stream.sides:
            side.copies.trim()
        self._held -= stream.size // 2
        stream.size -= stream.size // 2

    def _forget(self, stream: TcpStream) -> None:
        """Keep nothing of what was read of a stream."""
        self._held -= stream.size
        stream.entries, stream.size = None, 0
        for side in stream.sides:
            side.copies.clear()

    def _forget_oldest(self) -> None:
        reached("all_compared_bytes")
        for stream in self._streams.values():
            self._forget(stream)
            if self._held < BOUNDS.all_compared_bytes * 3 // 4:
                return

    def _segment(self, stream: TcpStream, row: Row, data: bytes) -> None:
        direction, flags, frame, time, sequence, acknowledgment, length, missing, _ = row
        side, other = stream.sides[direction], stream.sides[1 - direction]
        if flags & SYN:
            sequence = (sequence + 1) % MODULUS
        if self._disputed:
            frames = self._disputed.get(frame + stream.frames_before, ())
            if frames:
                self._note_ambiguous(stream, tuple(each - stream.frames_before for each in frames))
        if flags & URGENT:
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
        heard = self.flows.heard(stream.number, 1 - side.direction)
        if heard is None:
            return
        side.heard(heard.acknowledgment, heard.window)
        if self._rereads:
            return
        before = self._heard_before(stream, 1 - side.direction, frame)
        if (
            before is not None
            and before.outside(sequence, FAR, behind=HALF)
            and len(stream.outside) < BOUNDS.hole_segments
        ):
            stream.outside |= {frame}

    def _heard_before(self, stream: TcpStream, direction: int, frame: int) -> Heard | None:
        """Return what a direction had acknowledged before a frame."""
        surroundings, number = self._surroundings, stream.number
        found = None
        if surroundings is not None:
            found = surroundings.heard(number, direction, frame + stream.frames_before)
        if found is None:
            found = self.flows.heard_before(number, direction)
        return None if found is None else self.flows.with_window(number, direction, found)

    def _close(self, stream: TcpStream, row: Row) -> None:
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
        """Judge an RST after which its sender sent more: its receiver's acknowledgment tells."""
        reset = stream.reset
        assert reset is not None
        if not 0 < (end - reset.sent) % MODULUS < HALF:
            return
        acknowledged = self.flows.last_acknowledgment(stream.number, 1 - reset.direction)
        if acknowledged is not None and 0 < (acknowledged - reset.sent) % MODULUS < HALF:
            stream.reset = None
            stream.closed = 0
        else:
            self._note_ambiguous(stream, (reset.frame, frame))

    def _find_lost_tails(self, stream: TcpStream) -> None:
        """Find bytes that their receiver acknowledged, and that no later ones show to be missing."""
        for side in stream.sides:
            if stream.skipped >> side.direction & 1:
                continue
            acknowledged = self.flows.last_acknowledgment(stream.number, 1 - side.direction)
            if acknowledged is not None:
                heard = self.flows.heard(stream.number, 1 - side.direction)
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
        entries, surroundings = stream.entries, self._surroundings
        if entries is None or surroundings is None or event.copy in stream.judged:
            return
        if len(stream.judged) >= BOUNDS.ambiguous_frames:
            return
        stream.judged |= {event.copy}
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

    def _read_again(self, stream: TcpStream) -> None:
        """Read a stream from its beginning, without the segments that the receiver did not take."""
        self._rereads = True
        while stream.read_again and stream.entries is not None:
            stream.read_again = False
            stream.rereadings += 1
            stream.conversation = self._conversation(stream.number, stream.started_mid_stream)
            stream.sides = (Reassembler(0), Reassembler(1))
            stream.gaps = stream.closed = 0
            stream.skipped = DIRECTION_BITS if self._wanted[stream.number] & LATE else 0
            stream.wanted, stream.reset = DIRECTION_BITS, None
            self._begin(stream, self.flows.initial_sequences(stream.number))
            for row, _, data in stream.entries:
                direction, flags, frame, _, _, _, length, missing, _ = row
                if frame in stream.refused:
                    continue
                if (length or missing) and stream.wanted >> direction & 1:
                    self._segment(stream, row, data)
                if flags & CLOSING:
                    self._close(stream, row)
                self._note_wanted(stream, stream.conversation.wanted)
        stream.read_again = self._rereads = False

    def _settle(self, stream: TcpStream, wanted: int) -> bool:
        """Note what the stream wants now; end it where that is nothing. Return whether it goes on."""
        if not wanted:
            self._end(stream)
            return False
        if stream.closed == DIRECTION_BITS and not stream.lingering:
            stream.lingering = True
            self._lingering.append(stream)
        self._note_wanted(stream, wanted)
        return True

    def _note_wanted(self, stream: TcpStream, wanted: int) -> None:
        if wanted != stream.wanted:
            stream.skipped |= ~wanted & DIRECTION_BITS
            stream.wanted = wanted
            self._wanted[stream.number] = LIVE | wanted | (int(self._wanted[stream.number]) & LATE)

    def _give_up(self, stream: TcpStream) -> None:
        """End a stream that may still want bytes."""
        self._find_lost_tails(stream)
        self._end(stream)

    def _end(self, stream: TcpStream) -> None:
        for side in stream.sides if stream.outside else ():
            heard = self.flows.heard(stream.number, 1 - side.direction)
            if heard is not None:
                side.heard(heard.acknowledgment, heard.window)
                side.forget(stream.outside)
        for side in stream.sides:
            self._events(stream, side.flush(stream.last_frame, stream.last_time))
        if stream.read_again:
            self._read_again(stream)
            for side in stream.sides:
                self._events(stream, side.flush(stream.last_frame, stream.last_time))
        reset = stream.reset
        if reset is not None:
            self._events(stream, [Close(reset.direction, reset.frame, reset.time, reset=True)])
        conversation = stream.conversation
        conversation.finish(stream.last_frame, stream.last_time)
        entries = stream.entries
        self._forget(stream)
        self._waiting -= stream.waiting
        stream.waiting = 0
        stream.sides = ()
        self.gaps += stream.gaps
        del self._streams[stream.number]
        self._wanted[stream.number] = DOZING if conversation.dozing else 0
        self._any_dozes |= conversation.dozing
        if conversation.dozing and conversation.tunnel is not None:
            self._tunnels[stream.number] = conversation.tunnel
        if conversation.socks_payload_frame is not None:
            self.socks_frames[stream.number] = conversation.socks_payload_frame + stream.frames_before
        if conversation.tracker is not None or conversation.exchanges or stream.ambiguous:
            told = stream.told()
            if stream.ambiguous or not told.spoken.is_unanswered or self._shared.has_room():
                self.finished.append(told)
            if entries is not None:
                self._checksums.add(told, entries, stream.refused)


def _last_frame(stream: TcpStream) -> int:
    return stream.frames_before + stream.last_frame


def _segment_of(entry: Entry) -> Segment:
    (direction, flags, frame, _, sequence, acknowledgment, _, missing, _), before, data = entry
    return Segment(direction, flags, frame, sequence, acknowledgment, missing, before, data)


def telling(columns: TransportColumns) -> NDArray[np.bool_]:
    """Choose the rows that bring payload, or an end."""
    found: NDArray[np.bool_] = columns.payload_length > 0
    found |= columns.payload_missing > 0
    found |= (columns.flags & CLOSING) != 0
    found &= ~columns.in_error
    return found


def begins(columns: TransportColumns, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which rows begin as a TLS hello or an HTTP message does, or hold a TLS hello further on.

    Payload that does not lie in the block in one piece is not looked at: it may.
    """
    at = columns.payload_offset[rows]
    elsewhere = at >= EXTRA
    heads = gather(columns.buffer, np.where(elsewhere, 0, at), _HEAD)
    found: NDArray[np.bool_] = (
        (heads["record"] == _HANDSHAKE_RECORD)
        & (heads["minor"] <= 4)
        & ((heads["message"] == 1) | (heads["message"] == 2))
        & (columns.payload_length[rows] > 5)
    )
    for start in _HTTP_STARTS:
        found |= heads["start"] == start
    found |= _holds_hello(columns, rows[~elsewhere], at[~elsewhere])[np.cumsum(~elsewhere) - 1] & ~elsewhere
    return found | elsewhere


def _holds_hello(
    columns: TransportColumns, rows: NDArray[np.int64], at: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Tell which rows hold a TLS hello anywhere; what lies between rows close by is searched, too."""
    found = np.zeros(max(len(rows), 1), np.bool_)
    if not len(rows):
        return found
    length = columns.payload_length[rows]
    memory = columns.buffer.data
    order = np.argsort(at, kind="stable")
    begin, end = at[order], (at + length)[order]
    apart = np.flatnonzero(begin[1:] - end[:-1] > _NEXT_TO) + 1
    for first, last in zip(np.r_[0, apart].tolist(), np.r_[apart, len(rows)].tolist(), strict=True):
        for hello in HELLO.finditer(memory, int(begin[first]), int(end[last - 1])):
            place = int(np.searchsorted(begin, hello.start(), "right")) - 1
            found[order[place]] |= hello.end() <= end[place]
    return found
