"""Connections of the sample captures, cut out so that they can be written again and again."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.api import read_facts

Positions = NDArray[np.int64]
PCAP_HEADER = 24
RECORD_HEADER = 16
ETHERNET = 14
HANDSHAKE, APPLICATION_DATA = 0x16, 0x17
RANDOM, SESSION_ID = 11, 44
"""Octets of a record of a hello before its random and before its session ID."""
FIN, SYN = 1, 2
CERTIFICATE_START = re.compile(rb"\x30\x82..\x30\x82..\xa0\x03\x02\x01\x02\x02([\x08-\x14])", re.DOTALL)
"""A version 3 certificate (RFC 5280 4.1) up to the length of its serial number."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One TCP packet of a sample, with the record header that stands before it."""

    record: bytes
    from_client: bool
    tcp: int
    """Where its TCP header begins in ``record``."""
    payload: int
    """Where its payload begins."""

    @property
    def flags(self) -> int:
        """TCP flags."""
        return self.record[self.tcp + 13]

    @property
    def data(self) -> bytes:
        """TCP payload."""
        (total,) = struct.unpack_from(">H", self.record, RECORD_HEADER + ETHERNET + 2)
        return self.record[self.payload : RECORD_HEADER + ETHERNET + total]

    def number(self, offset: int) -> int:
        """Return the 32 bits at an offset of the TCP header."""
        return int.from_bytes(self.record[self.tcp + offset : self.tcp + offset + 4], "big")


@dataclass(frozen=True, slots=True)
class Template:
    """A connection: all its packets in one array, and where what changes stands in it."""

    octets: NDArray[np.uint8]
    bounds: Positions
    """Where each packet begins, and the end of the last."""
    from_client: NDArray[np.bool_]
    tcp: Positions
    """Where each packet's TCP header begins."""
    sequence: NDArray[np.uint32]
    acknowledgment: NDArray[np.uint32]
    insert_at: int
    """The packet before which more data of the server may be put."""
    server_next: int
    """The server's sequence number there."""
    client_next: int
    serial: Positions
    """Where the 8 last octets of the leaf's serial number stand, each occurrence one row."""
    hellos: Positions
    """Where what makes a hello its own begins, see :func:`hello_places`."""
    is_tls: bool
    server_port: int

    @property
    def packets(self) -> int:
        """Number of packets."""
        return len(self.tcp)


def read_templates(samples: Path) -> list[Template]:
    """Cut whole TLS connections and plain OCSP exchanges out of the samples (Ethernet, IPv4)."""
    found: list[Template] = []
    for path in sorted(samples.glob("*/*.pcap")):
        streams = _streams(path.read_bytes())
        facts = read_facts([path])
        whole = {
            (h.client, h.client_port, h.server, h.server_port)
            for h in facts.handshakes
            if h.certificates and h.complete and h.application_data and not h.missing_bytes
        }
        asked = {
            (x.client, x.client_port, x.server, x.server_port)
            for x in facts.ocsp_exchanges
            if x.response is not None and x.requests
        }
        for ends, packets in streams.items():
            if ends in whole or ends in asked:
                template = _template(packets, ends[3], is_tls=ends in whole)
                if template is not None:
                    found.append(template)
    if not any(template.is_tls for template in found):
        raise SystemExit(f"no whole TLS connection in the captures below {samples}")
    return found


def _streams(content: bytes) -> dict[tuple[str, int, str, int], list[Packet]]:
    """Group the TCP packets of a little-endian Ethernet capture by (client, port, server, port)."""
    streams: dict[tuple[str, int, str, int], list[Packet]] = {}
    magic, link = struct.unpack_from("<I16xI", content)
    if magic not in (0xA1B2C3D4, 0xA1B23C4D) or link != 1:
        return streams
    position = PCAP_HEADER
    while position + RECORD_HEADER <= len(content):
        (captured, original) = struct.unpack_from("<8xII", content, position)
        record = content[position : position + RECORD_HEADER + captured]
        position += len(record)
        ip = RECORD_HEADER + ETHERNET
        if captured != original or record[ip - 2 : ip] != b"\x08\x00" or record[ip + 9] != 6:
            continue
        tcp = ip + (record[ip] & 15) * 4
        source, destination = (".".join(map(str, record[ip + at : ip + at + 4])) for at in (12, 16))
        source_port, destination_port = struct.unpack_from(">HH", record, tcp)
        payload = tcp + (record[tcp + 12] >> 4) * 4
        here, back = (
            (source, source_port, destination, destination_port),
            (destination, destination_port, source, source_port),
        )
        from_client = back not in streams
        streams.setdefault(here if from_client else back, []).append(
            Packet(record, from_client, tcp, payload)
        )
    return streams


