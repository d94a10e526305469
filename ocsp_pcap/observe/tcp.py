"""TCP: feeds the segments that can matter to the conversations they belong to.

The walk over packets stays in numpy: rows without payload and rows of directions in which nothing can
matter any more are dropped in bulk. Python runs over what is left, stream by stream, and stops as soon as a
stream is finished. The life of a stream, in the words of this module:

- **Wanted.** A byte a stream says what can matter from here on: a bit for each direction, as its
  conversation says after every segment. All streams begin with both. Of a batch only rows of wanted
  directions are looked at. What one side says may make the other side's bytes matter within the same batch
  (a ClientHello those of the server), so rows are taken in growing steps, and the choice is made anew
  between them.
- **Plain.** Most streams are in order, nothing sent twice, and over before the batch is: they are read at
  once (:mod:`ocsp_pcap.observe.plain`). The others get two reassemblers and go segment by segment.
- **Skipped.** A direction that was not wanted for a while (the body of a download) and is again: which
  bytes passed meanwhile nobody knows. It goes on wherever its next segment stands, and its conversation
  hears that a message at hand, if there is one, cannot be finished. That is no gap: the capture has those
  bytes.
- **Lingering.** Both sides have ended, by FIN or RST, and may yet want bytes: segments can be late, or be
  sent again. Such a stream is kept for ten seconds of the capture's time. An RST counts only where its
  receiver takes it; what follows shows it (:mod:`ocsp_pcap.observe.tcp_segments`).
- **Dozing.** What is spoken is not known, and bytes are not kept for it. Only a row that begins as TLS or
  HTTP does wakes the stream, whose earlier bytes then count as skipped.
- **Read again.** Copies of the same bytes differ, and only later does it show which one the receiver took:
  the entries of the stream are played once more without the others. Entries are kept within bounds; a
  stream that is longer keeps its answer, and the frames are named as ambiguous.
- **Finished.** Neither direction is wanted, or it lingered long enough, or a bound was reached (the stream
  that was silent longest goes first, and is counted). What it showed stays as a record without any bytes.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.decode.columns import TransportColumns
from ocsp_pcap.observe.checksums import ChecksumAudit
from ocsp_pcap.observe.dns_log import DNS_PORT, DnsLog
from ocsp_pcap.observe.plain import CARRIED, LIVE, PlainReader
from ocsp_pcap.observe.rows import Row, Segments
from ocsp_pcap.observe.tcp_rows import begins, telling
from ocsp_pcap.observe.tcp_segments import CLOSING, SegmentReader
from ocsp_pcap.observe.tcp_stream import DIRECTION_BITS, FinishedStream, Reset, TcpStream
from ocsp_pcap.spoken.conversation import Conversation
from ocsp_pcap.spoken.seen import Tunnel
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.streams.distinct import first_of_each
from ocsp_pcap.streams.flows import FlowTable
from ocsp_pcap.streams.joining import FlowMatch, Joined, StreamFiles
from ocsp_pcap.streams.plain import Ordered
from ocsp_pcap.streams.reassembly import Reassembler
from ocsp_pcap.streams.receiver import Surroundings

DOZING: Final = 32
"""An unknown protocol is spoken: only rows that begin as TLS or HTTP does can matter."""
LATE: Final = 64
"""Such a row came."""
FIRST_ROWS: Final = 16
"""Rows of a stream and batch that are taken at once; most streams are finished by then."""
LINGER: Final = 10 * 10**9
"""Nanoseconds that a closed stream is kept for: segments may still be on their way, or retransmitted."""
ENTRY_BYTES: Final = 512
"""What a row that is kept to be read again takes besides its payload."""


class TcpObserver:
    """All TCP streams of one capture."""

    def __init__(self, shared: Shared) -> None:
        self.flows = FlowTable()
        self.dns = DnsLog("tcp")
        self.finished: list[FinishedStream] = []
        """Streams that showed something and are over, or muted."""
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
        self._most_held = BOUNDS.compared_bytes
        self._checksums = ChecksumAudit()
        self._segments = SegmentReader(self.flows, self._conversation)
        self._plain = PlainReader(shared, self._checksums)
        self._any_dozes = False
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
        bears, wanted = telling(columns), self._wanted[stream]
        if unread is not None:
            bears &= unread
        choice = bears & ((wanted & DIRECTION_BITS) != 0)
        if self._any_dozes:
            choice |= self._woken(columns, stream, np.flatnonzero(bears & ((wanted & DOZING) != 0)))
        chosen = np.flatnonzero(choice)
        if len(chosen):
            self._segments.surroundings = Surroundings(columns, stream, direction)
            self._chosen(columns, Ordered.by_stream(chosen, stream[chosen], direction[chosen]))
            self._segments.surroundings = None
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
        for one in other.finished:
            one.number, one.frames_before = number[one.number], frames_before
            self._keep(one)
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
        plain = self._plain.read(columns, rows, self._wanted[number], self.flows)
        self.finished += plain.finished
        self._wanted[[stream.number for stream in plain.finished]] = 0
        self._wanted[number[plain.waiting]] = DIRECTION_BITS | LIVE | CARRIED
        self._wanted[number[plain.left]] &= 0xFF ^ CARRIED
        self._feed_all(plain.before.columns, plain.before.by_stream())
        self._feed_all(columns, rows.of(plain.left))

    def _feed_all(self, columns: TransportColumns, rows: Ordered) -> None:
        """Read rows segment by segment."""
        self._segments.disputed = columns.disputed
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
        """Go on with a stream that is not finished, in growing steps, without what it does not want."""
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
                self._segments.take(stream, row, data)
            elif not flags & CLOSING:
                continue
            elif stream.entries is not None:
                stream.entries.append((row, b"", b""))
            if flags & CLOSING:
                self._segments.close(stream, row)
            if stream.read_again:
                self._segments.read_again(stream)
                self._note_wanted(stream)
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
            number,
            self._conversation(number, mid_stream),
            sides,
            started_mid_stream=mid_stream,
            late=bool(self._wanted[number] & LATE),
        )
        self._segments.begin(stream, initial)
        if self.flows.has_port(number, DNS_PORT):
            # Its messages are kept as they come: they cannot be read again.
            stream.entries = None
        if stream.late:
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

    def _settle(self, stream: TcpStream, wanted: int) -> bool:
        """Note what the stream wants now; end it where that is nothing. Return whether it goes on."""
        if not wanted:
            self._end(stream)
            return False
        if stream.closed == DIRECTION_BITS and not stream.lingering:
            stream.lingering = True
            self._lingering.append(stream)
        if stream.want(wanted):
            self._note_wanted(stream)
        return True

    def _note_wanted(self, stream: TcpStream) -> None:
        self._wanted[stream.number] = LIVE | stream.wanted | (LATE if stream.late else 0)

    def _give_up(self, stream: TcpStream) -> None:
        """End a stream that may still want bytes."""
        self._segments.find_lost_tails(stream)
        self._end(stream)

    def _end(self, stream: TcpStream) -> None:
        self._segments.flush(stream)
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
            record = stream.finished()
            self._keep(record)
            if entries is not None:
                self._checksums.add(record, entries, stream.refused)

    def _keep(self, stream: FinishedStream) -> None:
        """Keep what a stream showed; of ClientHellos that nothing answers only so many."""
        if stream.ambiguous or not stream.spoken.is_unanswered or self._shared.has_room():
            self.finished.append(stream)


def _last_frame(stream: TcpStream) -> int:
    return stream.frames_before + stream.last_frame
