"""Several captures of one place and time as one file, packets in the order of their times."""

from __future__ import annotations

import struct
from pathlib import Path

GLOBAL_HEADER = struct.Struct("<IHHiIII")
RECORD_HEADER = struct.Struct("<IIII")
MICROSECONDS = 0xA1B2C3D4


def merge(captures: list[Path], output: Path) -> None:
    """Merge pcap files as tcpdump writes them here: little-endian, microseconds, one link type."""
    records: list[tuple[int, int, bytes]] = []
    headers: set[bytes] = set()
    for capture in captures:
        data = capture.read_bytes()
        magic, *_ = GLOBAL_HEADER.unpack_from(data)
        assert magic == MICROSECONDS, capture
        headers.add(data[: GLOBAL_HEADER.size])
        offset = GLOBAL_HEADER.size
        while offset < len(data):
            seconds, micros, captured, _ = RECORD_HEADER.unpack_from(data, offset)
            end = offset + RECORD_HEADER.size + captured
            records.append((seconds, micros, data[offset:end]))
            offset = end
    assert len(headers) == 1
    records.sort(key=lambda record: record[:2])
    output.write_bytes(headers.pop() + b"".join(record for *_, record in records))
