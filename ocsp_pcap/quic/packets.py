"""QUIC packets in a UDP datagram: long headers and where the packets of one datagram begin and end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.quic.versions import MAXIMUM_CONNECTION_ID, NEGOTIATION, Version, version_of

FIXED_BIT = 0x40
"""Set in every packet, but where both endpoints agreed to grease it (RFC 9000 17.2, RFC 9287)."""


class PacketType(IntEnum):
    """Long header packet types (RFC 9000 17.2), numbered as in version 1."""

    INITIAL = 0
    ZERO_RTT = 1
    HANDSHAKE = 2
    RETRY = 3
    NEGOTIATION = 4
    SHORT = 5


@dataclass(frozen=True, slots=True)
class Packet:
    """One QUIC packet, still protected."""

    type: PacketType
    version: Version | None
    """None in Version Negotiation and short header packets."""
    destination: bytes
    """Destination Connection ID; of a short header packet, all that may hold it."""
    source: bytes
    data: bytes
    """The whole packet, header first."""
    number_offset: int
    """Where the protected packet number begins in ``data``; 0 where the packet has none."""


def read_varint(data: bytes, offset: int) -> tuple[int, int]:
    """Return a variable-length integer (RFC 9000 16) and the offset behind it.

    Raises IndexError where the data ends before the integer does.
    """
    first = data[offset]
    length = 1 << (first >> 6)
    end = offset + length
    if end > len(data):
        raise IndexError(end)
    return int.from_bytes(data[offset:end]) & ((1 << (8 * length - 2)) - 1), end


def split_datagram(datagram: bytes) -> Iterator[Packet]:
    """Yield the packets of one datagram; stop without error at the first that cannot be read.

    A packet that the capture cut short (snaplen) is not yielded: its protection cannot be removed.
    """
    offset = 0
    for _ in range(BOUNDS.quic_coalesced):
        if offset >= len(datagram):
            return
        try:
            packet = _read_packet(datagram, offset)
        except IndexError:
            return
        if packet is None:
            return
        yield packet
        offset += len(packet.data)
    if offset < len(datagram):
        reached("quic_coalesced")


def _read_packet(datagram: bytes, start: int) -> Packet | None:
    first = datagram[start]
    if not first & 0x80:
        rest = datagram[start:]
        return Packet(PacketType.SHORT, None, rest[1 : 1 + MAXIMUM_CONNECTION_ID], b"", rest, 0)
    number = int.from_bytes(datagram[start + 1 : start + 5])
    destination, offset = _read_connection_id(datagram, start + 5)
    source, offset = _read_connection_id(datagram, offset)
    if number == NEGOTIATION:
        return Packet(PacketType.NEGOTIATION, None, destination, source, datagram[start:], 0)
    version = version_of(number)
    if version is None or not version.tls:
        return None
    if len(destination) > MAXIMUM_CONNECTION_ID or len(source) > MAXIMUM_CONNECTION_ID:
        return None
    kind = PacketType(version.packet_types[first >> 4 & 3])
    if kind is PacketType.RETRY:
        return Packet(kind, version, destination, source, datagram[start:], 0)
    if kind is PacketType.INITIAL:
        token_length, offset = read_varint(datagram, offset)
        offset += token_length
    length, offset = read_varint(datagram, offset)
    end = offset + length
    if end > len(datagram):
        return None
    return Packet(kind, version, destination, source, datagram[start:end], offset - start)


def _read_connection_id(data: bytes, offset: int) -> tuple[bytes, int]:
    start = offset + 1
    end = start + data[offset]
    if end > len(data):
        raise IndexError(end)
    return data[start:end], end
