"""Packets off the fast path, one by one: other link types, extension headers, fragments, ICMP errors.

Link types are read by scapy (see :mod:`ocsp_pcap.decode.encapsulations`); IP itself is read here, since
the rows need exact positions in the packet. What turns out to carry another packet is handed back, so
that it is read as columns again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field, replace
from struct import Struct

import numpy as np

from ocsp_pcap.capture.batch import PADDING, PacketBatch
from ocsp_pcap.decode.blocks import TCP_MINIMUM, UDP_MINIMUM, Block, block_of
from ocsp_pcap.decode.columns import EXTRA
from ocsp_pcap.decode.encapsulations import after_link, after_port
from ocsp_pcap.decode.fast import FastResult, Level, kinds_of_ports
from ocsp_pcap.decode.fragments import Fragments
from ocsp_pcap.decode.frames import Frames, Space
from ocsp_pcap.decode.kinds import OF_PROTOCOL, Kind
from ocsp_pcap.decode.protocols import (
    AUTHENTICATION,
    EXTENSION_HEADERS,
    FRAGMENT,
    ICMP,
    ICMP_ERRORS,
    ICMP_REDIRECT,
    ICMPV6,
    ICMPV6_ERRORS,
    ICMPV6_REDIRECT,
    REDIRECTED_HEADER,
    ROUTING,
    TCP,
    UDP,
)
from ocsp_pcap.decode.undecoded import BAD_HEADER, PROTOCOL, Undecoded, name_of
from ocsp_pcap.records import dataclass

_MAXIMUM_EXTENSIONS = 64
_TCP_HEADER = Struct(">HHIIBBH")
_UDP_HEADER = Struct(">HHH")
_LOW = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Handed:
    """Packets found inside others, to be read as columns."""

    level: Level
    in_extra: bool
    """Positions are those of the reassembled datagrams, not of the batch."""
    quoted: bool


@dataclass(slots=True)
class SlowResult:
    """Rows of the slow path, in frame order, and what it hands back."""

    tcp: Block
    udp: Block
    handed: list[Handed]
    undecoded: Undecoded


@dataclass(frozen=True, slots=True)
class _Region:
    """Bytes in one piece, and the payload offset that their first byte has in the columns."""

    data: bytes
    base: int


@dataclass(frozen=True, slots=True)
class _Network:
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
class _Output:
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
        region: _Region,
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


class SlowPath:
    """Decodes the packets that the fast path leaves; remembers fragments between batches."""

    def __init__(self) -> None:
        self._fragments = Fragments()
        self._extra = bytearray()
        self.joined: dict[int, list[int]] = {}
        """Frames of the fragments of each datagram of this batch, by the frame that completes it."""
        self.disputed: dict[int, tuple[int, ...]] = {}
        """Those of them that disagree."""

    @property
    def fragments(self) -> Fragments:
        """Datagrams that wait for the rest of their fragments."""
        return self._fragments

    @property
    def extra(self) -> bytes:
        """The datagrams that were put together in this batch."""
        return bytes(self._extra)

    def begin(self) -> None:
        """Begin another batch."""
        self._extra = bytearray()
        self.joined = {}
        self.disputed = {}

    def space(self) -> Space:
        """Return the reassembled datagrams as packets stand in."""
        return Space(np.frombuffer(bytes(self._extra) + bytes(PADDING), np.uint8), EXTRA)

    def decode(self, batch: PacketBatch, fast: FastResult) -> SlowResult:
        """Return the rows of what ``fast`` left of ``batch``."""
        output = _Output(quoted=fast.quoted)
        buffer, base = fast.space.buffer, fast.space.base
        for row, at, end, reported_end, kind in _tasks(fast.slow):
            output.row, output.time = row, int(batch.time[row])
            output.frame = batch.first_frame + row
            region = _Region(buffer[at:end].tobytes(), base + at)
            if kind == Kind.SLOW_LINK:
                self._link(output, region, int(batch.link_type[row]), reported_end - at)
            elif kind == Kind.SLOW_PORT:
                source, destination = _PORTS.unpack(buffer[at - 8 : at - 4].tobytes())
                self._port(output, region, source, destination, reported_end - at)
            elif not self._network(output, region, 0, reported_end - at) and not fast.quoted:
                output.undecoded.add(BAD_HEADER)
        return SlowResult(block_of(output.tcp), block_of(output.udp), _handed(output), output.undecoded)

    def _link(self, output: _Output, region: _Region, link_type: int, reported_end: int) -> None:
        found = after_link(link_type, region.data)
        if found == "unknown":
            output.undecoded.add(f"link type {link_type}")
        elif isinstance(found, int):
            output.hand(Kind.IP, region, found, len(region.data), reported_end)

    def _port(
        self, output: _Output, region: _Region, source: int, destination: int, reported_end: int
    ) -> None:
        port = destination if destination in SCAPY_PORTS else source
        found = after_port(port, region.data)
        if isinstance(found, int):
            output.hand(Kind.IP, region, found, len(region.data), reported_end)

    def _network(self, output: _Output, region: _Region, at: int, reported_end: int) -> bool:
        """Read an IP header; say whether it is one."""
        data = region.data
        if at >= len(data):
            return False
        version = data[at] >> 4
        if version == 4:
            return self._ipv4(output, region, at, reported_end)
        if version == 6:
            return self._ipv6(output, region, at, reported_end)
        return False

    def _ipv4(self, output: _Output, region: _Region, at: int, reported_end: int) -> bool:
        data = region.data
        header_length = (data[at] & 15) * 4
        if header_length < 20 or at + header_length > len(data):
            return False
        total = int.from_bytes(data[at + 2 : at + 4])
        if 0 < total < header_length:
            return False
        announced_end = at + total if total else max(reported_end, at + header_length)
        network = _Network(
            ip_version=4,
            source=int.from_bytes(data[at + 12 : at + 16]),
            destination=int.from_bytes(data[at + 16 : at + 20]),
            protocol=data[at + 9],
            at=at + header_length,
            captured_end=min(len(data), announced_end),
            announced_end=announced_end,
            hop_limit=data[at + 8],
        )
        fragment = int.from_bytes(data[at + 6 : at + 8])
        if fragment & 0x3FFF:
            identification = int.from_bytes(data[at + 4 : at + 6])
            offset, more = (fragment & 0x1FFF) * 8, bool(fragment & 0x2000)
            self._fragment(output, region, network, identification, offset, more)
        else:
            self._transport(output, region, network)
        return True

    def _ipv6(self, output: _Output, region: _Region, at: int, reported_end: int) -> bool:
        data = region.data
        if at + 40 > len(data):
            return False
        length = int.from_bytes(data[at + 4 : at + 6])
        announced_end = at + 40 + length if length else max(reported_end, at + 40)
        end = min(len(data), announced_end)
        destination = int.from_bytes(data[at + 24 : at + 40])
        source = int.from_bytes(data[at + 8 : at + 24])
        protocol, hop_limit = data[at + 6], data[at + 7]
        at += 40
        fragment: tuple[int, int] | None = None
        for _ in range(_MAXIMUM_EXTENSIONS):
            if protocol not in EXTENSION_HEADERS and protocol not in (AUTHENTICATION, FRAGMENT):
                break
            if at + 8 > end:
                return True
            following = data[at]
            if protocol == FRAGMENT:
                placing = int.from_bytes(data[at + 2 : at + 4])
                at += 8
                if placing & 0xFFF9:
                    fragment = placing, int.from_bytes(data[at - 4 : at])
                    protocol = following
                    break
            elif protocol == AUTHENTICATION:
                at += (data[at + 1] + 2) * 4
            else:
                header = data[at : min(end, at + (data[at + 1] + 1) * 8)]
                if protocol == ROUTING:
                    destination = _final_destination(header, destination)
                at += (data[at + 1] + 1) * 8
            protocol = following
        network = _Network(6, source, destination, protocol, at, end, announced_end, hop_limit)
        if at > end:
            return True
        if fragment is None:
            self._transport(output, region, network)
        else:
            placing, identification = fragment
            self._fragment(output, region, network, identification, placing & 0xFFF8, bool(placing & 1))
        return True

    def _fragment(
        self,
        output: _Output,
        region: _Region,
        network: _Network,
        identification: int,
        offset: int,
        more: bool,
    ) -> None:
        """Take a fragment; go on with the datagram if it is complete now."""
        if output.quoted:
            return
        if network.captured_end != network.announced_end:
            # The first fragment still tells which stream it belongs to, as in Wireshark.
            if not offset:
                self._transport(output, region, network, in_error=True)
            return
        # RFC 8200 4.5: the protocol is no part of the key, since only the first fragment's counts.
        protocol = network.protocol if network.ip_version == 4 else -1
        key = (network.ip_version, network.source, network.destination, identification, protocol)
        payload = region.data[network.at : network.captured_end]
        datagram = self._fragments.add(key, offset, more, payload, output.time, output.frame)
        if datagram is None:
            return
        self.joined[output.frame] = self._fragments.joined
        if self._fragments.disputed:
            self.disputed[output.frame] = self._fragments.disputed
        base = EXTRA + len(self._extra)
        self._extra += datagram
        length = len(datagram)
        complete = replace(network, at=0, captured_end=length, announced_end=length)
        self._transport(output, _Region(datagram, base), complete)

    def _transport(
        self, output: _Output, region: _Region, network: _Network, *, in_error: bool = False
    ) -> None:
        """Read what an IP packet carries, behind authentication headers (RFC 4302 2)."""
        data, end = region.data, network.captured_end
        protocol, at = network.protocol, network.at
        for _ in range(_MAXIMUM_EXTENSIONS):
            if protocol != AUTHENTICATION or network.ip_version != 4 or at + 8 > end:
                break
            protocol, at = data[at], at + (data[at + 1] + 2) * 4
        if at > end:
            return
        network = replace(network, protocol=protocol, at=at)
        in_error = in_error or output.quoted
        if protocol == TCP:
            _tcp(output, region, network, in_error)
        elif protocol == UDP:
            _udp(output, region, network, in_error)
        elif protocol == (ICMP if network.ip_version == 4 else ICMPV6):
            quoted = _quoted(network, data[at:end])
            if quoted is not None:
                start, length = quoted
                piece_end = min(end, at + start + length)
                if at + start < piece_end:
                    output.hand(Kind.IP, region, at + start, piece_end, network.announced_end, quoted=True)
        else:
            _carried(output, region, network, in_error)


_PORTS = Struct(">HH")
SCAPY_PORTS = frozenset({3544, 5247, 37008})
_READABLE = frozenset(Kind) - {Kind.NOTHING, Kind.UNKNOWN, Kind.SLOW_IP}


def _tasks(slow: Level) -> list[tuple[int, int, int, int, int]]:
    """Return (row, position, end, end on the wire, kind) of all packets left, in frame order."""
    tasks: list[tuple[int, int, int, int, int]] = []
    for kind, pieces in slow.items():
        for piece in pieces:
            columns = (piece.row, piece.at, piece.captured_end, piece.reported_end)
            tasks += [
                (row, at, end, reported_end, kind)
                for row, at, end, reported_end in zip(*(column.tolist() for column in columns), strict=True)
            ]
    return sorted(tasks)


def _handed(output: _Output) -> list[Handed]:
    return [
        Handed({kind: [_frames(found)] for kind, found in levels.items()}, in_extra, quoted)
        for (in_extra, quoted), levels in output.handed.items()
    ]


def _frames(found: Iterable[tuple[int, int, int, int]]) -> Frames:
    return Frames(*np.array(list(found), np.int64).T)


def _carried(output: _Output, region: _Region, network: _Network, in_error: bool) -> None:
    """Hand back what an IP packet carries as a tunnel."""
    at, end = network.at, network.captured_end
    kind = int(OF_PROTOCOL[network.protocol])
    if kind == Kind.UNKNOWN and not in_error:
        output.undecoded.add(name_of(PROTOCOL, network.protocol))
    if kind in _READABLE and at < end:
        output.hand(kind, region, at, end, network.announced_end, quoted=in_error)


def _tcp(output: _Output, region: _Region, network: _Network, in_error: bool) -> None:
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


def _udp(output: _Output, region: _Region, network: _Network, in_error: bool) -> None:
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


def _quoted(network: _Network, message: bytes) -> tuple[int, int] | None:
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


def _final_destination(header: bytes, destination: int) -> int:
    """Return the last stop that a routing header names (RFC 2460 4.4, RFC 6275 6.4, RFC 8754 2)."""
    kind, left = header[2], header[3]
    if not left or len(header) < 24:
        return destination
    if kind in (0, 2):
        return int.from_bytes(header[-16:]) if len(header) % 16 == 8 else destination
    return int.from_bytes(header[8:24]) if kind == 4 else destination


def _row_start(output: _Output, network: _Network) -> tuple[int, ...]:
    return (
        output.row,
        network.ip_version,
        network.source >> 64,
        network.source & _LOW,
        network.destination >> 64,
        network.destination & _LOW,
    )
