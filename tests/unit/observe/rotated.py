"""Cuts captures into the files that a ring of ``dumpcap -b`` would have left."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

FILE_HEADER = 24
RECORD_HEADER = 16
LITTLE_ENDIAN = (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1")


def split(path: Path, directory: Path, cuts: Sequence[int], name: str = "egress") -> list[Path]:
    """Cut a pcap behind the frames whose numbers ``cuts`` gives, in ascending order.

    Files are named by number and by the time of their first frame in UTC
    (``egress_00001_20261122104300.pcap``); one without frames goes by the time of the file before it.
    They have what the capture has: its header and its records, byte for byte.
    """
    content = path.read_bytes()
    header, order = content[:FILE_HEADER], "<" if content[:4] in LITTLE_ENDIAN else ">"
    records = list(_records(content, order))
    directory.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    seconds = 0
    for number, (low, high) in enumerate(zip((0, *cuts), (*cuts, len(records)), strict=True), 1):
        if records[low:high]:
            (seconds,) = struct.unpack_from(f"{order}I", records[low])
        time = datetime.fromtimestamp(seconds, UTC)
        paths.append(directory / f"{name}_{number:05}_{time:%Y%m%d%H%M%S}.pcap")
        paths[-1].write_bytes(header + b"".join(records[low:high]))
    return paths


def _records(content: bytes, order: str) -> Iterator[bytes]:
    position = FILE_HEADER
    while position < len(content):
        (length,) = struct.unpack_from(f"{order}I", content, position + 8)
        end = position + RECORD_HEADER + length
        yield content[position:end]
        position = end
