"""Packets of small captures: read, written, and given other addresses, ports, times and bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Final, TypeAlias

from scapy.utils import RawPcapNgReader, RawPcapReader, RawPcapWriter

End: TypeAlias = tuple[str, int]
"""Address and port."""
Flow: TypeAlias = frozenset[End]

NETWORK_AT: Final = {1: (12, 14), 113: (14, 16), 276: (0, 20)}
"""Link type: where the EtherType stands, and where the network header begins."""
ADDRESSES_AT: Final = {0x0800: (12, 4), 0x86DD: (8, 16)}
"""EtherType: where the source address stands in the network header, and the length of an address."""
TCP: Final = 6
SYN: Final = 2
ACK: Final = 16
CHECKSUM_AT: Final = {6: 16, 17: 6}
"""Protocol: where its checksum stands."""


@dataclass(frozen=True)
class Packet:
    """One packet of a capture, with what attacks and damages ask of it."""

    data: bytes
    time: int
    """Nanoseconds since the epoch."""
    length: int
    """On the wire."""
    sender: End | None = None
    receiver: End | None = None
    transport: int = 0
    """Where the TCP or UDP header begins; 0: there is none."""
    protocol: int = 0
    ethertype_at: int = 12

    @property
    def flow(self) -> Flow | None:
        """The two ends, whoever sent it."""
        return frozenset((self.sender, self.receiver)) if self.sender and self.receiver else None

    @property
    def network(self) -> int:
        """Where the network header begins."""
        return dict(NETWORK_AT.values())[self.ethertype_at]

    @property
    def payload_at(self) -> int:
        """Where the payload of TCP or UDP begins."""
        return self.transport + (self.data[self.transport + 12] >> 4 << 2 if self.protocol == 6 else 8)

    @property
    def payload(self) -> bytes:
        """What TCP or UDP carries; an Ethernet frame may be padded."""
        start = self.payload_at
        if int.from_bytes(self.data[self.ethertype_at : self.ethertype_at + 2], "big") == 0x0800:
            end = self.network + int.from_bytes(self.data[self.network + 2 : self.network + 4], "big")
        else:
            end = self.network + 40 + int.from_bytes(self.data[self.network + 4 : self.network + 6], "big")
        return self.data[start:end]


Packets: TypeAlias = list[Packet]


def load(path: Path) -> tuple[Packets, int]:
    """Return the packets of a capture, and its link type."""
    packets: Packets = []
    reader = RawPcapReader(str(path))
    link_type = 1
    with reader:
        for data, meta in reader:
            if isinstance(reader, RawPcapNgReader):
                ticks = (meta.tshigh << 32) | meta.tslow
                time = ticks * 10**9 // meta.tsresol
                link_type = meta.linktype
            else:
                unit = 1 if reader.nano else 1000
                time = meta.sec * 10**9 + meta.usec * unit
                link_type = reader.linktype
            packets.append(_described(Packet(data, time, meta.wirelen), link_type))
    return packets, link_type


def save(path: Path, packets: Packets, link_type: int) -> None:
    """Write packets as a pcap with nanoseconds, whatever their order."""
    with RawPcapWriter(str(path), linktype=link_type, nano=True) as writer:
        writer.write_header(None)
        for packet in packets:
            sec, nano = divmod(packet.time, 10**9)
            caplen = len(packet.data)
            writer.write_packet(packet.data, sec=sec, usec=nano, caplen=caplen, wirelen=packet.length)


def _described(packet: Packet, link_type: int) -> Packet:
    data = packet.data
    place, network = NETWORK_AT.get(link_type, (0, 0))
    ethertype = int.from_bytes(data[place : place + 2], "big")
    if not network or ethertype not in ADDRESSES_AT or len(data) < network + 40:
        return packet
    start, length = ADDRESSES_AT[ethertype]
    protocol = data[network + (9 if length == 4 else 6)]
    transport = network + ((data[network] & 15) * 4 if length == 4 else 40)
    if protocol not in CHECKSUM_AT or len(data) < transport + 8:
        return packet
    ends = [str(ip_address(data[network + at : network + at + length])) for at in (start, start + length)]
    ports = struct.unpack_from("!HH", data, transport)
    return replace(
        packet,
        sender=(ends[0], ports[0]),
        receiver=(ends[1], ports[1]),
        transport=transport,
        protocol=protocol,
        ethertype_at=place,
    )


def flags(packet: Packet) -> int:
    """Return the flags of a TCP header; 0: it is none."""
    at = packet.transport + 13
    return packet.data[at] if packet.protocol == TCP and at < len(packet.data) else 0


def opens(packet: Packet) -> bool:
    """Tell whether a packet is the SYN with which a client opens a connection."""
    return flags(packet) & (SYN | ACK) == SYN


def readdressed(packets: Iterable[Packet], end: Callable[[End], End]) -> Packets:
    """Return packets with other addresses (of the same family) and ports, as a router that translates."""
    return [_with_ends(packet, end) for packet in packets]


def _with_ends(packet: Packet, end: Callable[[End], End]) -> Packet:
    if packet.sender is None or packet.receiver is None:
        return packet
    sender, receiver = end(packet.sender), end(packet.receiver)
    if (sender, receiver) == (packet.sender, packet.receiver):
        return packet
    ethertype = int.from_bytes(packet.data[packet.ethertype_at : packet.ethertype_at + 2], "big")
    start, _ = ADDRESSES_AT[ethertype]
    addresses = ip_address(sender[0]).packed + ip_address(receiver[0]).packed
    changed = edited(packet, packet.network + start, addresses)
    changed = edited(changed, packet.transport, struct.pack("!HH", sender[1], receiver[1]))
    return replace(changed, sender=sender, receiver=receiver)


def edited(packet: Packet, at: int, new: bytes) -> Packet:
    """Return a packet with other bytes at an even place of its headers or payload.

    Checksums are brought up to date by the difference (RFC 1624): one that is wrong, as offloading leaves it,
    stays wrong.
    """
    data = bytearray(packet.data)
    new = new[: max(0, len(data) - at)]
    old = bytes(data[at : at + len(new)])
    data[at : at + len(new)] = new
    network, transport = packet.network, packet.transport
    version = packet.data[network] >> 4
    checksums = [network + 10] if at < transport and version == 4 else []
    if at >= transport or at >= network + (12 if version == 4 else 8):
        # Addresses are part of the pseudo header.
        checksums.append(transport + CHECKSUM_AT[packet.protocol])
    odd = (at - transport) % 2 if at >= transport else 0
    before, after = (b"\0" * odd + part + b"\0" * ((len(part) + odd) % 2) for part in (old, new))
    for place in checksums:
        if place + 2 <= len(data):
            total = ~int.from_bytes(data[place : place + 2], "big") & 0xFFFF
            for offset in range(0, len(before), 2):
                total += ~int.from_bytes(before[offset : offset + 2], "big") & 0xFFFF
                total += int.from_bytes(after[offset : offset + 2], "big")
            while total >> 16:
                total = (total & 0xFFFF) + (total >> 16)
            data[place : place + 2] = (~total & 0xFFFF).to_bytes(2, "big")
    return replace(packet, data=bytes(data))


def reworded(packets: Iterable[Packet], words: Iterable[tuple[bytes, bytes]]) -> Packets:
    """Return packets with other bytes of the same length wherever these stand whole in one payload."""
    told = list(words)
    changed: Packets = []
    for packet in packets:
        if packet.transport:
            start = packet.payload_at
            for old, new in told:
                at = packet.data.find(old, start)
                if at >= 0:
                    packet = edited(packet, at, new)
        changed.append(packet)
    return changed


def shifted(packets: Iterable[Packet], nanoseconds: int) -> Packets:
    """Return packets with other times."""
    return [replace(packet, time=packet.time + nanoseconds) for packet in packets]


def by_time(*packets: Packets) -> Packets:
    """Return packets of several captures as one."""
    return sorted((packet for some in packets for packet in some), key=lambda packet: packet.time)
