"""Where addresses, ports and checksums stand in a packet: scapy dissects it, through links and tunnels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from scapy.config import conf
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPerror, TCPerror, UDPerror
from scapy.layers.inet6 import IPerror6, IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import ARP, CookedLinux, CookedLinuxV2, Ether
from scapy.packet import Packet

Kind = Literal["link", "ip", "tcp", "udp", "icmp"]


@dataclass(frozen=True, slots=True)
class Fragment:
    """The place of a fragment in its datagram (RFC 791 3.1, RFC 8200 4.5)."""

    identification: int
    protocol: int
    offset: int
    """Bytes of the datagram's payload before it."""
    more: bool


@dataclass(slots=True)
class Header:
    """One header; offsets count from the start of the packet."""

    kind: Kind
    start: int
    payload: int
    """Where what it carries begins."""
    end: int
    """Where what it carries ends, as far as the packet holds it."""
    hardware: list[int] = field(default_factory=list)
    """Where hardware addresses of 6 bytes stand."""
    address_places: list[tuple[int, int]] = field(default_factory=list)
    """Where IP addresses stand, and their sizes."""
    addresses: tuple[bytes, bytes] | None = None
    """Source and destination of the IP header before it."""
    ports: tuple[int, int] | None = None
    checksum: int | None = None
    """Where it stands."""
    covered: list[tuple[int, int]] = field(default_factory=list)
    """What else than the header and its payload the checksum covers: the addresses before it."""
    fragment: Fragment | None = None
    """What it carries, where that is no whole datagram."""

    def correct_checksum(self, old: bytes, new: bytearray) -> None:
        """Change the checksum by as much as what it covers has changed (RFC 1624); 0 in UDP means none."""
        at = self.checksum
        if at is None or at + 2 > len(old):
            return
        before = int.from_bytes(old[at : at + 2], "big")
        if self.kind == "udp" and before == 0:
            return
        stop = self.payload if self.kind == "ip" else self.end
        change = _sum(new, self.start, stop, at) - _sum(old, self.start, stop, at)
        for start, size in self.covered:
            change += _sum(new, start, start + size, -1) - _sum(old, start, start + size, -1)
        after = ~_folded((~before & 0xFFFF) + change) & 0xFFFF
        if change == 0:
            after = before
        elif self.kind == "udp" and after == 0:
            after = 0xFFFF
        new[at : at + 2] = after.to_bytes(2, "big")


def headers(link_type: int, data: bytes) -> list[Header]:
    """Return the headers of a packet that hold addresses, ports or checksums, outermost first.

    Those of a datagram that came in fragments are not in one packet: that of the fragment is the last.
    A packet of an unknown link type, or a damaged one, has as many as can be recognized.
    """
    layer: Any = conf.l2types.num2layer.get(link_type) if link_type != 101 else None
    if link_type == 101 or layer is None:
        layer = IPv6 if data[:1] and data[0] >> 4 == 6 else IP
        if link_type not in (101, 12, 14, 228, 229):
            return []
    try:
        packet: Packet = layer(data)
    except Exception:
        # scapy's dissectors raise anything on damaged packets.
        return []
    found: list[Header] = []
    offset, end = 0, len(data)
    ip: Header | None = None
    while packet:
        size = len(packet.raw_packet_cache or b"")
        if not size or offset + size > len(data):
            break
        header = _header(packet, offset, size, end, ip)
        if header is not None:
            found.append(header)
            if header.kind == "ip":
                ip, end = header, header.end
        offset += size
        if isinstance(packet, IPv6ExtHdrFragment) and ip is not None:
            ip.payload = offset
            ip.fragment = Fragment(packet.id, packet.nh, 8 * packet.offset, bool(packet.m))
        if ip is not None and ip.fragment is not None:
            break
        packet = packet.payload
    return found


def _header(packet: Packet, start: int, size: int, end: int, ip: Header | None) -> Header | None:
    payload = start + size
    if isinstance(packet, Ether):
        return Header("link", start, payload, end, hardware=[start, start + 6])
    if isinstance(packet, CookedLinux):
        return Header("link", start, payload, end, hardware=[start + 6] if packet.lladdrlen == 6 else [])
    if isinstance(packet, CookedLinuxV2):
        return Header("link", start, payload, end, hardware=[start + 12] if packet.lladdrlen == 6 else [])
    if isinstance(packet, ARP) and (packet.hwlen, packet.plen) == (6, 4):
        places = [(start + 14, 4), (start + 24, 4)]
        return Header("link", start, payload, end, [start + 8, start + 18], places)
    if isinstance(packet, IP | IPerror):
        stop = min(end, start + packet.len) if packet.len else end
        fragment = Fragment(packet.id, packet.proto, 8 * packet.frag, bool(packet.flags.MF))
        first = bytes(packet.raw_packet_cache or b"")
        return Header(
            *("ip", start, payload, max(stop, payload)),
            address_places=[(start + 12, 4), (start + 16, 4)],
            addresses=(first[12:16], first[16:20]),
            checksum=start + 10,
            fragment=fragment if fragment.more or fragment.offset else None,
        )
    if isinstance(packet, IPv6 | IPerror6):
        stop = min(end, payload + packet.plen) if packet.plen else end
        first = bytes(packet.raw_packet_cache or b"")
        return Header(
            *("ip", start, payload, max(stop, payload)),
            address_places=[(start + 8, 16), (start + 24, 16)],
            addresses=(first[8:24], first[24:40]),
        )
    return _transport(packet, start, payload, end, ip)


def _transport(packet: Packet, start: int, payload: int, end: int, ip: Header | None) -> Header | None:
    if isinstance(packet, TCP | TCPerror | UDP | UDPerror):
        kind: Kind = "tcp" if isinstance(packet, TCP | TCPerror) else "udp"
        return Header(
            *(kind, start, payload, end),
            addresses=None if ip is None else ip.addresses,
            ports=(packet.sport, packet.dport),
            checksum=start + (16 if kind == "tcp" else 6),
            covered=[] if ip is None else ip.address_places,
        )
    if isinstance(packet, ICMP):
        return Header("icmp", start, payload, end, checksum=start + 2)
    if type(packet).__name__.startswith("ICMPv6") and hasattr(packet, "cksum"):
        covered = [] if ip is None else ip.address_places
        return Header("icmp", start, payload, end, checksum=start + 2, covered=covered)
    return None


def _sum(data: bytes | bytearray, start: int, stop: int, without: int) -> int:
    """Return the sum of 16-bit words from ``start`` on, without the one that stands at ``without``."""
    part = bytes(data[start:stop])
    if len(part) % 2:
        part += b"\0"
    total = sum(int.from_bytes(part[at : at + 2], "big") for at in range(0, len(part), 2))
    if start <= without < stop:
        total -= int.from_bytes(data[without : without + 2], "big")
    return total


def _folded(total: int) -> int:
    """Return a sum of ones' complement numbers as 16 bits; a negative one counts backwards."""
    return (total - 1) % 0xFFFF + 1 if total else 0
