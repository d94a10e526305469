"""A compact exact map from fixed-width keys to numbers, worked a column at a time."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.streams.distinct import groups

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
        # Packets of one connection often follow each other, and are looked up once.
        begins = np.ones(len(lanes[0]), np.bool_)
        begins[1:] = lanes[0][1:] != lanes[0][:-1]
        for lane in lanes[1:]:
            begins[1:] |= lane[1:] != lane[:-1]
        start = np.flatnonzero(begins)
        found, new = self._numbers(tuple(lane[start] for lane in lanes))
        return np.repeat(found, np.diff(start, append=len(begins))), start[new]

    def _numbers(self, lanes: Lanes) -> tuple[Numbers, NDArray[np.intp]]:
        hashes = self._hash(lanes)
        found = self._find(hashes, lanes)
        missing = np.flatnonzero(found == _EMPTY)
        if not len(missing):
            return found, missing
        first, group = _group(hashes[missing], tuple(lane[missing] for lane in lanes))
        new = missing[first]
        found[missing] = self._size + group
        self._append(hashes[new], tuple(lane[new] for lane in lanes))
        return found, new

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
    first, inverse = groups(hashes)
    representative = first[inverse]
    if any((lane != lane[representative]).any() for lane in lanes):
        # Two keys share all 64 bits of the hash: compare the keys themselves.
        _, first, inverse = np.unique(np.stack(lanes, axis=1), axis=0, return_index=True, return_inverse=True)
        inverse = inverse.reshape(-1)
    order = np.argsort(first)
    rank = np.empty(len(first), np.intp)
    rank[order] = np.arange(len(first))
    return first[order], rank[inverse]
