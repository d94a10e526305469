"""Bytes that are held until it is known which protocol they begin."""

from __future__ import annotations

from typing import NamedTuple


class Piece(NamedTuple):
    """Bytes that one segment brought; ``missing`` bytes follow them that the capture lacks."""

    direction: int
    data: bytes
    frame: int
    time: int
    segment_start: bool
    missing: int = 0


class HeldBytes:
    """Pieces of both directions, and the bytes of each direction put together."""

    __slots__ = ("buffers", "pieces", "size")

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.buffers = [b"", b""]
        self.size = 0

    def append(self, piece: Piece) -> None:
        """Take one piece more."""
        self.pieces.append(piece)
        self.buffers[piece.direction] += piece.data
        self.size += len(piece.data)

    def without(self, lengths: dict[int, int]) -> list[Piece]:
        """Return the pieces without that many bytes at the front of each direction."""
        rest: list[Piece] = []
        for piece in self.pieces:
            cut = min(lengths.get(piece.direction, 0), len(piece.data))
            lengths[piece.direction] = lengths.get(piece.direction, 0) - cut
            if cut < len(piece.data):
                rest.append(
                    Piece(piece.direction, piece.data[cut:], piece.frame, piece.time, piece.segment_start)
                )
        return rest
