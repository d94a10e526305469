"""Bytes that were delivered and may come again: whether another copy of them agrees."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from ocsp_pcap.bounds import BOUNDS, reached

PIECE_BYTES: Final = 64
"""What a piece takes besides its bytes."""


class Copies:
    """The last bytes that one direction delivered, each with the frame that brought it."""

    __slots__ = ("_cut", "_frames", "_pieces", "_positions", "_size")

    def __init__(self) -> None:
        self._positions: list[int] = []
        self._pieces: list[bytes] = []
        self._frames: list[int] = []
        self._size = 0
        self._cut = False

    def add(self, position: int, data: bytes, frame: int) -> None:
        """Keep bytes that were delivered: their position in the stream, and the frame that brought them."""
        self._positions.append(position)
        self._pieces.append(data)
        self._frames.append(frame)
        self._size += len(data) + PIECE_BYTES
        if self._size > BOUNDS.compared_bytes // 2:
            half = (len(self._pieces) + 1) // 2
            del self._positions[:half], self._pieces[:half], self._frames[:half]
            self._cut = True
            self._size = sum(map(len, self._pieces)) + PIECE_BYTES * len(self._pieces)

    def clear(self) -> None:
        """Forget everything: what comes again can no longer be compared."""
        self._positions, self._pieces, self._frames, self._size = [], [], [], 0
        self._cut = False

    def brought(self, frame: int) -> bool:
        """Tell whether bytes of a frame were delivered."""
        return frame in self._frames

    def disagreeing(self, position: int, data: bytes) -> list[int]:
        """Return the frames whose bytes at these positions were others, in order of their positions.

        Of bytes that were not delivered, or that are no longer kept, nothing is known.
        """
        end = position + len(data)
        index = max(bisect_right(self._positions, position) - 1, 0)
        if self._cut and position < self._positions[0]:
            reached("compared_bytes")
        found: list[int] = []
        while index < len(self._positions) and self._positions[index] < end:
            start, piece = self._positions[index], self._pieces[index]
            low, high = max(start, position), min(start + len(piece), end)
            if low < high and piece[low - start : high - start] != data[low - position : high - position]:
                found.append(self._frames[index])
            index += 1
        return found
