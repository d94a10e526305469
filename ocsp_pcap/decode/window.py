"""Fixed-width windows over a packet block, read as columns of header fields."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture.batch import Bytes, Column

Window = NDArray[np.void]


def layout(width: int, **fields: tuple[str, int]) -> np.dtype[np.void]:
    """Return a structured dtype of ``width`` bytes; each field is given as (format, offset)."""
    description: Any = {
        "names": list(fields),
        "formats": [form for form, _ in fields.values()],
        "offsets": [offset for _, offset in fields.values()],
        "itemsize": width,
    }
    form: np.dtype[np.void] = np.dtype(description)
    return form


_IPV4 = {
    "version_and_length": ("u1", 0),
    "total_length": (">u2", 2),
    "fragment": (">u2", 6),
    "hop_limit": ("u1", 8),
    "protocol": ("u1", 9),
    "source": (">u4", 12),
    "destination": (">u4", 16),
}
_TCP = {
    "source_port": (">u2", 0),
    "destination_port": (">u2", 2),
    "sequence": (">u4", 4),
    "acknowledgment": (">u4", 8),
    "data_offset": ("u1", 12),
    "flags": ("u1", 13),
    "window": (">u2", 14),
}


def _shifted(fields: dict[str, tuple[str, int]], by: int) -> dict[str, tuple[str, int]]:
    return {name: (form, offset + by) for name, (form, offset) in fields.items()}


IPV4 = layout(20, **_IPV4)
"""IPv4 header (RFC 791 3.1)."""
TCP_HEADER = layout(16, **_TCP)
"""TCP header up to and with the window (RFC 9293 3.1)."""
ETHERNET_IPV4_TCP = layout(40, first=("u8", 0), second=("u8", 8), **_shifted(_IPV4, 4), **_shifted(_TCP, 24))
"""What follows the first ten bytes of an Ethernet frame, if it is IPv4 without options and TCP.

The EtherType stands in the ``first`` eight bytes. They and the ``second`` ones compare with :func:`word`.
"""
ETHERNET_IPV4_START = 10
IPV6 = layout(
    40,
    version=("u1", 0),
    payload_length=(">u2", 4),
    next_header=("u1", 6),
    hop_limit=("u1", 7),
    source_high=(">u8", 8),
    source_low=(">u8", 16),
    destination_high=(">u8", 24),
    destination_low=(">u8", 32),
)
"""IPv6 header (RFC 8200 3)."""
UDP_HEADER = layout(8, source_port=(">u2", 0), destination_port=(">u2", 2), length=(">u2", 4))
"""UDP header (RFC 768)."""
BYTE = layout(1, value=("u1", 0))
UINT16 = layout(2, value=(">u2", 0))
UINT32 = layout(4, value=(">u4", 0))
SNAP = layout(8, sap=(">u2", 0), control=("u1", 2), ethertype=(">u2", 6))
"""LLC and SNAP headers (IEEE 802.2)."""


def word(octets: str) -> np.uint64:
    """Return up to eight bytes, written in hexadecimal, as the native number that begins with them."""
    return np.uint64(int.from_bytes(bytes.fromhex(octets).ljust(8, b"\0"), sys.byteorder))


def gather(buffer: Bytes, at: Column, form: np.dtype[np.void]) -> Window:
    """Copy one window at each position in ``at`` and return it as records of ``form``.

    Positions must lie at least ``form.itemsize`` bytes before the end of ``buffer``, which
    :data:`~ocsp_pcap.capture.batch.PADDING` guarantees for positions within packets.
    """
    width = form.itemsize
    overlapping: Window = np.ndarray(
        (max(len(buffer) - width + 1, 0),), np.dtype(f"V{width}"), buffer=buffer.data, strides=(1,)
    )
    return overlapping[at].view(form)


def pick(window: Window, index: NDArray[Any]) -> Window:
    """Return some records, copied whole rather than field by field."""
    opaque: Window = window.view(f"V{window.dtype.itemsize}")
    picked: Window = opaque[index].view(window.dtype)
    return picked


def byte(buffer: Bytes, at: Column) -> NDArray[np.uint8]:
    """Return the byte at each position."""
    values: NDArray[np.uint8] = gather(buffer, at, BYTE)["value"]
    return values


def uint16(buffer: Bytes, at: Column) -> NDArray[np.uint16]:
    """Return the 16-bit number at each position, in network byte order."""
    values: NDArray[np.uint16] = gather(buffer, at, UINT16)["value"].astype(np.uint16)
    return values


def uint32(buffer: Bytes, at: Column) -> NDArray[np.uint32]:
    """Return the 32-bit number at each position, in network byte order."""
    values: NDArray[np.uint32] = gather(buffer, at, UINT32)["value"].astype(np.uint32)
    return values
