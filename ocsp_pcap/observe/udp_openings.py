"""Datagrams that can begin a handshake, found in a whole batch at once."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.decode.columns import TransportColumns
from ocsp_pcap.decode.window import Window, layout
from ocsp_pcap.quic.versions import MINIMUM_INITIAL_DATAGRAM, VERSION_1, VERSION_2

Flags = NDArray[np.bool_]

_HEAD: Final = layout(
    16,
    first=("u1", 0),
    version=(">u4", 1),
    google_version=("u1", 9),
)


class Beginnings:
    """For some rows of a batch, as columns of flags; the parsers judge more strictly."""

    def __init__(self, columns: TransportColumns, rows: NDArray[np.int64]) -> None:
        at = columns.payload_offset[rows]
        length = columns.payload_length[rows]
        heads = columns.fields_at(at, _HEAD)
        first = heads["first"]
        self.any: Flags = _quic(heads)
        """It can begin a handshake of a flow of which nothing is known."""
        is_initial = (first & 0x30) == np.where(heads["version"] == VERSION_2, 0x10, 0)
        self.quic_initial: Flags = (
            ((first & 0xC0) == 0xC0) & is_initial & (length >= MINIMUM_INITIAL_DATAGRAM) & self.any
        )
        """It may be the first of another QUIC connection."""


def _quic(heads: Window) -> Flags:
    """Tell long headers of a version that looks_like_quic knows, and gQUIC's packets with a version."""
    first, version = heads["first"], heads["version"]
    known: Flags = (version == 0) | (version == VERSION_1) | (version == VERSION_2)
    known |= (version >> 8 == 0xFF0000) | (version >> 4 == 0xFACEB00)
    known |= (version >> 24 == 0x51) | (version >> 16 == 0x5430) | (version & 0x0F0F0F0F == 0x0A0A0A0A)
    known &= first >= 0x80
    known |= ((first & 0xCB) == 0x09) & (heads["google_version"] == 0x51)
    return known
