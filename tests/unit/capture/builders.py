"""Captures made byte by byte, and plain sequential readers to compare the fast ones with."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from ocsp_pcap.capture import CaptureReader, CaptureSummary, open_capture

Row: TypeAlias = tuple[int, int, int, int, int, bytes]
"""Frame, time, captured length, original length, link type, packet."""


def pcap_header(
    order: str = "<",
    magic: int = 0xA1B2C3D4,
    version: tuple[int, int] = (2, 4),
    snaplen: int = 65535,
    network: int = 1,
) -> bytes:
    return struct.pack(order + "IHHiIII", magic, *version, 0, 0, snaplen, network)


def pcap_record(
    data: bytes,
    order: str = "<",
    seconds: int = 1_700_000_000,
    fraction: int = 123_456,
    original: int | None = None,
    extra: bytes = b"",
) -> bytes:
    lengths = (len(data), len(data) if original is None else original)
    return struct.pack(order + "IIII", seconds, fraction, *lengths) + extra + data


def block(kind: int, body: bytes, order: str = "<", length: int | None = None) -> bytes:
    body += bytes(-len(body) % 4)
    length = len(body) + 12 if length is None else length
    return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", length)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link_type: int = 1, snaplen: int = 0, options: bytes = b"", order: str = "<") -> bytes:
    return block(1, struct.pack(order + "HHI", link_type, 0, snaplen) + options, order)


def enhanced(
    data: bytes,
    number: int = 0,
    stamp: int = 1_700_000_000_000_000,
    original: int | None = None,
    order: str = "<",
    captured: int | None = None,
) -> bytes:
    lengths = (len(data) if captured is None else captured, len(data) if original is None else original)
    head = struct.pack(order + "IIIII", number, stamp >> 32, stamp & 0xFFFFFFFF, *lengths)
    return block(6, head + data, order)


def simple(data: bytes, original: int | None = None, order: str = "<") -> bytes:
    return block(3, struct.pack(order + "I", len(data) if original is None else original) + data, order)


def read(path: Path, content: bytes, block_size: int = 1 << 20) -> tuple[list[Row], CaptureSummary]:
    path.write_bytes(content)
    return rows_of(open_capture(path, block_size))


def rows_of(reader: CaptureReader) -> tuple[list[Row], CaptureSummary]:
    rows: list[Row] = []
    for batch in reader:
        for row in range(len(batch)):
            start, length = int(batch.offset[row]), int(batch.captured_length[row])
            rows.append(
                (
                    batch.first_frame + row,
                    int(batch.time[row]),
                    length,
                    int(batch.original_length[row]),
                    int(batch.link_type[row]),
                    batch.buffer[start : start + length].tobytes(),
                )
            )
    return rows, reader.summary


def plain_pcap(content: bytes, order: str = "<", scale: int = 1000, limit: int = 262144) -> list[Row]:
    """Walk the records of a version 2.4 pcap one after the other."""
    rows: list[Row] = []
    position = 24
    while position + 16 <= len(content):
        seconds, fraction, captured, original = struct.unpack_from(order + "IIII", content, position)
        if captured > limit or position + 16 + captured > len(content):
            break
        data = content[position + 16 : position + 16 + captured]
        rows.append((len(rows) + 1, seconds * 10**9 + fraction * scale, captured, original, 1, data))
        position += 16 + captured
    return rows


def plain_pcapng(content: bytes) -> list[Row]:
    """Walk the blocks of a pcapng whose interfaces count microseconds and have no snapshot length."""
    rows: list[Row] = []
    position, order, links = 0, "<", list[int]()
    while position + 12 <= len(content):
        if content[position : position + 4] == b"\n\r\r\n":
            magic = content[position + 8 : position + 12]
            if magic not in (b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d"):
                break
            order = "<" if magic == b"\x4d\x3c\x2b\x1a" else ">"
        kind, length = struct.unpack_from(order + "II", content, position)
        length = (length + 3) & ~3
        end = position + length
        if length < 12 or end > len(content):
            break
        if (struct.unpack_from(order + "I", content, end - 4)[0] + 3) & ~3 != length:
            break
        body = content[position + 8 : end - 4]
        if kind == 0x0A0D0D0A:
            links = []
        elif kind == 1:
            links.append(struct.unpack_from(order + "H", body)[0])
        elif kind == 3:
            if not links or struct.unpack_from(order + "I", body)[0] > len(body) - 4:
                break
            size = struct.unpack_from(order + "I", body)[0]
            rows.append((len(rows) + 1, rows[-1][1] if rows else 0, size, size, links[0], body[4 : 4 + size]))
        elif kind == 6:
            if len(body) < 20:
                break
            number, high, low, size, original = struct.unpack_from(order + "IIIII", body)
            if number >= len(links) or size > min(len(body) - 20, 262144):
                break
            time = min(high << 32 | low, ((1 << 63) - 1) // 1000) * 1000
            rows.append((len(rows) + 1, time, size, original, links[number], body[20 : 20 + size]))
        elif kind == 0xBAD:
            rows.append((len(rows) + 1, rows[-1][1] if rows else 0, 0, 0, -1, b""))
        position = end
    return rows


def packets(rows: Sequence[Row]) -> list[bytes]:
    return [row[5] for row in rows]
