"""Packet batches from packets, and rows as plain tuples."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import numpy as np

from ocsp_pcap.capture.batch import PADDING, PacketBatch
from ocsp_pcap.decode.columns import TransportColumns


def batch_of(
    packets: Sequence[bytes],
    link_type: int | Sequence[int] = 1,
    original: Sequence[int] | None = None,
    first_frame: int = 1,
) -> PacketBatch:
    """One batch of packets, a second apart, with rubbish between them."""
    buffer = bytearray(b"\xee" * 7)
    offsets = []
    for packet in packets:
        offsets.append(len(buffer))
        buffer += bytes(packet) + b"\xee" * 16
    buffer += b"\xee" * PADDING
    count = len(packets)
    lengths = np.array([len(packet) for packet in packets], np.int64)
    return PacketBatch(
        buffer=np.frombuffer(bytes(buffer), np.uint8),
        first_frame=first_frame,
        offset=np.array(offsets, np.int64),
        captured_length=lengths,
        original_length=lengths if original is None else np.array(original, np.int64),
        time=(np.arange(count, dtype=np.int64) + first_frame) * 10**9,
        link_type=np.broadcast_to(np.array(link_type, np.int64), (count,)),
    )


def address(version: int, high: int, low: int) -> str:
    value = high << 64 | low
    return str(ipaddress.IPv4Address(value) if version == 4 else ipaddress.IPv6Address(value))


def rows(columns: TransportColumns) -> list[tuple[int, str, int, str, int, bytes]]:
    """(frame, source, port, destination, port, payload) of each row."""
    found = []
    for row in range(len(columns)):
        version = int(columns.ip_version[row])
        found.append(
            (
                int(columns.frame[row]),
                address(version, int(columns.source_high[row]), int(columns.source_low[row])),
                int(columns.source_port[row]),
                address(version, int(columns.destination_high[row]), int(columns.destination_low[row])),
                int(columns.destination_port[row]),
                columns.payload(row),
            )
        )
    return found
