"""RDP over UDP: the payload of MS-RDPEUDP (versions 1 and 2) and MS-RDPEUDP2 (version 3) packets.

A SYN and its answer settle the version. In reliable mode the payload is a stream of TLS records, in
lossy mode each payload is a DTLS datagram (MS-RDPEMT 1.4). Numbers are big-endian in MS-RDPEUDP and
little-endian in MS-RDPEUDP2.
"""

from __future__ import annotations

from typing import Final

from ocsp_pcap.carriers.order import Carried, PacketOrder

SYN: Final = 0x0001
ACK: Final = 0x0004
DATA: Final = 0x0008
FEC: Final = 0x0010
ACK_OF_ACKS: Final = 0x0100
SYN_LOSSY: Final = 0x0200
ACK_DELAYED: Final = 0x0400
CORRELATION_ID: Final = 0x0800
SYN_EX: Final = 0x1000
"""Flags of MS-RDPEUDP 2.2.2.1."""
VERSION_3: Final = 0x0101
"""uUdpVer of RDPUDP_SYNDATAEX_PAYLOAD where both ends speak MS-RDPEUDP2 (MS-RDPEUDP 2.2.2.9)."""
MAXIMUM_SESSIONS: Final = 16
"""Connections of one flow, each begun by a SYN of its own."""

_SYN_FLAGS: Final = SYN | ACK | SYN_LOSSY | ACK_DELAYED | CORRELATION_ID | SYN_EX
_MTU: Final = range(1132, 1233)
_NO_ACKNOWLEDGMENT: Final = b"\xff\xff\xff\xff"

_ACK2: Final = 0x001
_DATA2: Final = 0x004
_ACK_VECTOR2: Final = 0x008
_ACK_OF_ACKS2: Final = 0x010
_OVERHEAD_SIZE2: Final = 0x040
_DELAYED_ACK_INFO2: Final = 0x100
"""Flags of MS-RDPEUDP2 2.2.1.1."""


def looks_like_rdp_udp(packet: bytes) -> bool:
    """Tell whether a UDP payload is a SYN of MS-RDPEUDP, or the answer to one (2.2.2.1, 2.2.2.5)."""
    if len(packet) < 16:
        return False
    flags = int.from_bytes(packet[6:8])
    if not flags & SYN or flags & ~_SYN_FLAGS or not any(packet[4:6]):
        return False
    if (packet[:4] == _NO_ACKNOWLEDGMENT) is bool(flags & ACK):
        return False
    return int.from_bytes(packet[12:14]) in _MTU and int.from_bytes(packet[14:16]) in _MTU


class RdpUdp:
    """Both directions of one UDP flow, without I/O. Directions are 0 and 1."""

    __slots__ = ("_initial", "_orders", "_session", "_version", "client")

    def __init__(self, client: int = 0) -> None:
        self._session = -1
        self._version: int | None = None
        self._initial: list[int | None] = [None, None]
        self._orders: list[PacketOrder | None] = [None, None]
        self.client = client
        """The direction in which the client sends: that of the SYN."""

    @property
    def finished(self) -> bool:
        """Nothing more can be read."""
        return self._session >= MAXIMUM_SESSIONS

    def datagram(self, direction: int, packet: bytes, frame: int, time: int) -> list[Carried]:
        """Take one UDP payload."""
        if looks_like_rdp_udp(packet):
            self._syn(direction, packet)
            return []
        if self._session < 0 or self.finished:
            return []
        found = _payload3(packet) if self._version == VERSION_3 else _payload(packet)
        if found is None:
            return []
        number, data = found
        if _is_dtls(data):
            return [Carried(self._session, direction, data, frame, time)]
        return self._order(direction).receive(number, data, frame, time)

    def finish(self) -> list[Carried]:
        """Nothing more comes: return what waited for missing packets."""
        return [piece for order in self._orders if order is not None for piece in order.flush()]

    def _syn(self, direction: int, packet: bytes) -> None:
        flags = int.from_bytes(packet[6:8])
        initial = int.from_bytes(packet[8:12])
        if self._session < 0 or self._initial[direction] not in (None, initial):
            self._session += 1
            self._initial = [None, None]
            self._orders = [None, None]
            self._version = None
            self.client = 1 - direction if flags & ACK else direction
        self._initial[direction] = initial
        if flags & ACK or self._version is None:
            # The answer settles the version; where it is not in the capture, what was offered must do.
            self._version = _offered_version(packet, flags)

    def _order(self, direction: int) -> PacketOrder:
        order = self._orders[direction]
        if order is None:
            initial = self._initial[direction]
            if self._version == VERSION_3:
                order = PacketOrder(self._session, direction, 1 << 16, 1)
            else:
                first = None if initial is None else (initial + 1) % (1 << 32)
                order = PacketOrder(self._session, direction, 1 << 32, first)
            self._orders[direction] = order
        return order


def _offered_version(packet: bytes, flags: int) -> int:
    position = 16 + (32 if flags & CORRELATION_ID else 0)
    if not flags & SYN_EX or len(packet) < position + 4 or not packet[position + 1] & 1:
        return 1
    return int.from_bytes(packet[position + 2 : position + 4])


def _payload(packet: bytes) -> tuple[int, bytes] | None:
    """Return snSourceStart and payload of a source packet of MS-RDPEUDP (2.2.2.4); None: it has none."""
    if len(packet) < 8:
        return None
    flags = int.from_bytes(packet[6:8])
    if not flags & DATA or flags & (FEC | SYN):
        return None
    position = 8
    if flags & ACK:
        # The vector is padded to a multiple of four bytes, its size included (2.2.2.7).
        position += (2 + int.from_bytes(packet[8:10]) + 3) & ~3
    if flags & ACK_OF_ACKS:
        position += 4
    if len(packet) <= position + 8:
        return None
    return int.from_bytes(packet[position + 4 : position + 8]), packet[position + 8 :]


def _payload3(packet: bytes) -> tuple[int, bytes] | None:
    """Return channel sequence number and payload of an MS-RDPEUDP2 packet (2.2.1); None: it has none."""
    if len(packet) < 8:
        return None
    # The prefix byte changed places with the first byte of the packet proper (MS-RDPEUDP2 3.1.1.4).
    prefix = packet[7]
    body = packet[1:7] + packet[:1] + packet[8:]
    if prefix >> 1 & 0xF or prefix >> 5 != 7:
        return None
    flags = int.from_bytes(body[:2], "little")
    if not flags & _DATA2:
        return None
    position = 2
    if flags & _ACK2:
        if len(body) <= position + 6:
            return None
        position += 7 + (body[position + 6] & 0xF)
    if flags & _OVERHEAD_SIZE2:
        position += 1
    if flags & _DELAYED_ACK_INFO2:
        position += 3
    if flags & _ACK_OF_ACKS2:
        position += 2
    position += 2
    if flags & _ACK_VECTOR2:
        if len(body) <= position + 2:
            return None
        size = body[position + 2]
        position += 3 + (size & 0x7F) + (4 if size & 0x80 else 0)
    if len(body) <= position + 2:
        return None
    return int.from_bytes(body[position : position + 2], "little"), body[position + 2 :]


def _is_dtls(data: bytes) -> bool:
    return len(data) > 13 and 20 <= data[0] <= 23 and data[1:3] in (b"\xfe\xff", b"\xfe\xfd")
