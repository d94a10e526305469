"""Plain streams: known from their SYN on, each segment where the last one ends (RFC 9293 3.4).

Nothing of them waits, comes twice or is missing, and no copy can disagree with another: their bytes may be
read where they lie. Which streams of a batch are plain, and how far, columns say at once.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture.batch import Column
from ocsp_pcap.decode.columns import EXTRA, FIN, RST, SYN, URG, TransportColumns
from ocsp_pcap.streams.distinct import among, order_of
from ocsp_pcap.streams.flows import FlowTable

_ODD: Final = SYN | FIN | RST | URG


class Ordered(NamedTuple):
    """Rows of a batch, ordered by stream, and of each stream in the order of the capture."""

    row: Column
    stream: Column
    direction: NDArray[np.uint8]
    start: Column
    """Where each stream begins."""
    end: Column
    """Where it ends."""

    @classmethod
    def by_stream(cls, row: Column, stream: Column, direction: NDArray[np.uint8]) -> Ordered:
        """Order rows that are in the order of the capture."""
        order = order_of(stream)
        stream = stream[order]
        start = np.flatnonzero(np.r_[True, stream[1:] != stream[:-1]][: len(stream)])
        return cls(row[order], stream, direction[order], start, np.r_[start[1:], len(stream)][: len(start)])

    def of(self, places: Column) -> Ordered:
        """Return the same of some of the streams."""
        return self._replace(start=self.start[places], end=self.end[places])

    def first(self, most: int) -> tuple[Column, Column]:
        """Return where the first rows of each stream stand, so many at most, and how many these are."""
        count: Column = np.minimum(self.end - self.start, most)
        return self.up_to(count), count

    def up_to(self, count: Column) -> Column:
        """Return where the first ``count`` rows of each stream stand."""
        ahead = self.start - (np.cumsum(count) - count)
        at: Column = np.arange(int(count.sum())) + np.repeat(ahead, count)
        return at


def plain_rows(columns: TransportColumns, rows: Ordered, most: int, flows: FlowTable) -> Column:
    """Return how many of each stream's rows are plain, from its first one on, up to ``most``.

    The streams must begin in these rows.
    """
    at, count = rows.first(most)
    if not len(at):
        return count
    row, direction = rows.row[at], rows.direction[at].astype(np.int64)
    group = np.repeat(np.arange(len(count)), count)
    length = columns.payload_length[row]
    sequence = columns.sequence[row]
    first = rows.row[rows.start]
    known, initial = flows.initial_numbers(rows.stream[rows.start], columns.frame[first], columns.time[first])
    plain = known[group] & ((columns.flags[row] & _ODD) == 0)
    plain &= (columns.payload_missing[row] == 0) & (columns.payload_offset[row] < EXTRA)
    if columns.disputed:
        plain &= ~among(columns.frame[row], np.array(list(columns.disputed)))
    # What of both directions is due: behind the SYN, then behind the segment before.
    side = group * 2 + direction
    order = np.argsort(side, kind="stable")
    side = side[order]
    due = np.empty(len(at), np.uint32)
    due[1:] = (sequence + length.astype(np.uint32))[order[:-1]]
    begins = np.ones(len(at), np.bool_)
    np.not_equal(side[1:], side[:-1], out=begins[1:])
    due[begins] = initial.reshape(-1)[side[begins]] + np.uint32(1)
    plain[order] &= sequence[order] == due
    odd = np.flatnonzero(~plain)
    np.minimum.at(count, group[odd], at[odd] - rows.start[group[odd]])
    return count
