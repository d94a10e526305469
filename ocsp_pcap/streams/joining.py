"""The numbers of streams across files: how those of one file go on with those before it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence, Set

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.records import dataclass
from ocsp_pcap.streams.distinct import first_of_each


class MatchError(ValueError):
    """A file cannot be joined to those before it, and must be read again in order."""


@dataclass(frozen=True, slots=True)
class FlowMatch:
    """Which of N streams go on with earlier ones."""

    earlier: NDArray[np.int64]
    """The earlier stream; -1: it is a new one."""
    flipped: NDArray[np.bool_]
    """The host that sent the stream's first packet here is not the one that sent it there."""
    known: NDArray[np.bool_]
    """Earlier streams have the same two ends."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The numbers that N streams have in the table that took them."""

    number: NDArray[np.int64]
    flipped: NDArray[np.bool_]
    """Directions are the other way round there."""
    goes_on: NDArray[np.bool_]
    """It was known there before."""


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

    def take(self, joined: Joined) -> None:
        """Take the streams of a whole file, in their order there."""
        goes_on = np.flatnonzero(joined.goes_on)
        new_before = goes_on - np.arange(len(goes_on))
        for number, count in zip(joined.number[goes_on].tolist(), new_before.tolist(), strict=True):
            self._add(number, count)

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
        for stream in in_order[begin:end]:
            rank = stream - first
            found.append((stream, rank + bisect_right(self._new_before[file], rank)))
        return found
