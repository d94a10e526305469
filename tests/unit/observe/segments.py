"""Captures of TCP connections, segment by segment, with every field of the headers to choose."""

from __future__ import annotations

import contextlib
import ipaddress
import ssl
import struct
from dataclasses import dataclass
from pathlib import Path

CLIENT, SERVER = 0, 1
HOSTS = (("10.9.0.1", 40001), ("10.9.0.2", 443))
START = (1000, 5000)
"""Initial sequence numbers."""
BITS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32}


@dataclass(frozen=True)
class Wire:
    """A segment; its position is that among its direction's bytes, and -1 that of the SYN."""

    direction: int
    flags: str
    position: int
    data: bytes = b""
    heard: int | None = 0
    """Bytes of the other side that are acknowledged; None: the field is 0."""
    hop_limit: int = 64
    checksum: str = "right"
    """right, wrong, or unfinished: that of the pseudo-header alone."""
    header_checksum: int = 0
    """Of IPv4; 0: it is left to a network interface."""
    urgent: int = 0
    options: bytes = b""
    window: int = 65535


def client_hello(name: str) -> bytes:
    """Return a real ClientHello record for a server name."""
    sent = ssl.MemoryBIO()
    connection = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        connection.do_handshake()
    return sent.read()


def opening(*, scale: bytes = b"") -> list[Wire]:
    """Return the three segments that open a connection."""
    return [
        Wire(CLIENT, "S", -1, heard=None, options=scale),
        Wire(SERVER, "SA", -1, heard=0, options=scale),
        Wire(CLIENT, "A", 0),
    ]


def packet(wire: Wire, *, start: tuple[int, int] = START, version: int = 4) -> bytes:
    """Return an Ethernet frame."""
    (source, source_port), (destination, destination_port) = HOSTS[wire.direction], HOSTS[1 - wire.direction]
    sequence = (start[wire.direction] + 1 + wire.position) % (1 << 32)
    acknowledgment = 0 if wire.heard is None else (start[1 - wire.direction] + 1 + wire.heard) % (1 << 32)
    options = wire.options + b"\x01" * (-len(wire.options) % 4)
    flags = sum(BITS[flag] for flag in wire.flags)
    length = 20 + len(options) + len(wire.data)
    if version == 4:
        addresses = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
        pseudo = addresses + struct.pack(">HH", 6, length)
        network = struct.pack(
            ">BBHHHBBH", 0x45, 0, 20 + length, 0, 0x4000, wire.hop_limit, 6, wire.header_checksum
        )
        network += addresses
        kind = b"\x08\x00"
    else:
        addresses = b"".join(
            ipaddress.ip_address("2001:db8::" + host[-1]).packed for host in (source, destination)
        )
        pseudo = addresses + struct.pack(">II", length, 6)
        network = struct.pack(">IHBB", 6 << 28, length, 6, wire.hop_limit) + addresses
        kind = b"\x86\xdd"
    header = struct.pack(
        ">HHIIBBHHH",
        source_port,
        destination_port,
        sequence,
        acknowledgment,
        (20 + len(options)) << 2,
        flags,
        wire.window,
        0,
        wire.urgent,
    )
    segment = header + options + wire.data
    total = sum(struct.unpack(f">{(len(pseudo + segment) + 1) // 2}H", pseudo + segment + bytes(length & 1)))
    partial = sum(struct.unpack(f">{len(pseudo) // 2}H", pseudo))
    checksum = {
        "right": ~_folded(total) & 0xFFFF,
        "wrong": (~_folded(total) & 0xFFFF) ^ 0x5A5A,
        "unfinished": _folded(partial),
    }[wire.checksum]
    segment = segment[:16] + struct.pack(">H", checksum) + segment[18:]
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02" + kind + network + segment


def _folded(total: int) -> int:
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def write_capture(
    path: Path, wires: list[Wire], *, start: tuple[int, int] = START, version: int = 4, after: int = 0
) -> Path:
    """Write a pcap of segments, ten milliseconds apart, from so many seconds on, and return its path."""
    content = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for number, wire in enumerate(wires):
        frame = packet(wire, start=start, version=version)
        seconds, rest = divmod(number, 100)
        times = struct.pack("<II", 1_700_000_000 + after + seconds, rest * 10_000)
        content += times + struct.pack("<II", len(frame), len(frame)) + frame
    path.write_bytes(content)
    return path
