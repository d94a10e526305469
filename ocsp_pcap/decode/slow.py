"""Packets off the fast path, one by one: other link types, extension headers, fragments, ICMP errors.

Link types are read by scapy (see :mod:`ocsp_pcap.decode.encapsulations`); IP itself is read here, since
the rows need exact positions in the packet. What turns out to carry another packet is handed back, so
that it is read as columns again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from struct import Struct

import numpy as np

from ocsp_pcap.capture.batch import PADDING, PacketBatch
from ocsp_pcap.decode.blocks import Block, block_of
from ocsp_pcap.decode.columns import EXTRA
from ocsp_pcap.decode.encapsulations import after_link, after_port
from ocsp_pcap.decode.fast import FastResult, Level
from ocsp_pcap.decode.fragments import Fragments
from ocsp_pcap.decode.frames import Frames, Space
from ocsp_pcap.decode.kinds import Kind
from ocsp_pcap.decode.protocols import (
    AUTHENTICATION,
    EXTENSION_HEADERS,
    FRAGMENT,
    ICMP,
    ICMPV6,
    ROUTING,
    TCP,
    UDP,
)
from ocsp_pcap.decode.slow_rows import (
    Network,
    Output,
    Region,
    add_tcp,
    add_udp,
    final_destination,
    hand_carried,
    quoted_packet,
)
from ocsp_pcap.decode.undecoded import BAD_HEADER, Undecoded

_MAXIMUM_EXTENSIONS = 64


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
        output = Output(quoted=fast.quoted)
        buffer, base = fast.space.buffer, fast.space.base
        for row, at, end, reported_end, kind in _tasks(fast.slow):
            output.row, output.time = row, int(batch.time[row])
            output.frame = batch.first_frame + row
            region = Region(buffer[at:end].tobytes(), base + at)
            if kind == Kind.SLOW_LINK:
                self._link(output, region, int(batch.link_type[row]), reported_end - at)
            elif kind == Kind.SLOW_PORT:
                source, destination = _PORTS.unpack(buffer[at - 8 : at - 4].tobytes())
                self._port(output, region, source, destination, reported_end - at)
            elif not self._network(output, region, 0, reported_end - at) and not fast.quoted:
                output.undecoded.add(BAD_HEADER)
        return SlowResult(block_of(output.tcp), block_of(output.udp), _handed(output), output.undecoded)

    def _link(self, output: Output, region: Region, link_type: int, reported_end: int) -> None:
        found = after_link(link_type, region.data)
        if found == "unknown":
            output.undecoded.add(f"link type {link_type}")
        elif isinstance(found, int):
            output.hand(Kind.IP, region, found, len(region.data), reported_end)

    def _port(self, output: Output, region: Region, source: int, destination: int, reported_end: int) -> None:
        port = destination if destination in SCAPY_PORTS else source
        found = after_port(port, region.data)
        if isinstance(found, int):
            output.hand(Kind.IP, region, found, len(region.data), reported_end)

    def _network(self, output: Output, region: Region, at: int, reported_end: int) -> bool:
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

    def _ipv4(self, output: Output, region: Region, at: int, reported_end: int) -> bool:
        data = region.data
        header_length = (data[at] & 15) * 4
        if header_length < 20 or at + header_length > len(data):
            return False
        total = int.from_bytes(data[at + 2 : at + 4])
        if 0 < total < header_length:
            return False
        announced_end = at + total if total else max(reported_end, at + header_length)
        network = Network(
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

    def _ipv6(self, output: Output, region: Region, at: int, reported_end: int) -> bool:
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
                    destination = final_destination(header, destination)
                at += (data[at + 1] + 1) * 8
            protocol = following
        network = Network(6, source, destination, protocol, at, end, announced_end, hop_limit)
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
        output: Output,
        region: Region,
        network: Network,
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
        self._transport(output, Region(datagram, base), complete)

    def _transport(self, output: Output, region: Region, network: Network, *, in_error: bool = False) -> None:
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
            add_tcp(output, region, network, in_error)
        elif protocol == UDP:
            add_udp(output, region, network, in_error)
        elif protocol == (ICMP if network.ip_version == 4 else ICMPV6):
            quoted = quoted_packet(network, data[at:end])
            if quoted is not None:
                start, length = quoted
                piece_end = min(end, at + start + length)
                if at + start < piece_end:
                    output.hand(Kind.IP, region, at + start, piece_end, network.announced_end, quoted=True)
        else:
            hand_carried(output, region, network, in_error)


_PORTS = Struct(">HH")
SCAPY_PORTS = frozenset({3544, 5247, 37008})


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


def _handed(output: Output) -> list[Handed]:
    return [
        Handed({kind: [_frames(found)] for kind, found in levels.items()}, in_extra, quoted)
        for (in_extra, quoted), levels in output.handed.items()
    ]


def _frames(found: Iterable[tuple[int, int, int, int]]) -> Frames:
    return Frames(*np.array(list(found), np.int64).T)
