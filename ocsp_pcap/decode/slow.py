"""Packets off the fast path, one by one: other link types, tunnels, extension headers, fragments.

What carries an IP packet is read by scapy (see :mod:`ocsp_pcap.decode.encapsulations`); IP itself
and what it carries is read here, since the rows need exact positions in the packet.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from struct import Struct

from ocsp_pcap.capture.batch import PacketBatch
from ocsp_pcap.decode.blocks import TCP_MINIMUM, UDP_MINIMUM, Block, block_of
from ocsp_pcap.decode.columns import EXTRA
from ocsp_pcap.decode.encapsulations import Found, after_link, after_port, after_protocol
from ocsp_pcap.decode.fast import FastResult
from ocsp_pcap.decode.fragments import Fragments
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
    IPIP,
    IPV4_IN_IP,
    IPV6_IN_IP,
    REDIRECTED_HEADER,
    ROUTING,
    TCP,
    TUNNEL_PROTOCOLS,
    TUNNEL_UDP_PORTS,
    UDP,
)

MAXIMUM_DEPTH = 16
"""IP headers within one packet."""
_MAXIMUM_EXTENSIONS = 64
_TCP_HEADER = Struct(">HHIIBB")
_UDP_HEADER = Struct(">HHH")
_TWO_WORDS = Struct(">QQ")
_LOW = (1 << 64) - 1


@dataclass(slots=True)
class SlowResult:
    """Rows of the slow path, in frame order."""

    tcp: Block
    udp: Block
    extra: bytes
    undecoded: int


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
    in_error: bool
    depth: int
    hop_limit: int = 0


@dataclass(slots=True)
class _Output:
    row: int = 0
    time: int = 0
    tcp: list[tuple[int, ...]] = field(default_factory=list)
    udp: list[tuple[int, ...]] = field(default_factory=list)
    extra: bytearray = field(default_factory=bytearray)


class SlowPath:
    """Decodes the packets that the fast path leaves; remembers fragments between batches."""

    def __init__(self) -> None:
        self._fragments = Fragments()

    @property
    def open_fragments(self) -> bool:
        """Fragments wait for the rest of their datagrams."""
        return len(self._fragments) > 0

    def decode(self, batch: PacketBatch, fast: FastResult) -> SlowResult:
        """Return the rows of what ``fast`` left of ``batch``."""
        output = _Output()
        undecoded = 0
        for row, start, port in _tasks(batch, fast):
            output.row, output.time = row, int(batch.time[row])
            base = int(batch.offset[row])
            end = base + int(batch.captured_length[row])
            if port >= 0:
                start -= base
            region = _Region(batch.buffer[base:end].tobytes(), base)
            original = int(batch.original_length[row])
            if port == _FROM_LINK:
                found = after_link(int(batch.link_type[row]), region.data)
                undecoded += found == "unknown" or (
                    isinstance(found, int) and not self._network(output, region, found, original, 0, False)
                )
            elif port == _FROM_NETWORK:
                undecoded += not self._network(output, region, start - base, original, 0, False)
            else:
                self._tunnel(output, region, after_port(port, region.data[start:]), start, original, 1)
        return SlowResult(block_of(output.tcp), block_of(output.udp), bytes(output.extra), undecoded)

    def _network(
        self, output: _Output, region: _Region, at: int, reported_end: int, depth: int, in_error: bool
    ) -> bool:
        """Read an IP header; say whether it is one."""
        data = region.data
        if depth > MAXIMUM_DEPTH or at >= len(data):
            return depth > MAXIMUM_DEPTH
        version = data[at] >> 4
        if version == 4:
            return self._ipv4(output, region, at, reported_end, depth, in_error)
        if version == 6:
            return self._ipv6(output, region, at, reported_end, depth, in_error)
        return False

    def _ipv4(
        self, output: _Output, region: _Region, at: int, reported_end: int, depth: int, in_error: bool
    ) -> bool:
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
            in_error=in_error,
            depth=depth,
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

    def _ipv6(
        self, output: _Output, region: _Region, at: int, reported_end: int, depth: int, in_error: bool
    ) -> bool:
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
        network = _Network(
            6,
            source,
            destination,
            protocol,
            at,
            end,
            announced_end,
            in_error=in_error,
            depth=depth,
            hop_limit=hop_limit,
        )
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
        if network.in_error:
            return
        if network.captured_end != network.announced_end:
            # The first fragment still tells which stream it belongs to, as in Wireshark.
            if not offset:
                self._transport(output, region, replace(network, in_error=True))
            return
        # RFC 8200 4.5: the protocol is no part of the key, since only the first fragment's counts.
        protocol = network.protocol if network.ip_version == 4 else -1
        key = (network.ip_version, network.source, network.destination, identification, protocol)
        payload = region.data[network.at : network.captured_end]
        datagram = self._fragments.add(key, offset, more, payload, output.time)
        if datagram is None:
            return
        base = EXTRA + len(output.extra)
        output.extra += datagram
        length = len(datagram)
        complete = replace(network, at=0, captured_end=length, announced_end=length)
        self._transport(output, _Region(datagram, base), complete)

    def _transport(self, output: _Output, region: _Region, network: _Network) -> None:
        protocol, data = network.protocol, region.data
        at, end = network.at, network.captured_end
        if protocol == TCP:
            self._tcp(output, region, network)
        elif protocol == UDP:
            self._udp(output, region, network)
        elif protocol == (ICMP if network.ip_version == 4 else ICMPV6):
            quoted = _quoted(network, data[at:end])
            if quoted is not None:
                start, length = quoted
                piece = _Region(data[: min(end, at + start + length)], region.base)
                self._network(output, piece, at + start, network.announced_end, network.depth + 1, True)
        elif protocol == AUTHENTICATION and network.ip_version == 4 and at + 8 <= end:
            following = at + (data[at + 1] + 2) * 4
            if following <= end and network.depth < MAXIMUM_DEPTH:
                inner = replace(network, protocol=data[at], at=following, depth=network.depth + 1)
                self._transport(output, region, inner)
        elif protocol in TUNNEL_PROTOCOLS:
            direct = protocol in (IPV4_IN_IP, IPV6_IN_IP, IPIP)
            found: Found = 0 if direct else after_protocol(protocol, data[at:end])
            piece = _Region(data[:end], region.base)
            self._tunnel(
                output, piece, found, at, network.announced_end, network.depth + 1, in_error=network.in_error
            )

    def _tunnel(
        self,
        output: _Output,
        region: _Region,
        found: Found,
        at: int,
        reported_end: int,
        depth: int,
        *,
        in_error: bool = False,
    ) -> None:
        if isinstance(found, int):
            self._network(output, region, at + found, reported_end, depth, in_error)

    def _tcp(self, output: _Output, region: _Region, network: _Network) -> None:
        at, end = network.at, network.captured_end
        if end - at < TCP_MINIMUM:
            return
        source, destination, sequence, acknowledgment, data_offset, flags = _TCP_HEADER.unpack_from(
            region.data, at
        )
        header_length = (data_offset >> 4) * 4
        start = at + header_length
        in_error = network.in_error or header_length < 20 or start > network.announced_end
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
            )
        )

    def _udp(self, output: _Output, region: _Region, network: _Network) -> None:
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
                0 if network.in_error else end - start,
                0 if network.in_error else announced_end - end,
                network.in_error,
                network.hop_limit,
            )
        )
        port = tunnel_port(source, destination)
        if port is not None and network.depth < MAXIMUM_DEPTH:
            piece = _Region(region.data[:end], region.base)
            found = after_port(port, piece.data[start:])
            self._tunnel(
                output, piece, found, start, announced_end, network.depth + 1, in_error=network.in_error
            )


_FROM_LINK, _FROM_NETWORK = -2, -1


def _tasks(batch: PacketBatch, fast: FastResult) -> list[tuple[int, int, int]]:
    """Return (row, position, where to begin) of all packets left, in frame order."""
    tasks = [(row, 0, _FROM_LINK) for rows in fast.slow_link for row in rows.tolist()]
    for rows, positions in fast.slow_network:
        tasks += [
            (row, position, _FROM_NETWORK)
            for row, position in zip(rows.tolist(), positions.tolist(), strict=True)
        ]
    for block in fast.tunnels:
        for row, start, source, destination in zip(
            block.row.tolist(),
            block.payload_offset.tolist(),
            block.source_port.tolist(),
            block.destination_port.tolist(),
            strict=True,
        ):
            port = tunnel_port(source, destination)
            if port is not None:
                tasks.append((row, start, port))
    return sorted(tasks)


def tunnel_port(source: int, destination: int) -> int | None:
    """Return which of two UDP ports announces a tunnel."""
    if destination in TUNNEL_UDP_PORTS:
        return destination
    return source if source in TUNNEL_UDP_PORTS else None


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
