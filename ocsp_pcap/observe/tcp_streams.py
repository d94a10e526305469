"""The streams that are read segment by segment, from the first row of each to its end.

The life of such a stream, in the words of this module:

- **Skipped.** A direction that was not wanted for a while (the body of a download) and is again: which
  bytes passed meanwhile nobody knows. It goes on wherever its next segment stands, and its conversation
  hears that a message at hand, if there is one, cannot be finished. That is no gap: the capture has those
  bytes.
- **Lingering.** Both sides have ended, by FIN or RST, and may yet want bytes: segments can be late, or be
  sent again. Such a stream is kept for ten seconds of the capture's time. An RST counts only where its
  receiver takes it; what follows shows it (:mod:`ocsp_pcap.observe.tcp_segments`).
- **Read again.** Copies of the same bytes differ, and only later does it show which one the receiver took:
  the entries of the stream are played once more without the others. Entries are kept within bounds; a
  stream that is longer keeps its answer, and the frames are named as ambiguous. Where all streams together
  are too long, the oldest keep none: that bound counts as reached where a copy of what was dropped comes,
  or where the stream showed something.
- **Finished.** Neither direction is wanted, or it lingered long enough, or too many are open (closed ones
  go first, then those that were silent longest). What it showed stays as a record without any bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.observe.checksums import ChecksumAudit
from ocsp_pcap.observe.dns_log import DNS_PORT, DnsLog
from ocsp_pcap.observe.finished import FinishedStream, FinishedStreams
from ocsp_pcap.observe.rows import Row, Segments
from ocsp_pcap.observe.tcp_segments import CLOSING, SegmentReader
from ocsp_pcap.observe.tcp_stream import DIRECTION_BITS, Reset, TcpStream
from ocsp_pcap.observe.wanted import DOZING, ENDED_EARLY, LATE, LIVE
from ocsp_pcap.spoken.conversation import Conversation
from ocsp_pcap.spoken.seen import Tunnel
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.streams.distinct import distinct
from ocsp_pcap.streams.flows import FlowTable
from ocsp_pcap.streams.reassembly import Reassembler

LINGER: Final = 10 * 10**9
"""Nanoseconds that a closed stream is kept for: segments may still be on their way, or retransmitted."""
ENTRY_BYTES: Final = 512
"""What a row that is kept to be read again takes besides its payload."""


class TcpStreams:
    """The streams that are open, and what those showed that are over."""

    def __init__(self, shared: Shared, flows: FlowTable, dns: DnsLog, checksums: ChecksumAudit) -> None:
        """``flows`` numbers the streams; ``checksums`` looks at those that are over."""
        self.finished = FinishedStreams()
        self.socks_frames: dict[int, int] = {}
        """Stream to the first frame that carried something through SOCKS."""
        self.gaps: dict[int, int] = {}
        """Places at which bytes are missing, by stream, of streams that mattered."""
        self.wanted: NDArray[np.uint8] = np.full(1024, DIRECTION_BITS, np.uint8)
        """What is wanted of each stream from here on: bits of :mod:`ocsp_pcap.observe.wanted`."""
        self.any_doze = self.any_ended_early = False
        self.segments = SegmentReader(flows, self._conversation)
        self._shared = shared
        self._flows = flows
        self._dns = dns
        self._checksums = checksums
        self._streams: dict[int, TcpStream] = {}
        self._lingering: deque[TcpStream] = deque()
        self._held = 0
        """Bytes that the entries of all streams take."""
        self._waiting = 0
        """Bytes that wait in reassembly and parsers of all streams."""
        self._most_held = BOUNDS.compared_bytes
        self._tunnels: dict[int, Tunnel] = {}
        """Of dozing streams, what their bytes travel behind."""

    def __len__(self) -> int:
        """Return how many streams are open."""
        return len(self._streams)

    def reserve(self, streams: int) -> None:
        """Have room for what is wanted of each stream."""
        if streams > len(self.wanted):
            grown = np.full(max(streams, 2 * len(self.wanted)), DIRECTION_BITS, np.uint8)
            grown[: len(self.wanted)] = self.wanted
            self.wanted = grown

    def feed(self, number: int, segments: Segments, start: int, stop: int, *, early: bool = False) -> int:
        """Hand rows to a stream; return how many were taken.

        ``early``: stop when it loses interest in a side.
        """
        stream = self._streams.get(number)
        rows = segments.rows[start:stop]
        for taken, row in enumerate(rows if stream is None else stream.counted(rows), 1):
            direction, flags, _, time, _, _, length, missing, offset = row
            if stream is None:
                if not (length or missing) or not self.wanted[number] & DIRECTION_BITS:
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
                self.segments.take(stream, row, data)
            elif not flags & CLOSING:
                continue
            elif stream.entries is not None:
                stream.entries.append((row, b"", b""))
            if flags & CLOSING:
                self.segments.close(stream, row)
            if stream.read_again:
                self.segments.read_again(stream)
                self._note_wanted(stream)
            wanted = stream.conversation.wanted
            if (wanted != stream.wanted or stream.closed) and not self._settle(stream, wanted):
                return taken
            if early and wanted != DIRECTION_BITS:
                return taken
        return stop - start

    def have_had_rows(self, number: int) -> None:
        """The rows that a batch has of a stream were all handed to it."""
        stream = self._streams.get(number)
        if stream is not None:
            self._count_waiting(stream)
            # Those with a lower number have had their rows: a batch may open many.
            self._end_idle()

    def note_passed_over(self, streams: NDArray[np.int64]) -> None:
        """Count streams that were ended for the bound on them, and now go on."""
        cut = distinct(streams)
        reached("open_streams", len(cut))
        self.wanted[cut] &= 0xFF ^ ENDED_EARLY

    def release(self, now: int) -> None:
        """End streams that were closed a while ago, and the idle ones where there are too many."""
        lingering = self._lingering
        while lingering and lingering[0].last_time + LINGER < now:
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

    def adopt(self, other: TcpStreams, number: Mapping[int, int], frames_before: int) -> None:
        """Take over streams of the files that follow.

        Args:
            other: read those files; it is not to be used any more.
            number: the numbers that those of its streams have here which are taken over.
            frames_before: frames of the files before.
        """
        self.any_doze |= other.any_doze
        self.any_ended_early |= other.any_ended_early
        self._lingering += (each for each in other._lingering if each.number in number)
        for stream in other._streams.values():
            if stream.number in number:
                stream.number, stream.frames_before = number[stream.number], frames_before
                self._streams[stream.number] = stream
                self._held += stream.size
                self._waiting += stream.waiting
        for one in self.finished.adopt(other.finished, number, frames_before):
            self._keep(one)
        self._tunnels |= {number[each]: way for each, way in other._tunnels.items() if each in number}
        self.gaps |= {number[each]: gaps for each, gaps in other.gaps.items() if each in number}
        self.socks_frames |= {
            number[each]: frame + frames_before
            for each, frame in other.socks_frames.items()
            if each in number
        }

    def finish(self) -> None:
        """The capture is over: everything that is still open ends here."""
        for stream in list(self._streams.values()):
            self._give_up(stream)

    def _open(self, number: int, row: Row) -> TcpStream:
        sides = (Reassembler(0), Reassembler(1))
        initial = self._flows.initial_sequences(number, row[3])
        mid_stream = initial == [None, None]
        stream = TcpStream(
            number,
            self._conversation(number, mid_stream),
            sides,
            row[3],
            started_mid_stream=mid_stream,
            late=bool(self.wanted[number] & LATE),
        )
        self.segments.begin(stream, initial)
        if self._flows.has_port(number, DNS_PORT):
            # Its messages are kept as they come: they cannot be read again.
            stream.entries = None
        if stream.late:
            stream.skipped = DIRECTION_BITS
        reset = self._flows.reset(number)
        if reset is not None and reset[0] < row[2]:
            stream.reset = Reset(reset[1], reset[0], row[3], sides[reset[1]].next_sequence)
        self._streams[number] = stream
        self.wanted[number] |= LIVE
        return stream

    def _conversation(self, number: int, mid_stream: bool) -> Conversation:
        keep = self._dns.keeper(number) if self._flows.has_port(number, DNS_PORT) else None
        return Conversation(
            self._shared,
            keep_dns=keep,
            mid_stream=mid_stream,
            late=bool(self.wanted[number] & LATE),
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
            side.copies.forget()

    def _forget_oldest(self) -> None:
        for stream in self._streams.values():
            stream.forgotten |= stream.size > 0
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
        self.wanted[stream.number] = LIVE | stream.wanted | (LATE if stream.late else 0)

    def _give_up(self, stream: TcpStream) -> None:
        """End a stream that may still want bytes."""
        self.segments.find_lost_tails(stream)
        self._end(stream)

    def _end(self, stream: TcpStream) -> None:
        self.segments.flush(stream)
        conversation = stream.conversation
        conversation.finish(stream.last_frame, stream.last_time)
        entries = stream.entries
        self._forget(stream)
        self._waiting -= stream.waiting
        stream.waiting = 0
        stream.sides = ()
        if stream.gaps:
            self.gaps[stream.number] = self.gaps.get(stream.number, 0) + stream.gaps
        del self._streams[stream.number]
        self.wanted[stream.number] = DOZING if conversation.dozing else 0
        self.any_doze |= conversation.dozing
        if conversation.dozing and conversation.tunnel is not None:
            self._tunnels[stream.number] = conversation.tunnel
        if conversation.socks_payload_frame is not None:
            self.socks_frames[stream.number] = conversation.socks_payload_frame + stream.frames_before
        if conversation.tracker is not None or conversation.exchanges or stream.ambiguous:
            if stream.forgotten:
                reached("all_compared_bytes")
            record = stream.finished()
            self._keep(record)
            if entries is not None:
                self._checksums.add(record, entries, stream.refused)

    def _end_idle(self) -> None:
        """Where too many streams are open, end those that are closed, then those that were silent longest."""
        if len(self._streams) > BOUNDS.open_streams:
            idle = sorted(self._streams.values(), key=lambda each: (not each.lingering, _last_frame(each)))
            self.any_ended_early = True
            for stream in idle[: len(idle) - BOUNDS.open_streams * 3 // 4]:
                self._give_up(stream)
                self.wanted[stream.number] = self.wanted[stream.number] or ENDED_EARLY

    def _keep(self, stream: FinishedStream) -> None:
        """Keep what a stream showed; of ClientHellos that nothing answers only so many."""
        if stream.ambiguous or not stream.spoken.is_unanswered or self._shared.has_room():
            self.finished.add(stream)


def _last_frame(stream: TcpStream) -> int:
    return stream.frames_before + stream.last_frame
