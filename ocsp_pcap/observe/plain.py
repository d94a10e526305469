"""Streams of a batch that are plain enough to be read at once, and what they show.

Most TLS connections are: they begin with a ClientHello or a CONNECT, nothing of them is missing, out of order
or sent twice, and in this batch or one of the next they are finished. They need neither reassembly nor
parsers that wait for more. The others are left as they were, and
:class:`~ocsp_pcap.observe.tcp.TcpObserver` reads them segment by segment; both ways lead to the same facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture.batch import Column
from ocsp_pcap.decode.columns import EXTRA, TransportColumns
from ocsp_pcap.decode.window import gather, layout
from ocsp_pcap.observe.checksums import ChecksumAudit
from ocsp_pcap.observe.dns_log import DNS_PORT
from ocsp_pcap.observe.finished import FinishedStream
from ocsp_pcap.observe.rows import NO_ROWS, ROW_BYTES, Rows, in_line, joined, picked
from ocsp_pcap.observe.tcp_stream import DIRECTION_BITS
from ocsp_pcap.observe.wanted import CARRIED
from ocsp_pcap.spoken.first_bytes import HANDSHAKE_RECORD
from ocsp_pcap.spoken.plain import PlainConnections
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.streams.distinct import among, distinct
from ocsp_pcap.streams.flows import FlowTable
from ocsp_pcap.streams.plain import Ordered, plain_rows
from ocsp_pcap.tls.shapes import NotPlainError

if TYPE_CHECKING:
    from ocsp_pcap.tls.keys import KeyLog

MOST_CARRIED: Final = 4 << 20
"""Bytes of rows that are carried over; beyond, all such streams are read segment by segment."""
MOST_CHUNKS: Final = 8
"""Arrays of such rows, one for each batch, before they are made into one."""
LEAST_ROWS: Final = 4
"""Each side says hello, and each sends application data."""
MOST_ROWS: Final = 32
"""Rows of a stream that are looked at; a handshake, a request and a record of the answer have as many."""
FEW_ROWS: Final = 12
"""Rows that most of them have."""
RANDOM: Final = 11
"""Bytes of a ClientHello, with its record header, before its random (RFC 8446 4.1.2)."""
_HEAD: Final = layout(6, start=(">u4", 0), record=(">u2", 0), message=("u1", 5))
_CLIENT_HELLO: Final = 1
_CONNECT: Final = int.from_bytes(b"CONN")


class PlainStreams(NamedTuple):
    """The streams of a batch, by what became of them."""

    finished: list[FinishedStream]
    """Streams of which nothing more can matter."""
    waiting: Column
    """Places of streams that are plain so far, and wait for what the next batches bring."""
    left: Column
    """Places of streams that are to be read segment by segment."""
    before: Rows
    """What these brought in earlier batches, and is to be read first."""


class PlainReader:
    """Reads plain streams. The rows of those that a batch does not bring to an end are carried over."""

    def __init__(self, shared: Shared, checksums: ChecksumAudit) -> None:
        self._shared = shared
        self._checksums = checksums
        self._connections = PlainConnections(shared)
        self._chunks: list[Rows] = []
        self._size = 0
        self.streams = 0
        """Streams that wait."""

    @property
    def full(self) -> bool:
        """So much is carried over that it is to be read: :meth:`take_carried`."""
        return self._size > MOST_CARRIED

    def read(
        self, columns: TransportColumns, rows: Ordered, state: NDArray[np.uint8], flows: FlowTable
    ) -> PlainStreams:
        """Read the plain ones among the streams of a batch; ``state`` says what is wanted of each."""
        left = np.ones(len(state), np.bool_)
        waiting = np.zeros(len(state), np.bool_)
        keys = self._shared.keys
        if self._shared.rsa_keys or (keys is not None and keys.has_premaster_secrets):
            # Only the key exchange tells what they open.
            return PlainStreams([], np.flatnonzero(waiting), np.flatnonzero(left), self.take_carried())
        fresh = np.flatnonzero(state == DIRECTION_BITS)
        fresh = fresh[_beginnings(columns, rows.of(fresh), flows)]
        if keys is not None:
            fresh = fresh[~_named(keys, columns, rows.of(fresh))]
        finished = self._read(columns, (columns,), rows.of(fresh), fresh, flows, left, waiting, FEW_ROWS)
        carried = np.flatnonzero(state & CARRIED)
        before = NO_ROWS
        if len(carried):
            numbers = rows.stream[rows.start[carried]]
            at, _ = rows.of(carried).first(MOST_ROWS)
            parts = (
                self._take(numbers),
                picked(columns, rows.row[at], rows.stream[at], rows.direction[at]),
            )
            whole, sources = in_line(parts), tuple(part.columns for part in parts)
            finished += self._read(
                whole.columns, sources, whole.by_stream(), carried, flows, left, waiting, FEW_ROWS
            )
            before = parts[0].of(among(parts[0].stream, numbers[left[carried]]))
        return PlainStreams(finished, np.flatnonzero(waiting), np.flatnonzero(left), before)

    def take_carried(self) -> Rows:
        """Return, once, all that is carried over."""
        carried = joined(self._chunks)
        self._keep([])
        return carried

    def _read(
        self,
        columns: TransportColumns,
        sources: Sequence[TransportColumns],
        rows: Ordered,
        places: Column,
        flows: FlowTable,
        left: NDArray[np.bool_],
        waiting: NDArray[np.bool_],
        most: int,
    ) -> list[FinishedStream]:
        """Read streams; at their ``places`` set ``waiting`` for those that wait, clear ``left`` if read.

        ``sources``, one or two, hold the payload of the rows of ``columns``: the first ones, then the others.
        Of each stream ``most`` rows are looked at, and more only where these do not tell.
        """
        count = plain_rows(columns, rows, most, flows)
        at = rows.up_to(count)
        row = rows.row[at]
        later = row >= len(sources[0])
        memories = [source.buffer.data for source in sources]
        client = rows.direction[rows.start]
        segments = list(
            zip(
                (rows.direction[at] == np.repeat(client, count)).tolist(),
                columns.frame[row].tolist(),
                columns.time[row].tolist(),
                map(memories.__getitem__, later.tolist()),
                columns.payload_offset[row].tolist(),
                columns.payload_length[row].tolist(),
                strict=True,
            )
        )
        goes_on = ((count == rows.end - rows.start) & (count < most) & (count > 0)).tolist()
        finished: list[FinishedStream] = []
        over: list[int] = []
        unfinished: list[int] = []
        longer: list[int] = []
        position = 0
        numbers, sides = rows.stream[rows.start].tolist(), client.tolist()
        for index, size in enumerate(count.tolist()):
            begin, position = position, position + size
            if size >= LEAST_ROWS:
                try:
                    said = self._connections.read(segments[begin:position], sides[index])
                except NotPlainError:
                    continue
                if said is not None:
                    finished.append(FinishedStream(numbers[index], said.spoken))
                    over.append(index)
                    self._checksums.add_plain(
                        finished[-1], sides[index], segments[begin:position], said.last_frames
                    )
                    continue
            if goes_on[index]:
                unfinished.append(index)
            elif size == most < MOST_ROWS:
                longer.append(index)
        left[places[over]] = False
        if unfinished:
            left[places[unfinished]] = False
            waiting[places[unfinished]] = True
            at = rows.of(np.array(unfinished)).up_to(count[unfinished])
            row, begin = rows.row[at], 0
            for source in sources:
                own = (row >= begin) & (row < begin + len(source))
                if own.any():
                    chosen = at[own]
                    part = picked(source, row[own] - begin, rows.stream[chosen], rows.direction[chosen])
                    self._chunks.append(part.copied())
                begin += len(source)
            self._keep(self._chunks)
        if longer:
            finished += self._read(
                columns, sources, rows.of(np.array(longer)), places[longer], flows, left, waiting, MOST_ROWS
            )
        return finished

    def _take(self, numbers: Column) -> Rows:
        """Return, once, what is carried of some streams."""
        taken: list[Rows] = []
        kept: list[Rows] = []
        for chunk in self._chunks:
            chosen = among(chunk.stream, numbers)
            if chosen.any():
                taken.append(chunk.of(chosen))
                chosen = ~chosen
                if chosen.any():
                    kept.append(chunk.of(chosen).copied())
            else:
                kept.append(chunk)
        self._keep(kept)
        return joined(taken)

    def _keep(self, chunks: list[Rows]) -> None:
        self._chunks = chunks = [joined(chunks)] if len(chunks) > MOST_CHUNKS else chunks
        self._size = sum(len(chunk.columns.buffer) + ROW_BYTES * len(chunk) for chunk in chunks)
        self.streams = sum(len(distinct(chunk.stream)) for chunk in chunks)


def _beginnings(columns: TransportColumns, rows: Ordered, flows: FlowTable) -> Column:
    """Return the streams that begin with a ClientHello, or with CONNECT."""
    first = rows.row[rows.start]
    at = columns.payload_offset[first]
    chosen = np.flatnonzero((columns.payload_length[first] >= _HEAD.itemsize) & (at < EXTRA))
    heads = gather(columns.buffer, at[chosen], _HEAD)
    hello = (heads["record"] == HANDSHAKE_RECORD) & (heads["message"] == _CLIENT_HELLO)
    chosen = chosen[hello | (heads["start"] == _CONNECT)]
    beginnings: Column = chosen[~flows.have_port(rows.stream[rows.start[chosen]], DNS_PORT)]
    return beginnings


def _named(keys: KeyLog, columns: TransportColumns, rows: Ordered) -> NDArray[np.bool_]:
    """Tell which streams a key log opens, of those that begin with a ClientHello."""
    memory = columns.buffer.data
    places = (columns.payload_offset[rows.row[rows.start]] + RANDOM).tolist()
    return np.array([keys.knows(bytes(memory[place : place + 32])) for place in places], np.bool_)
