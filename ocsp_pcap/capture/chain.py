"""Following a chain of records, each of which tells where the next one starts, mostly without a loop.

Candidates for record positions are found by bytes that neighbouring records share: in the whole block
(:class:`Finder`), or here and there, and walked on from there (:func:`lanes`). A run of candidates that
each point to the next is accepted as a whole; anything else is stepped over one record at a time.
Candidates are hints only: the result is exactly that of the plain walk from the start, whatever they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture.batch import Bytes, Column

Step: TypeAlias = Callable[[int, int], tuple[list[int], int, bool]]
"""Walk plainly from a position up to a limit: positions of complete records that start before the
limit, where the next record starts, and whether the walk cannot go on from there."""

_PATIENCE = 256
_WORTHWHILE_RUN = 8
"""Where the first runs of candidates are shorter than this on average the rest is walked plainly."""

LEAST_LANES = 16
"""Lanes of which fewer are left are not walked on: that is cheaper one record at a time."""
LANE_STEPS = 12
"""Records by which lanes are walked on before those that have come to their end are dropped."""

NONE: Column = np.zeros(0, np.int64)


class Finder:
    """Finds a value in a block; keeps its scratch memory from block to block."""

    def __init__(self) -> None:
        self._scratch = np.empty((0, 8), np.bool_)

    def words(self, words: NDArray[np.uint32], value: int, bound: int) -> Column:
        """Return the indices of ``words`` that equal ``value``, ascending; none where over ``bound``."""
        groups_needed = -(-len(words) // 8)
        if len(self._scratch) < groups_needed:
            self._scratch = np.empty((groups_needed, 8), np.bool_)
        hits = self._scratch[:groups_needed]
        hits[-1:] = False
        np.equal(words, value, out=hits.reshape(-1)[: len(words)])
        # Hits are rare: groups of eight with a hit are found eight times faster than the hits themselves.
        groups = np.flatnonzero(hits.view(np.uint64) != 0)
        if len(groups) > bound:
            return NONE
        within = np.flatnonzero(hits[groups])
        found: Column = groups[within >> 3] * 8 + (within & 7)
        return found


def gather(buffer: Bytes, positions: Column, words: int) -> NDArray[np.uint32]:
    """Return ``words`` native 32-bit words from each position, as an array of shape (N, words)."""
    width = words * 4
    windows = np.ndarray((len(buffer) - width + 1,), f"V{width}", buffer.data, 0, (1,))
    return windows[positions].view(np.uint32).reshape(-1, words)


def lanes(starts: Column, end: int, follow: Callable[[Column], Column]) -> tuple[Column, Column]:
    """Walk from all of some ascending places at once, from each up to the next, from the last one to ``end``.

    ``follow`` returns where the next records start; it is asked of places beyond ``end``, too. Returns,
    ascending, what may be records, and where the next ones start.
    """
    position, until = starts, np.append(starts[1:], end)
    taken: list[Column] = []
    while len(position) >= LEAST_LANES:
        walked = np.empty((LANE_STEPS + 1, len(position)), np.int64)
        walked[0] = position
        for step in range(LANE_STEPS):
            walked[step + 1] = follow(walked[step])
        inside = walked < until
        taken.append(walked[:-1][inside[:-1]])
        on = np.flatnonzero(inside[-1])
        position, until = walked[-1][on], until[on]
    if not taken:
        return NONE, NONE
    # Pieces that ascend are sorted fastest by what merges them.
    candidates = np.sort(np.concatenate(taken), kind="stable")
    following = np.append(candidates[1:], end)
    last = np.searchsorted(candidates, np.append(starts[1:], end)) - 1
    following[last] = follow(candidates[last])
    cut = last[following[last] > end]
    return np.delete(candidates, cut), np.delete(following, cut)


class BlockChain:
    """Follows the records of one block; positions only ever grow from call to call.

    ``candidates`` are ascending positions of which each, were it a record, is complete and is
    followed by the record at ``following``.
    """

    def __init__(self, candidates: Column = NONE, following: Column = NONE) -> None:
        self._candidates = candidates
        self._following = following
        breaks = np.flatnonzero(following[:-1] != candidates[1:]) if len(candidates) else NONE
        self._breaks = np.append(breaks, len(candidates) - 1)
        self._index = self._run = 0

    def follow(self, position: int, end: int, step: Step) -> tuple[Column, int]:
        """Walk from ``position`` up to ``end``, which no candidate's record passes.

        Returns the positions of the complete records and where the walk stopped: at ``end``, or at
        a record that ``step`` could not pass.
        """
        candidates, count, taken = self._candidates, len(self._candidates), 0
        pieces: list[Column] = []
        while position < end:
            index = self._index
            if index < count:
                index += int(np.searchsorted(candidates[index:], position))
                self._index = index
            if index < count and candidates[index] == position:
                self._run += int(np.searchsorted(self._breaks[self._run :], index))
                last = int(self._breaks[self._run])
                pieces.append(candidates[index : last + 1])
                position, self._index = int(self._following[last]), last + 1
                taken += last + 1 - index
                if len(pieces) > _PATIENCE and taken < _WORTHWHILE_RUN * len(pieces):
                    self._index = count
                continue
            singles, position, stopped = step(position, int(candidates[index]) if index < count else end)
            if singles:
                pieces.append(np.array(singles, np.int64))
            if stopped:
                break
        if not pieces:
            return NONE, position
        return (pieces[0] if len(pieces) == 1 else np.concatenate(pieces)), position
