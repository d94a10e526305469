"""The numbers of streams across files: which streams of one file continue those of files before it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence, Set
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.streams.distinct import first_of_each


class MatchError(ValueError):
    """A file cannot be joined to those before it, and must be read again in order."""


class FlowMatch(NamedTuple):
    """Which of N streams go on with earlier ones."""

    earlier: NDArray[np.int64]
    """The earlier stream; -1: it is a new one."""
    flipped: NDArray[np.bool_]
    """The host that sent the stream's first packet here is not the one that sent it there."""
    known: NDArray[np.bool_]
    """Earlier streams have the same two ends."""

    @classmethod
    def none(cls, streams: int) -> FlowMatch:
        """Return that all streams are new."""
        return cls(np.full(streams, -1), np.zeros(streams, np.bool_), np.zeros(streams, np.bool_))


class Joined(NamedTuple):
    """The numbers that N streams have in the table that took them."""

    number: NDArray[np.int64]
    flipped: NDArray[np.bool_]
    """Directions are the other way round there."""
    goes_on: NDArray[np.bool_]
    """It was known there before."""
    streams_before: int
    """Streams that were known there before."""


class StreamFiles:
    """Which streams of a set of files have packets in which file, and under which number.

    Wireshark numbers the streams of a file by their first packet in it: streams that began in earlier
    files stand among those that begin in it.
    """

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._continued: list[dict[int, int]] = []
        self._new_before: list[list[int]] = []
        self._seen: NDArray[np.bool_] = np.zeros(0, np.bool_)

    def begin(self, streams: int) -> None:
        """Begin another file; ``streams`` have been numbered before it."""
        self._firsts.append(streams)
        self._continued.append({})
        self._new_before.append([])
        self._seen = np.zeros(streams, np.bool_)

    def note(self, stream: NDArray[np.int64], streams_before: int) -> None:
        """Take the stream of each row of a batch; ``streams_before`` had been numbered before the batch."""
        first = self._firsts[-1] if self._firsts else 0
        if not first:
            return
        old = stream < first
        fresh = np.flatnonzero(old)
        fresh = fresh[~self._seen[stream[fresh]]]
        if not len(fresh):
            return
        rows = fresh[np.sort(first_of_each(stream[fresh]))]
        self._seen[stream[rows]] = True
        begun = np.maximum.accumulate(np.where(old, streams_before - 1, stream))[rows] + 1 - first
        for number, new_before in zip(stream[rows].tolist(), begun.tolist(), strict=True):
            self._add(number, new_before)

    def join(self, other: StreamFiles, joined: Joined) -> None:
        """Take over the files that ``other`` counted; ``joined`` has the numbers of its streams here."""
        number, goes_on = joined.number.tolist(), joined.goes_on
        new = np.cumsum(np.append(0, ~goes_on))
        for file, first in enumerate(other._firsts):
            end = (*other._firsts, len(number))[file + 1]
            self.begin(joined.streams_before + int(new[first]))
            continued = {number[stream]: place for stream, place in other._continued[file].items()}
            for stream in (first + np.flatnonzero(goes_on[first:end])).tolist():
                continued[number[stream]] = other._place(file, stream)
            in_order = sorted(continued.items(), key=itemgetter(1))
            for index, (stream, place) in enumerate(in_order):
                self._add(stream, place - index)

    def _place(self, file: int, stream: int) -> int:
        """Return the number in a file of a stream that begins in it."""
        rank = stream - self._firsts[file]
        return rank + bisect_right(self._new_before[file], rank)

    def _add(self, stream: int, new_before: int) -> None:
        continued = self._continued[-1]
        continued[stream] = new_before + len(continued)
        self._new_before[-1].append(new_before)

    def numbers(self, file: int, streams: Set[int], in_order: Sequence[int]) -> list[tuple[int, int]]:
        """Return those of some streams that have packets in a file, with their numbers there, in order.

        Files are counted from 0; ``in_order`` are the same streams in ascending order.
        """
        first, continued = self._firsts[file], self._continued[file]
        begin, end = bisect_left(in_order, first), len(in_order)
        if file + 1 < len(self._firsts):
            end = bisect_left(in_order, self._firsts[file + 1])
        found = [(stream, continued[stream]) for stream in sorted(continued.keys() & streams)]
        return found + [(stream, self._place(file, stream)) for stream in in_order[begin:end]]
