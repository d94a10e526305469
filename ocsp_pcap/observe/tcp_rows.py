"""Rows of a batch that can tell something, chosen for all streams at once."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.decode.columns import EXTRA, TransportColumns
from ocsp_pcap.decode.window import gather, layout
from ocsp_pcap.observe.tcp_segments import CLOSING
from ocsp_pcap.spoken.first_bytes import HANDSHAKE_RECORD, HELLO

_HEAD: Final = layout(6, start=(">u4", 0), record=(">u2", 0), minor=("u1", 2), message=("u1", 5))
_NEXT_TO: Final = 512
"""Bytes between payloads that are searched with them rather than passed over."""
_HTTP_STARTS: Final = tuple(int.from_bytes(start) for start in (b"CONN", b"GET ", b"POST", b"HTTP"))


def telling(columns: TransportColumns) -> NDArray[np.bool_]:
    """Choose the rows that bring payload, or an end."""
    found: NDArray[np.bool_] = columns.payload_length > 0
    found |= columns.payload_missing > 0
    found |= (columns.flags & CLOSING) != 0
    found &= ~columns.in_error
    return found


def begins(columns: TransportColumns, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which rows begin as a TLS hello or an HTTP message does, or hold a TLS hello further on.

    Payload that does not lie in the block in one piece is not looked at: it may.
    """
    at = columns.payload_offset[rows]
    elsewhere = at >= EXTRA
    heads = gather(columns.buffer, np.where(elsewhere, 0, at), _HEAD)
    found: NDArray[np.bool_] = (
        (heads["record"] == HANDSHAKE_RECORD)
        & (heads["minor"] <= 4)
        & ((heads["message"] == 1) | (heads["message"] == 2))
        & (columns.payload_length[rows] > 5)
    )
    for start in _HTTP_STARTS:
        found |= heads["start"] == start
    found |= _holds_hello(columns, rows[~elsewhere], at[~elsewhere])[np.cumsum(~elsewhere) - 1] & ~elsewhere
    return found | elsewhere


def _holds_hello(
    columns: TransportColumns, rows: NDArray[np.int64], at: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Tell which rows hold a TLS hello anywhere; what lies between rows close by is searched, too."""
    found = np.zeros(max(len(rows), 1), np.bool_)
    if not len(rows):
        return found
    length = columns.payload_length[rows]
    memory = columns.buffer.data
    order = np.argsort(at, kind="stable")
    begin, end = at[order], (at + length)[order]
    apart = np.flatnonzero(begin[1:] - end[:-1] > _NEXT_TO) + 1
    for first, last in zip(np.r_[0, apart].tolist(), np.r_[apart, len(rows)].tolist(), strict=True):
        for hello in HELLO.finditer(memory, int(begin[first]), int(end[last - 1])):
            place = int(np.searchsorted(begin, hello.start(), "right")) - 1
            found[order[place]] |= hello.end() <= end[place]
    return found
