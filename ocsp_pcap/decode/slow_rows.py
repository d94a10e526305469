"""Rows that the slow path makes of IP packets, and packets inside them that it hands back."""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct

import numpy as np

from ocsp_pcap.decode.blocks import TCP_MINIMUM, UDP_MINIMUM
from ocsp_pcap.decode.columns import EXTRA
from ocsp_pcap.decode.fast import kinds_of_ports
from ocsp_pcap.decode.kinds import OF_PROTOCOL, Kind
from ocsp_pcap.decode.protocols import (
    ICMP_ERRORS,
    ICMP_REDIRECT,
    ICMPV6_ERRORS,
    ICMPV6_REDIRECT,
    REDIRECTED_HEADER,
)
from ocsp_pcap.decode.undecoded import PROTOCOL, Undecoded, name_of

_TCP_HEADER = Struct(">HHIIBBH")
_UDP_HEADER = Struct(">HHH")
_LOW = (1 << 64) - 1
_READABLE = frozenset(Kind) - {Kind.NOTHING, Kind.UNKNOWN, Kind.SLOW_IP}


@dataclass(frozen=True, slots=True)
class Region:
    """Bytes in one piece, and the payload offset that their first byte has in the columns."""

    data: bytes
    base: int


@dataclass(frozen=True, slots=True)
class Network:
    """An IP packet: its addresses, and where its payload starts and ends in a region."""

    ip_version: int
    source: int
    destination: int
    protocol: int
    at: int
    captured_end: int
    announced_end: int
    hop_limit: int


@dataclass(slots=True)
class Output:
    """The packet at hand, and the rows and packets that were made so far."""

    row: int = 0
    frame: int = 0
    time: int = 0
    quoted: bool = False
    tcp: list[tuple[int, ...]] = field(default_factory=list)
    udp: list[tuple[int, ...]] = field(default_factory=list)
    handed: dict[tuple[bool, bool], dict[int, list[tuple[int, int, int, int]]]] = field(default_factory=dict)
    undecoded: Undecoded = field(default_factory=Undecoded)

    def hand(
        self,
        kind: int,
        region: Region,
        at: int,
        captured_end: int,
        reported_end: int,
        *,
        quoted: bool = False,
    ) -> None:
        """Hand back what starts at a place of a region."""
        in_extra = region.base >= EXTRA
        base = region.base - EXTRA if in_extra else region.base
        levels = self.handed.setdefault((in_extra, quoted or self.quoted), {})
        levels.setdefault(kind, []).append((self.row, base + at, base + captured_end, base + reported_end))


def hand_carried(output: Output, region: Region, network: Network, in_error: bool) -> None:
    """Hand back what an IP packet carries as a tunnel."""
    at, end = network.at, network.captured_end
    kind = int(OF_PROTOCOL[network.protocol])
    if kind == Kind.UNKNOWN and not in_error:
        output.undecoded.add(name_of(PROTOCOL, network.protocol))
    if kind in _READABLE and at < end:
        output.hand(kind, region, at, end, network.announced_end, quoted=in_error)


def add_tcp(output: Output, region: Region, network: Network, in_error: bool) -> None:
    """Add the row of a TCP segment (RFC 9293 3.1); none where its header is cut."""
    at, end = network.at, network.captured_end
    if end - at < TCP_MINIMUM:
        return
    source, destination, sequence, acknowledgment, data_offset, flags, window = _TCP_HEADER.unpack_from(
        region.data, at
    )
    header_length = (data_offset >> 4) * 4
    start = at + header_length
    in_error = in_error or header_length < 20 or start > network.announced_end
    length = 0 if in_error else max(end - start, 0)
    missing = 0 if in_error else max(network.announced_end - max(end, start), 0)
    output.tcp.append(
        (
            *_row_start(output, network),
            source,
            destination,
            sequence,
            acknowledgment,
            flags,
            region.base + start,
            length,
            missing,
            in_error,
            network.hop_limit,
            window,
        )
    )


def add_udp(output: Output, region: Region, network: Network, in_error: bool) -> None:
    """Add the row of a UDP datagram (RFC 768), and hand back what travels in it as a tunnel."""
    at, end, announced_end = network.at, network.captured_end, network.announced_end
    if end - at < UDP_MINIMUM:
        return
    source, destination, length = _UDP_HEADER.unpack_from(region.data, at)
    if length < UDP_MINIMUM:
        return
    start = at + UDP_MINIMUM
    announced_end = min(announced_end, at + length)
    end = min(end, announced_end)
    output.udp.append(
        (
            *_row_start(output, network),
            source,
            destination,
            0,
            0,
            0,
            region.base + start,
            0 if in_error else end - start,
            0 if in_error else announced_end - end,
            in_error,
            network.hop_limit,
            0,
        )
    )
    kind = int(kinds_of_ports(np.array([source]), np.array([destination]))[0])
    if kind != Kind.NOTHING and start < end:
        output.hand(kind, region, start, end, announced_end, quoted=in_error)


def quoted_packet(network: Network, message: bytes) -> tuple[int, int] | None:
    """Return start and greatest length of the packet that an ICMP message quotes."""
    if not message:
        return None
    if network.ip_version == 4:
        if message[0] not in ICMP_ERRORS or len(message) <= 8:
            return None
        # Like Wireshark, believe of a redirect the 64 bits that RFC 792 promises, and no more.
        return 8, (message[8] & 15) * 4 + 8 if message[0] == ICMP_REDIRECT else len(message)
    if message[0] != ICMPV6_REDIRECT:
        return (8, len(message)) if message[0] in ICMPV6_ERRORS else None
    at = 40
    while at + 8 <= len(message) and message[at + 1]:
        if message[at] == REDIRECTED_HEADER:
            return at + 8, message[at + 1] * 8 - 8
        at += message[at + 1] * 8
    return None


def final_destination(header: bytes, destination: int) -> int:
    """Return the last stop that a routing header names (RFC 2460 4.4, RFC 6275 6.4, RFC 8754 2)."""
    kind, left = header[2], header[3]
    if not left or len(header) < 24:
        return destination
    if kind in (0, 2):
        return int.from_bytes(header[-16:]) if len(header) % 16 == 8 else destination
    return int.from_bytes(header[8:24]) if kind == 4 else destination


def _row_start(output: Output, network: Network) -> tuple[int, ...]:
    return (
        output.row,
        network.ip_version,
        network.source >> 64,
        network.source & _LOW,
        network.destination >> 64,
        network.destination & _LOW,
    )
