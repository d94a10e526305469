"""A compact exact map from fixed-width keys to numbers, worked a column at a time."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

Lanes = tuple[NDArray[np.uint64], ...]
Hashes = NDArray[np.uint64]
Numbers = NDArray[np.int64]

_FIRST_SLOTS = 1 << 10
_SLOTS_A_KEY = 4
"""At least: in a fuller table more keys find their slot taken, each of which costs another look."""
_EMPTY = -1
_HALF = np.uint64(32)


class ExactIndex:
    """Numbers distinct keys 0, 1, 2 … in the order of their first appearance.

    A key is a tuple of uint64 lanes. The table is open addressing over numpy arrays: about 24 to 48
    bytes a key besides the lanes. Slots come from a hash with a random key of this process, so that
    a hostile capture cannot make keys collide; equality is decided on the lanes themselves.
    """

    def __init__(self, lanes: int) -> None:
        odd = np.frombuffer(os.urandom(8 * (lanes + 1)), np.uint64) | np.uint64(1)
        *self._multipliers, self._last_multiplier = odd
        self._keys = np.empty((_FIRST_SLOTS, lanes), np.uint64)
        self._hashes = np.empty(_FIRST_SLOTS, np.uint64)
        self._slots = np.full(_FIRST_SLOTS * _SLOTS_A_KEY, _EMPTY, np.int32)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def key(self, number: int) -> tuple[int, ...]:
        """Return the lanes of one key."""
        return tuple(self._keys[number].tolist())

    def lanes(self) -> NDArray[np.uint64]:
        """Return the lanes of all keys, shape (number of keys, lanes): a view, valid until the next call."""
        return self._keys[: self._size]

    def find(self, lanes: Lanes) -> Numbers:
        """Return the number of each key, -1 where it has none."""
        return self._find(self._hash(lanes), lanes)

    def numbers(self, lanes: Lanes) -> tuple[Numbers, NDArray[np.intp]]:
        """Return the number of each key and, in ascending order of number, where new ones first stand."""
        hashes = self._hash(lanes)
        first, group = _group(hashes, lanes)
        hashes, lanes = hashes[first], tuple(lane[first] for lane in lanes)
        found = self._find(hashes, lanes)
        new = np.flatnonzero(found == _EMPTY)
        if len(new):
            found[new] = np.arange(self._size, self._size + len(new))
            self._append(hashes[new], tuple(lane[new] for lane in lanes))
        return found[group], first[new]

    def _hash(self, lanes: Lanes) -> Hashes:
        """Mix the lanes with secret odd multipliers; no difference of keys cancels but by chance."""
        value = np.zeros(len(lanes[0]), np.uint64)
        for lane, multiplier in zip(lanes, self._multipliers, strict=True):
            value ^= lane
            value ^= value >> _HALF
            value *= multiplier
        value ^= value >> _HALF
        value *= self._last_multiplier
        value ^= value >> _HALF
        return value

    def _find(self, hashes: Hashes, lanes: Lanes) -> Numbers:
        mask = len(self._slots) - 1
        slot = (hashes & np.uint64(mask)).astype(np.int64)
        found = self._slots[slot].astype(np.int64)
        keys = self._keys[found]  # the last key stands in where a slot is empty
        equal = keys[:, 0] == lanes[0]
        for lane in range(1, len(lanes)):
            equal &= keys[:, lane] == lanes[lane]
        pending = np.flatnonzero(~equal & (found != _EMPTY))
        while len(pending):
            slot[pending] = (slot[pending] + 1) & mask
            candidate = self._slots[slot[pending]].astype(np.int64)
            found[pending] = candidate
            keys = self._keys[candidate]
            equal = keys[:, 0] == lanes[0][pending]
            for lane in range(1, len(lanes)):
                equal &= keys[:, lane] == lanes[lane][pending]
            pending = pending[~equal & (candidate != _EMPTY)]
        return found

    def _append(self, hashes: Hashes, lanes: Lanes) -> None:
        begin, end = self._size, self._size + len(hashes)
        if end > len(self._keys):
            capacity = max(end, 2 * len(self._keys))
            self._keys = _grown(self._keys, begin, capacity)
            self._hashes = _grown(self._hashes, begin, capacity)
        for lane, values in enumerate(lanes):
            self._keys[begin:end, lane] = values
        self._hashes[begin:end] = hashes
        self._size = end
        if _SLOTS_A_KEY * end > len(self._slots):
            size = len(self._slots)
            while _SLOTS_A_KEY * end > size:
                size *= 2
            self._slots = np.full(size, _EMPTY, np.int32)
            begin = 0
        self._place(self._hashes[begin:end], np.arange(begin, end, dtype=np.int32))

    def _place(self, hashes: Hashes, numbers: NDArray[np.int32]) -> None:
        """Put keys that are known to be new into the table."""
        mask = len(self._slots) - 1
        slot = (hashes & np.uint64(mask)).astype(np.int64)
        while len(numbers):
            free = self._slots[slot] == _EMPTY
            self._slots[slot[free]] = numbers[free]
            # Where several wanted one slot, one of them holds it now; the others go on.
            left = np.flatnonzero(self._slots[slot] != numbers)
            slot, numbers = (slot[left] + 1) & mask, numbers[left]


def _grown(array: NDArray[np.uint64], used: int, capacity: int) -> NDArray[np.uint64]:
    grown = np.empty((capacity, *array.shape[1:]), np.uint64)
    grown[:used] = array[:used]
    return grown


def _group(hashes: Hashes, lanes: Lanes) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where each distinct key first stands, in order, and the index of each row's key in that."""
    size = len(hashes)
    first = np.empty(size, np.intp)
    holder = np.empty(1 << (_SLOTS_A_KEY * size).bit_length(), np.intp)
    slots = hashes & np.uint64(len(holder) - 1)
    left = np.arange(size)
    while len(left):
        # Where several want one slot the first of them holds it; those with another key wait.
        holder[slots[left[::-1]]] = left[::-1]
        held = holder[slots[left]]
        same = np.logical_and.reduce([lane[left] == lane[held] for lane in lanes])
        first[left[same]] = held[same]
        left = left[~same]
    begins = first == np.arange(size)
    return np.flatnonzero(begins), (np.cumsum(begins) - 1)[first]
