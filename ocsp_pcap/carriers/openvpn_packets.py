"""Packets of OpenVPN's control channel (OpenVPN protocol, "Network protocol", as openvpn 2.x speaks it).

A control packet: opcode (5 bits) and key id (3 bits), session id (8 bytes), with tls-auth an HMAC, a
packet id and a time (4 bytes each), then the acknowledged packet ids (counted by one byte) and, where
there are some, the peer's session id, then the packet's own id (4 bytes) and TLS bytes. P_ACK_V1 ends
before the id. Nothing in a packet says whether tls-auth is in use: the length of the hard reset does.
"""

from __future__ import annotations

from typing import Final, NamedTuple

HARD_RESET_CLIENT_V1: Final = 1
HARD_RESET_SERVER_V1: Final = 2
SOFT_RESET_V1: Final = 3
CONTROL_V1: Final = 4
ACK_V1: Final = 5
DATA_V1: Final = 6
HARD_RESET_CLIENT_V2: Final = 7
HARD_RESET_SERVER_V2: Final = 8
DATA_V2: Final = 9
HARD_RESET_CLIENT_V3: Final = 10
CONTROL_WKC_V1: Final = 11

CLIENT_RESETS: Final = frozenset((HARD_RESET_CLIENT_V1, HARD_RESET_CLIENT_V2))
SERVER_RESETS: Final = frozenset((HARD_RESET_SERVER_V1, HARD_RESET_SERVER_V2))
RESETS: Final = CLIENT_RESETS | SERVER_RESETS
ENCRYPTED: Final = frozenset((HARD_RESET_CLIENT_V3, CONTROL_WKC_V1))
"""Opcodes of tls-crypt-v2 alone."""
DATA: Final = frozenset((DATA_V1, DATA_V2))

OVERHEADS: Final = (0, 24, 28, 36, 40, 56, 72)
"""Bytes that tls-auth puts behind the session id: an HMAC of 16, 20, 28, 32, 48 or 64, id and time."""
CLIENT_RESET_LENGTH: Final = 14
SERVER_RESET_LENGTH: Final = 26
MAXIMUM_ACKNOWLEDGED: Final = 8
MAXIMUM_EARLY_ID: Final = 64
"""Packet ids in the first packets of a connection are smaller than this."""

_TLS_CRYPT_RESET_LENGTH: Final = 54
_HELLOS: Final = frozenset((1, 2))


class ControlPacket(NamedTuple):
    """A control packet that is read."""

    opcode: int
    key_id: int
    session_id: bytes
    peer_session_id: bytes | None
    """As the acknowledgments name it; None where there are none."""
    packet_id: int
    payload: bytes


def read_control(packet: bytes, overhead: int) -> ControlPacket | None:
    """Return a control packet; None where it is too short or otherwise none (P_ACK_V1 is none either)."""
    position = 9 + overhead
    if len(packet) <= position:
        return None
    count = packet[position]
    position += 1
    peer = None
    if count:
        if count > MAXIMUM_ACKNOWLEDGED:
            return None
        position += 4 * count + 8
        peer = packet[position - 8 : position]
    end = position + 4
    if len(packet) < end:
        return None
    return ControlPacket(
        packet[0] >> 3, packet[0] & 7, packet[1:9], peer, int.from_bytes(packet[position:end]), packet[end:]
    )


def reset_overhead(packet: bytes) -> int | None:
    """Return the bytes of tls-auth in a hard reset with key id 0; None where a packet is no such reset."""
    opcode = packet[0] >> 3 if packet else 0
    if opcode not in RESETS or packet[0] & 7:
        return None
    overhead = len(packet) - (CLIENT_RESET_LENGTH if opcode in CLIENT_RESETS else SERVER_RESET_LENGTH)
    if overhead not in OVERHEADS or not _authenticated(packet, overhead):
        return None
    read = read_control(packet, overhead)
    if read is None or read.packet_id or read.payload or not any(read.session_id):
        return None
    if opcode in CLIENT_RESETS:
        return overhead if read.peer_session_id is None else None
    first_acknowledged = packet[9 + overhead : 14 + overhead] == b"\x01\x00\x00\x00\x00"
    return overhead if first_acknowledged else None


def hello_overhead(packet: bytes) -> int | None:
    """Return the bytes of tls-auth in a P_CONTROL_V1 packet that begins a TLS ClientHello or ServerHello.

    None where a packet is none, whatever the overhead.
    """
    if not packet or packet[0] >> 3 != CONTROL_V1:
        return None
    for overhead in OVERHEADS:
        read = read_control(packet, overhead)
        if (
            read is not None
            and 0 < read.packet_id < MAXIMUM_EARLY_ID
            and _begins_hello(read.payload)
            and _authenticated(packet, overhead)
        ):
            return overhead
    return None


def is_client_hello(packet: bytes, overhead: int) -> bool:
    """Tell whether a packet for which :func:`hello_overhead` found ``overhead`` bears a ClientHello."""
    read = read_control(packet, overhead)
    return read is not None and read.payload[5:6] == b"\x01"


def is_tls_crypt_reset(packet: bytes) -> bool:
    """Tell whether a hard reset is encrypted (tls-crypt, tls-crypt-v2): its packet id stands in front."""
    if len(packet) < _TLS_CRYPT_RESET_LENGTH or packet[0] & 7 or packet[9:13] != b"\x00\x00\x00\x01":
        return False
    opcode = packet[0] >> 3
    if opcode == HARD_RESET_CLIENT_V3:
        return True
    longer = 12 if opcode == HARD_RESET_SERVER_V2 else 0
    return opcode in (HARD_RESET_CLIENT_V2, HARD_RESET_SERVER_V2) and len(packet) == (
        _TLS_CRYPT_RESET_LENGTH + longer
    )


def _authenticated(packet: bytes, overhead: int) -> bool:
    """Tell whether the packet id of tls-auth, which counts from 1, is plausible; its time is set."""
    if not overhead:
        return True
    end = 9 + overhead
    early = 0 < int.from_bytes(packet[end - 8 : end - 4]) < 1 << 16
    return early and any(packet[end - 4 : end])


def _begins_hello(payload: bytes) -> bool:
    if len(payload) < 9 or payload[:2] != b"\x16\x03" or payload[2] > 4 or payload[5] not in _HELLOS:
        return False
    return 40 <= int.from_bytes(payload[3:5]) <= 1 << 14 and 36 <= int.from_bytes(payload[6:9]) <= 1 << 14