def _template(packets: list[Packet], server_port: int, *, is_tls: bool) -> Template | None:
    if packets[0].flags & (SYN | 16) != SYN or not any(packet.flags & FIN for packet in packets):
        return None
    bounds = np.cumsum([0, *(len(packet.record) for packet in packets)])
    insert_at = len(packets)
    if is_tls:
        carrying = [n for n, packet in enumerate(packets) if packet.data[:1] == bytes([APPLICATION_DATA])]
        if not carrying:
            return None
        insert_at = carrying[-1] + 1
    ends = {True: 0, False: 0}
    for packet in packets[:insert_at]:
        length = len(packet.data) + bool(packet.flags & SYN) + bool(packet.flags & FIN)
        ends[packet.from_client] = packet.number(4) + length
    octets = np.frombuffer(b"".join(packet.record for packet in packets), np.uint8)
    return Template(
        octets=octets,
        bounds=bounds,
        from_client=np.array([packet.from_client for packet in packets]),
        tcp=np.array([start + packet.tcp for start, packet in zip(bounds, packets, strict=False)]),
        sequence=np.array([packet.number(4) for packet in packets], np.uint32),
        acknowledgment=np.array([packet.number(8) for packet in packets], np.uint32),
        insert_at=insert_at,
        server_next=ends[False],
        client_next=ends[True],
        serial=_serials(packets, bounds) if is_tls else np.empty((0, 8), np.int64),
        hellos=hello_places(octets, bounds),
        is_tls=is_tls,
        server_port=server_port,
    )


def hello_places(octets: NDArray[np.uint8], bounds: Positions) -> Positions:
    """Return where randoms and session IDs of 16 octets or more of TLS hellos (RFC 5246 7.4.1) begin.

    Args:
        octets: records of Ethernet, IPv4 and TCP, a hello at the beginning of its segment.
        bounds: where each record begins, and the end of the last.
    """
    ip = bounds[:-1] + RECORD_HEADER + ETHERNET
    tcp = ip + (octets[ip] & 15) * 4
    payload = tcp + (octets[tcp + 12] >> 4) * 4
    payload = payload[payload + SESSION_ID + 16 <= bounds[1:]]
    is_hello = (octets[payload] == HANDSHAKE) & (octets[payload + 1] == 3) & (octets[payload + 9] == 3)
    is_hello &= (octets[payload + 5] == 1) | (octets[payload + 5] == 2)
    hellos = payload[is_hello]
    has_session = octets[hellos + SESSION_ID - 1] >= 16
    return np.concatenate((hellos + RANDOM, hellos[has_session] + SESSION_ID))


def _serials(packets: list[Packet], bounds: Positions) -> Positions:
    """Find the server's first certificate; ends of serial numbers as positions of the template."""
    stream = b""
    where: list[int] = []
    expected: int | None = None
    for packet, start in zip(packets, bounds.tolist(), strict=False):
        if packet.from_client or packet.flags & SYN:
            continue
        expected = packet.number(4) if expected is None else expected
        if packet.number(4) == expected and packet.data:
            stream += packet.data
            where += range(start + packet.payload, start + packet.payload + len(packet.data))
            expected += len(packet.data)
    match = CERTIFICATE_START.search(stream)
    if match is None:
        return np.empty((0, 8), np.int64)
    end = match.end() + match[1][0]
    return np.array([where[end - 8 : end]], np.int64)
