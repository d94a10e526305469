"""TCP: feeds the segments that can matter to the conversations they belong to.

The walk over packets stays in numpy: rows without payload and rows of directions in which nothing can
matter any more are dropped in bulk. Python runs over what is left, stream by stream, and stops as soon as a
stream is finished. A stream is:

- **Wanted.** A byte a stream says what can matter from here on: a bit for each direction, as its
  conversation says after every segment. All streams begin with both. Of a batch only rows of wanted
  directions are looked at. What one side says may make the other side's bytes matter within the same batch
  (a ClientHello those of the server), so rows are taken in growing steps, and the choice is made anew
  between them.
- **Plain.** Most streams are in order, nothing sent twice, and over before the batch is: they are read at
  once (:mod:`ocsp_pcap.observe.plain`). The others go segment by segment
  (:mod:`ocsp_pcap.observe.tcp_streams`).
- **Dozing.** What is spoken is not known, and bytes are not kept for it. Only a row that begins as TLS or
  HTTP does wakes the stream, whose earlier bytes then count as skipped.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.decode.columns import TransportColumns
from ocsp_pcap.observe.checksums import ChecksumAudit
from ocsp_pcap.observe.dns_log import DnsLog
from ocsp_pcap.observe.plain import PlainReader
from ocsp_pcap.observe.rows import Segments
from ocsp_pcap.observe.tcp_rows import begins, telling
from ocsp_pcap.observe.tcp_segments import CLOSING
from ocsp_pcap.observe.tcp_stream import DIRECTION_BITS
from ocsp_pcap.observe.tcp_streams import TcpStreams
from ocsp_pcap.observe.wanted import CARRIED, DOZING, ENDED_EARLY, LATE, LIVE
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.streams.distinct import first_of_each
from ocsp_pcap.streams.flows import FlowTable
from ocsp_pcap.streams.joining import FlowMatch, StreamFiles
from ocsp_pcap.streams.plain import Ordered
from ocsp_pcap.streams.receiver import Surroundings

FIRST_ROWS: Final = 16
"""Rows of a stream and batch that are taken at once; most streams are finished by then."""


class TcpObserver:
    """All TCP streams of one capture."""

    def __init__(self, shared: Shared) -> None:
        self.flows = FlowTable()
        self.dns = DnsLog("tcp")
        self.files = StreamFiles()
        self._checksums = ChecksumAudit()
        self.streams = TcpStreams(shared, self.flows, self.dns, self._checksums)
        self._plain = PlainReader(shared, self._checksums)

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
        self.streams.reserve(len(self.flows))
        self._take(columns, rows.stream, rows.direction)

    def receive_own(self, columns: TransportColumns, own: NDArray[np.bool_]) -> None:
        """Take a batch that a worker reads, too: only some of its streams are read here.

        ``own`` says which, of all streams that are known or begin in it.
        """
        rows = self.flows.assign(columns)
        if len(columns):
            self._take(columns, rows.stream, rows.direction, own[rows.stream])

    def _take(
        self,
        columns: TransportColumns,
        stream: NDArray[np.int64],
        direction: NDArray[np.uint8],
        mine: NDArray[np.bool_] | None = None,
    ) -> None:
        # What one side sends may make the other side's bytes matter that follow in this batch.
        bears, wanted = telling(columns), self.streams.wanted[stream]
        if mine is not None:
            bears &= mine
        choice = bears & ((wanted & DIRECTION_BITS) != 0)
        if self.streams.any_doze:
            choice |= self._woken(columns, stream, np.flatnonzero(bears & ((wanted & DOZING) != 0)))
        if self.streams.any_ended_early:
            late = ((wanted & ENDED_EARLY) != 0) & (columns.payload_length + columns.payload_missing > 0)
            if late.any():
                self.streams.note_passed_over(stream[late])
        chosen = np.flatnonzero(choice)
        if len(chosen):
            self.streams.segments.surroundings = Surroundings(columns, stream, direction)
            self._chosen(columns, Ordered.by_stream(chosen, stream[chosen], direction[chosen]))
            self.streams.segments.surroundings = None
        if self._plain.full or len(self.streams) + self._plain.streams > BOUNDS.open_streams:
            self._read_carried()
        self.streams.release(int(columns.time[-1]))
        self._settle()

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
            self.streams.wanted[woken] = DIRECTION_BITS | LATE
        return found

    def unfinished(self, streams: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell of which streams more may matter."""
        more = DIRECTION_BITS | DOZING | ENDED_EARLY
        unfinished: NDArray[np.bool_] = (self.streams.wanted[streams] & more) != 0
        return unfinished

    def hand_over(self) -> None:
        """Make ready for :meth:`adopt`: what waits for the rest of a plain stream is read as it is."""
        self._read_carried()
        self._settle()
        # What it remembers of connections, to read others sooner, need not go to another process.
        del self._plain

    def adopt(
        self, other: TcpObserver, match: FlowMatch, taken: NDArray[np.bool_], frames_before: int
    ) -> None:
        """Take over streams of the files that follow, those that are still open, too.

        Args:
            other: observed those files and handed over; it is not to be used any more.
            match: which of its streams go on with streams that are known here.
            taken: which of its streams are taken over; the others were read here.
            frames_before: frames of the files before.
        """
        joined = self.flows.join(other.flows, match, frames_before)
        self.files.join(other.files, joined)
        self.streams.reserve(len(self.flows))
        number = dict(zip(np.flatnonzero(taken).tolist(), joined.number[taken].tolist(), strict=True))
        self.streams.wanted[joined.number[taken]] = other.streams.wanted[: len(taken)][taken]
        self.streams.adopt(other.streams, number, frames_before)
        self.dns.adopt(other.dns, joined, frames_before, taken)

    def finish(self) -> None:
        """The capture is over: everything that is still open ends here."""
        self._read_carried()
        self.streams.finish()
        self._settle()

    def _settle(self) -> None:
        """Note what checksums say of the streams that are over by now, and have them take less memory."""
        self._checksums.run()
        self.streams.finished.pack()

    def _chosen(self, columns: TransportColumns, rows: Ordered) -> None:
        """Read rows of a batch, stream by stream; plain streams at once."""
        number = rows.stream[rows.start]
        plain = self._plain.read(columns, rows, self.streams.wanted[number], self.flows)
        self.streams.finished.add(*plain.finished)
        self.streams.wanted[[stream.number for stream in plain.finished]] = 0
        self.streams.wanted[number[plain.waiting]] = DIRECTION_BITS | LIVE | CARRIED
        self.streams.wanted[number[plain.left]] &= 0xFF ^ CARRIED
        self._feed_all(plain.before.columns, plain.before.by_stream())
        self._feed_all(columns, rows.of(plain.left))

    def _feed_all(self, columns: TransportColumns, rows: Ordered) -> None:
        """Read rows segment by segment."""
        self.streams.segments.disputed = columns.disputed
        if not len(rows.start):
            return
        chosen, stream, direction, starts, ends = rows
        first, _ = rows.first(FIRST_ROWS)
        segments = Segments(columns, chosen[first], direction[first])
        position = 0
        for number, start, end in zip(stream[starts].tolist(), starts.tolist(), ends.tolist(), strict=True):
            count = min(end - start, FIRST_ROWS)
            taken = self.streams.feed(number, segments, position, position + count)
            position += count
            if self.streams.wanted[number] & DOZING:
                self._rest(number, columns, chosen, direction, start + taken, end)
            elif end - start > FIRST_ROWS:
                self._rest(number, columns, chosen, direction, start + FIRST_ROWS, end)
            self.streams.have_had_rows(number)

    def _read_carried(self) -> None:
        """Read segment by segment what was carried over from earlier batches."""
        rows = self._plain.take_carried()
        self.streams.wanted[rows.stream] &= 0xFF ^ CARRIED
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
            wanted = int(self.streams.wanted[number]) & DIRECTION_BITS
            if not wanted:
                if not self.streams.wanted[number] & DOZING:
                    return
                if beginnings is None:
                    beginnings = start + np.flatnonzero(begins(columns, chosen[start:end]))
                index = int(np.searchsorted(beginnings, start))
                if index == len(beginnings):
                    return
                start = int(beginnings[index])
                self.streams.wanted[number] = DIRECTION_BITS | LATE
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
            taken = self.streams.feed(number, segments, 0, stop - start, early=wanted == DIRECTION_BITS)
            start += taken
            step = min(step * 2, 256)
