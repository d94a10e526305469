"""The rest to be read of some packets: where the next header starts and where the packet ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture.batch import Bytes, Column


class Space(NamedTuple):
    """Bytes that packets stand in, followed by :data:`~ocsp_pcap.capture.batch.PADDING` more."""

    buffer: Bytes
    base: int = 0
    """What is added to a position in ``buffer`` to make a payload offset of the columns."""


@dataclass(slots=True, eq=False, repr=False)
class Frames:
    """N packets, or what they carry, in frame order. Positions are those of a :class:`Space`."""

    row: Column
    """Index of the packet in its batch."""
    at: Column
    """Where the next header starts."""
    captured_end: Column
    """Where the capture, or the packet around this one, ends."""
    reported_end: Column
    """Where this one ended on the wire."""

    def __len__(self) -> int:
        return len(self.row)

    def select(self, index: NDArray[Any]) -> Frames:
        """Return some of them."""
        return Frames(self.row[index], self.at[index], self.captured_end[index], self.reported_end[index])

    def moved(self, at: Column) -> Frames:
        """Return them with another place for the next header."""
        return Frames(self.row, at, self.captured_end, self.reported_end)


def together(pieces: Sequence[Frames]) -> Frames:
    """Return all of some pieces, in frame order; rows of one frame keep the order of the pieces."""
    if len(pieces) == 1:
        return pieces[0]
    order = np.argsort(np.concatenate([piece.row for piece in pieces]), kind="stable")
    return Frames(
        np.concatenate([piece.row for piece in pieces])[order],
        np.concatenate([piece.at for piece in pieces])[order],
        np.concatenate([piece.captured_end for piece in pieces])[order],
        np.concatenate([piece.reported_end for piece in pieces])[order],
    )
