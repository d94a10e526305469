"""The window of a receiver (RFC 9293 3.10.7.4), as it last advertised it before a segment."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.decode.columns import ACK, EXTRA, RST, SYN, TransportColumns
from ocsp_pcap.decode.window import uint32
from ocsp_pcap.streams.distinct import run_starts

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]

UNSEEN: Final = 0
"""Scale of a direction whose SYN is not in the capture, or cannot be read."""
NOT_OFFERED: Final = 1
OFFERED: Final = 2
"""Scale of a direction whose SYN offers a shift of 0; a shift of N is N more (RFC 7323 2.2)."""
GREATEST_SHIFT: Final = 14
IN_SYN: Final = 1 << 16
"""Added to a window that stands in a SYN, to which no scale applies (RFC 7323 2.2)."""
MODULUS: Final = 1 << 32
"""Sequence numbers count modulo this (RFC 9293 3.4)."""
HALF: Final = 1 << 31
"""A number that is less than this ahead of another is after it."""
_END, _NOTHING, _WINDOW_SCALE = 0, 1, 3


class Heard(NamedTuple):
    """The last acknowledgment of a direction before some moment, and the window that it advertised."""

    acknowledgment: int
    window: int | None
    """Bytes; None: its SYN is not in the capture, so that the scale is not known."""

    def ahead(self, sequence: int) -> int:
        """Return how far a sequence number is ahead of what was acknowledged; below 0: behind it."""
        return ((sequence - self.acknowledgment + HALF) % MODULUS) - HALF

    def outside(self, sequence: int, far: int, *, behind: int = 0) -> bool:
        """Tell whether a number lies beyond the window, or behind what was acknowledged.

        Args:
            sequence: the number.
            far: how far it may be ahead where the window is not known.
            behind: how far it may be behind.
        """
        return not -behind <= self.ahead(sequence) <= (far if self.window is None else self.window)


def scaled(window: int, own: int, other: int) -> int | None:
    """Return a window in bytes.

    Args:
        window: as the header has it, with :data:`IN_SYN` where it stands in a SYN.
        own: scale of the direction that advertises it.
        other: that of the other direction: a shift counts where both SYNs offer one (RFC 7323 2.2).
    """
    if window & IN_SYN:
        return window - IN_SYN
    if own == UNSEEN:
        return None
    shift = 0 if NOT_OFFERED in (own, other) else min(own - OFFERED, GREATEST_SHIFT)
    return window << shift


def all_scaled(window: NDArray[Any], own: NDArray[Any], other: NDArray[Any], unknown: NDArray[Any]) -> Rows:
    """Return :func:`scaled` of many, with the values of ``unknown`` where it is not known."""
    shift = np.where(
        (own == NOT_OFFERED) | (other == NOT_OFFERED) | (own == UNSEEN),
        0,
        np.minimum(own.astype(np.int64) - OFFERED, GREATEST_SHIFT),
    )
    plain = window.astype(np.int64)
    in_syn = plain >= IN_SYN
    found: Rows = np.where(in_syn, plain - IN_SYN, np.where(own == UNSEEN, unknown, plain << shift))
    return found


def scales(columns: TransportColumns, rows: Rows) -> NDArray[np.uint8]:
    """Return the scale that each of some SYNs offers; UNSEEN where its header is not there in one piece."""
    found = np.full(len(rows), UNSEEN, np.uint8)
    end = columns.payload_offset[rows]
    sizes = np.arange(20, 64, 4)
    start = end[:, None] - sizes
    inside = (start >= 0) & (end < EXTRA)[:, None]
    start[~inside] = 0
    row, size = np.nonzero(inside & (columns.buffer[start + 12] >> 4 == sizes >> 2))
    fits = uint32(columns.buffer, start[row, size] + 4) == columns.sequence[rows[row]]
    row, size = row[fits], size[fits]
    shortest = run_starts([row])
    left = row[shortest]
    at = start[left, size[shortest]] + 20
    found[left] = NOT_OFFERED
    for _ in range(40):
        inside = at + 2 < end[left]
        left, at = left[inside], at[inside]
        if not len(left):
            break
        kind, length = columns.buffer[at], columns.buffer[at + 1].astype(np.int64)
        offers = (kind == _WINDOW_SCALE) & (length == 3)
        found[left[offers]] = OFFERED + np.minimum(columns.buffer[at[offers] + 2], GREATEST_SHIFT)
        goes_on = ~offers & (kind != _END) & ((kind == _NOTHING) | (length >= 2))
        step: Rows = np.where(kind == _NOTHING, 1, length)
        at = (at + step)[goes_on]
        left = left[goes_on]
    return found


def acknowledging(columns: TransportColumns, live: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say which rows acknowledge something: an ACK that is no RST."""
    found: NDArray[np.bool_] = live & ((columns.flags & (ACK | RST)) == ACK)
    return found


def advertised(columns: TransportColumns, rows: Rows | NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Return the windows of some rows, with :data:`IN_SYN` added where they stand in a SYN."""
    window = columns.window[rows].astype(np.uint32)
    window[(columns.flags[rows] & SYN) != 0] += IN_SYN
    return window


def last_before(keys: Rows, wanted: Rows, step: int) -> Rows:
    """Return which of some rows is the last one before each wanted row in its group; -1: there is none.

    Args:
        keys: group times ``step`` plus row, in ascending order.
        wanted: likewise.
        step: more than any row.
    """
    if not len(keys):
        return np.full(len(wanted), -1, np.int64)
    found = np.searchsorted(keys, wanted) - 1
    same: Rows = np.where((found >= 0) & (keys[found] // step == wanted // step), found, -1)
    return same
