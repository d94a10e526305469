"""The unit that capture readers hand out: one block of packets as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

PADDING = 256
"""Readable bytes that follow the last packet in :attr:`PacketBatch.buffer`, so that fixed-width
windows may be gathered at any packet offset without a bounds check."""

Bytes: TypeAlias = NDArray[np.uint8]
Column: TypeAlias = NDArray[np.int64]


@dataclass(slots=True, eq=False, repr=False)
class PacketBatch:
    """N packets of one block of a capture.

    The buffer belongs to the reader and is overwritten by the next batch: copy what is kept.
    Columns have shape (N,) and dtype int64.
    """

    buffer: Bytes
    first_frame: int
    """Frame number, 1-based, of row 0; row i is frame ``first_frame + i``."""
    offset: Column
    """Where each packet's first byte stands in ``buffer``."""
    captured_length: Column
    original_length: Column
    time: Column
    """Nanoseconds since the Unix epoch, UTC."""
    link_type: Column
    """LINKTYPE_ value of each packet's interface."""

    def __len__(self) -> int:
        return len(self.offset)
