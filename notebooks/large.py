"""A large capture made of the samples: what a parent proxy does there, at many sites and over an hour."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
CHOSEN = (
    "cached-in-capture", "crl-instead", "ocsp-at-parent", "repeated-queries", "responder-troubles",
    "resumed-sessions", "staples", "ttl-override",
)  # fmt: skip
"""Samples whose ``parent.pcap`` is taken."""
HEADER = struct.Struct("<IHHiIII")
RECORD = struct.Struct("<IIII")
MICROSECONDS = 1_000_000


def write_large_capture(path: Path, sites: int = 40, *, apart: int = 90) -> int:
    """Write the packets of all chosen samples at each site, which has the network 10.SITE.0.0/16 of its own.

    Sites do what the samples show ``apart`` seconds after one another. Return the number of packets.
    """
    day = [packet for name in CHOSEN for packet in _packets(SAMPLES / name / "parent.pcap")]
    everything = [
        (time + site * apart * MICROSECONDS, _at_site(data, site))
        for site in range(1, sites + 1)
        for time, data in day
    ]
    everything.sort(key=lambda packet: packet[0])
    with path.open("wb") as file:
        file.write(HEADER.pack(0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
        for time, data in everything:
            file.write(RECORD.pack(*divmod(time, MICROSECONDS), len(data), len(data)) + data)
    return len(everything)


def _packets(path: Path) -> Iterator[tuple[int, bytes]]:
    content = path.read_bytes()
    at = HEADER.size
    while at < len(content):
        seconds, microseconds, length, _ = RECORD.unpack_from(content, at)
        at += RECORD.size
        yield seconds * MICROSECONDS + microseconds, content[at : at + length]
        at += length


def _at_site(data: bytes, site: int) -> bytes:
    """Return an Ethernet frame as it would be at a site: 10.77.x.y is 10.SITE.x.y, a ClientHello its own."""
    here, there = bytes((10, 77)), bytes((10, site))
    packet = bytearray(data)
    if data[12:14] != b"\x08\x00":
        return data
    for at in (26, 30):
        if data[at : at + 2] == here:
            packet[at : at + 2] = there
    payload = 14 + (data[14] & 15) * 4
    if data[23] == 17 and 53 in struct.unpack_from("!HH", data, payload):
        packet[payload + 8 :] = data[payload + 8 :].replace(b"\0\x04" + here, b"\0\x04" + there)
    if data[23] == 6:
        hello = payload + (data[payload + 12] >> 4) * 4
        if data[hello : hello + 2] == b"\x16\x03" and data[hello + 5 : hello + 6] == b"\x01":
            # The first octet of the random (RFC 5246 7.4.1.2): no two connections share it.
            packet[hello + 11] ^= site
    _correct(data, packet, 24, 14, payload)
    checksum = {6: payload + 16, 17: payload + 6}.get(data[23])
    if checksum is not None:
        _correct(data, packet, checksum, 26, len(data))
    return bytes(packet)


def _correct(old: bytes, new: bytearray, checksum: int, start: int, end: int) -> None:
    """Change a checksum by as much as what it covers has changed (RFC 1624)."""
    change = sum((new[at] - old[at]) << (0 if at % 2 else 8) for at in range(start, end) if at // 2 != checksum // 2)
    (before,) = struct.unpack_from("!H", old, checksum)
    total = (~before & 0xFFFF) + change
    struct.pack_into("!H", new, checksum, ~(total % 0xFFFF) & 0xFFFF)
