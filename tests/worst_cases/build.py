"""Packets and capture files of the worst cases, written quickly, without a library."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

SYN, PUSH, ACK = 2, 8, 16
CLIENT_HELLO = 1
_MACS = bytes.fromhex("02000000000a020000000009")


def ipv4(protocol: int, payload: bytes, source: int = 0x0A000001, destination: int = 0x0A000002) -> bytes:
    """An IPv4 packet without its checksum."""
    return (
        struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0, source, destination)
        + payload
    )


def ethernet(ethertype: int, payload: bytes) -> bytes:
    """An Ethernet frame."""
    return _MACS + ethertype.to_bytes(2, "big") + payload


def tcp(
    flow: int,
    payload: bytes,
    *,
    from_client: bool = True,
    sequence: int = 1,
    port: int = 443,
    flags: int = ACK | PUSH,
) -> bytes:
    """A segment of flow number ``flow``: an address and a port of its own."""
    client, server = 0x0B000000 + (flow >> 14), 0xC6336401
    client_port = 20_000 + (flow & 0x3FFF)
    ends = (client_port, port) if from_client else (port, client_port)
    header = struct.pack(">HHIIBBHHH", *ends, sequence, 1, 0x50, flags, 65535, 0, 0)
    addresses = (client, server) if from_client else (server, client)
    return ethernet(0x0800, ipv4(6, header + payload, *addresses))


def udp(flow: int, payload: bytes, *, port: int = 443) -> bytes:
    """A datagram of the client of flow number ``flow``."""
    header = struct.pack(">HHHH", 20_000 + (flow & 0x3FFF), port, 8 + len(payload), 0)
    return ethernet(0x0800, ipv4(17, header + payload, 0x0B000000 + (flow >> 14), 0xC6336401))


def record(kind: int, content: bytes) -> bytes:
    """TLS records of at most 16 kB."""
    pieces = [content[at : at + 16384] for at in range(0, len(content), 16384)]
    return b"".join(struct.pack(">BHH", kind, 0x0303, len(piece)) + piece for piece in pieces)


def message(kind: int, content: bytes) -> bytes:
    """A handshake message."""
    return bytes([kind]) + len(content).to_bytes(3, "big") + content


def client_hello(number: int, host: bytes = b"") -> bytes:
    """A ClientHello with a random and a host name of its own."""
    name = host or b"h%d.test" % number
    entry = b"\0" + len(name).to_bytes(2, "big") + name
    listed = len(entry).to_bytes(2, "big") + entry
    extensions = b"\0\0" + len(listed).to_bytes(2, "big") + listed + b"\0\x1b\0\7\6\0\1\0\2\0\3"
    random = number.to_bytes(32, "big")
    body = b"\3\3" + random + b"\0" + b"\0\2\xc0\x2f" + b"\1\0"
    return record(22, message(CLIENT_HELLO, body + len(extensions).to_bytes(2, "big") + extensions))


def server_hello(number: int) -> bytes:
    """A ServerHello of TLS 1.2."""
    return record(22, message(2, b"\3\3" + number.to_bytes(32, "big") + b"\0" + b"\xc0\x2f\0"))


def certificate(*ders: bytes) -> bytes:
    """A Certificate message of TLS 1.2."""
    chain = b"".join(len(der).to_bytes(3, "big") + der for der in ders)
    return record(22, message(11, len(chain).to_bytes(3, "big") + chain))


def segments(flow: int, payload: bytes, *, from_client: bool, port: int = 443) -> Iterable[bytes]:
    """The segments that carry some bytes of one direction."""
    for at in range(0, len(payload), 1400):
        yield tcp(flow, payload[at : at + 1400], from_client=from_client, sequence=1 + at, port=port)


def pcap(path: Path, frames: Iterable[bytes], link_type: int = 1) -> Path:
    """Write a capture, a packet each millisecond."""
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link_type))
        for number, frame in enumerate(frames):
            seconds, milliseconds = divmod(number, 1000)
            out.write(
                struct.pack("<IIII", 1_700_000_000 + seconds, milliseconds * 1000, len(frame), len(frame))
            )
            out.write(frame)
    return path
