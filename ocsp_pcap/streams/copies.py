"""Bytes that were delivered, kept to compare copies that come later (retransmitted, or forged)."""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from typing import Final, TypeAlias

from ocsp_pcap.bounds import reached

Piece: TypeAlias = tuple[int, bytes, int]
"""Position in the stream, bytes, and the frame that brought them."""
_POSITION: Final = itemgetter(0)


class Copies:
    """The last bytes that one direction delivered, each with the frame that brought it."""

    __slots__ = ("_cut", "add", "pieces")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything: what comes again can no longer be compared."""
        self.pieces: list[Piece] = []
        self.add = self.pieces.append
        """Keep a piece that was delivered."""
        self._cut: str | None = None
        """The bound for which earlier pieces were dropped."""

    def forget(self) -> None:
        """Forget everything, since all connections together hold too much."""
        self.clear()
        self._cut = "all_compared_bytes"

    def trim(self) -> None:
        """Keep the later half."""
        del self.pieces[: (len(self.pieces) + 1) // 2]
        self._cut = self._cut or "compared_bytes"

    @property
    def last_frame(self) -> int:
        """The last frame whose bytes were delivered and are kept; 0: none."""
        return self.pieces[-1][2] if self.pieces else 0

    def brought(self, frame: int) -> bool:
        """Tell whether bytes of a frame were delivered."""
        return any(frame == own for _, _, own in self.pieces)

    def disagreeing(self, position: int, data: bytes) -> list[int]:
        """Return the frames that brought other bytes at these positions, in the order of the stream.

        Bytes that were not delivered, or are no longer kept, cannot disagree.
        """
        pieces = self.pieces
        end = position + len(data)
        if self._cut is not None and (not pieces or position < pieces[0][0]):
            reached(self._cut)
        index = max(bisect_right(pieces, position, key=_POSITION) - 1, 0)
        found: list[int] = []
        while index < len(pieces) and pieces[index][0] < end:
            start, piece, frame = pieces[index]
            low, high = max(start, position), min(start + len(piece), end)
            if low < high and piece[low - start : high - start] != data[low - position : high - position]:
                found.append(frame)
            index += 1
        return found
