"""OpenVPN's control channel: from packets over UDP or TCP to the bytes of the TLS sessions inside."""

from __future__ import annotations

from typing import Final

from ocsp_pcap.carriers.openvpn_packets import (
    ACK_V1,
    CLIENT_RESETS,
    CONTROL_WKC_V1,
    DATA,
    ENCRYPTED,
    RESETS,
    SERVER_RESETS,
    SOFT_RESET_V1,
    ControlPacket,
    hello_overhead,
    is_tls_crypt_reset,
    read_control,
    reset_overhead,
)
from ocsp_pcap.carriers.order import Carried, PacketOrder

MAXIMUM_SESSIONS: Final = 64
"""TLS sessions of one connection that are read; each lasts an hour unless configured otherwise."""
MAXIMUM_REFUSED: Final = 64
"""Control packets in a row that cannot be read before the connection is given up."""

_PACKET_IDS: Final = 1 << 32
_RECENT: Final = 2
"""Sessions whose soft reset may be repeated; the key id of an older one means that key ids began anew."""


class _Session:
    """One TLS session: its key id and the session ids of both ends, as far as they are known."""

    __slots__ = ("encrypted", "ids", "key_id", "orders")

    def __init__(self, number: int, key_id: int, *, from_start: bool) -> None:
        first = 0 if from_start else None
        self.key_id = key_id
        self.encrypted = False
        """tls-crypt with a key from the session before: OpenVPN 2.6 renegotiates so."""
        self.ids: list[bytes | None] = [None, None]
        self.orders = (
            PacketOrder(number, 0, _PACKET_IDS, first),
            PacketOrder(number, 1, _PACKET_IDS, first),
        )


class _Framing:
    """What is held of one direction over TCP, where a length of two bytes precedes each packet."""

    __slots__ = ("held", "lost", "skip")

    def __init__(self) -> None:
        self.held = bytearray()
        self.skip = 0
        """Bytes of a data packet that are still to come."""
        self.lost = False
        """Bytes are missing: packets are looked for where segments begin."""


class OpenVpn:
    """Both directions of one OpenVPN connection, without I/O.

    Feed it datagrams with :meth:`datagram`, or the bytes of a TCP connection with :meth:`receive` and
    :meth:`gap`. Directions are 0 and 1. Data packets are passed over.
    """

    __slots__ = ("_framings", "_refused", "_sessions", "client", "encrypted", "overhead")

    def __init__(self, client: int = 0) -> None:
        self._framings = (_Framing(), _Framing())
        self._sessions: list[_Session] = []
        self._refused = 0
        self.client = client
        """The direction in which the client sends; a hard reset seen first corrects it."""
        self.overhead: int | None = None
        """Bytes that tls-auth adds to each packet; None while it is not known."""
        self.encrypted = False
        """tls-crypt hides the control channel."""

    @property
    def finished(self) -> bool:
        """Nothing more can be read."""
        return self.encrypted or self._refused >= MAXIMUM_REFUSED

    def datagram(self, direction: int, packet: bytes, frame: int, time: int) -> list[Carried]:
        """Take one packet."""
        if self.finished or not packet:
            return []
        opcode = packet[0] >> 3
        if opcode in DATA or opcode == ACK_V1 or not 0 < opcode <= CONTROL_WKC_V1:
            return []
        if self.overhead is None and not self._recognise(packet):
            return []
        assert self.overhead is not None
        read = read_control(packet, self.overhead) if opcode not in ENCRYPTED else None
        if opcode == SOFT_RESET_V1 and (read is None or read.packet_id or read.payload):
            read = ControlPacket(opcode, packet[0] & 7, packet[1:9], None, 0, b"")
            session = self._session(direction, read)
            if session is not None:
                session.encrypted = True
            return []
        if self._is_encrypted(direction, packet):
            return []
        if read is None:
            self._refused += 1
            return []
        self._refused = 0
        session = self._session(direction, read)
        if session is None:
            return []
        return session.orders[direction].receive(read.packet_id, read.payload, frame, time)

    def receive(
        self, direction: int, data: bytes, frame: int, time: int, segment_start: bool
    ) -> list[Carried]:
        """Take the next bytes of one direction of a TCP connection."""
        framing = self._framings[direction]
        if framing.lost:
            if not segment_start or not self._resumes(direction, data):
                return []
            framing.lost = False
        if framing.skip:
            skipped = min(framing.skip, len(data))
            framing.skip -= skipped
            data = data[skipped:]
        framing.held += data
        return self._split(framing, direction, frame, time)

    def gap(self, direction: int, length: int) -> None:
        """Note that ``length`` bytes of one direction of a TCP connection are missing."""
        framing = self._framings[direction]
        if length <= framing.skip:
            framing.skip -= length
            return
        framing.held.clear()
        framing.skip = 0
        framing.lost = True

    def finish(self) -> list[Carried]:
        """Nothing more comes: return what waited for missing packets."""
        return [piece for session in self._sessions for order in session.orders for piece in order.flush()]

    def _split(self, framing: _Framing, direction: int, frame: int, time: int) -> list[Carried]:
        held = framing.held
        found: list[Carried] = []
        position = 0
        while len(held) - position >= 3:
            length = int.from_bytes(held[position : position + 2])
            opcode = held[position + 2] >> 3
            if not length or not 0 < opcode <= CONTROL_WKC_V1:
                framing.lost = True
                position = len(held)
                break
            end = position + 2 + length
            if end > len(held):
                if opcode in DATA:
                    framing.skip = end - len(held)
                    position = len(held)
                break
            if opcode not in DATA:
                found += self.datagram(direction, bytes(held[position + 2 : end]), frame, time)
            position = end
        del held[:position]
        return found

    def _resumes(self, direction: int, data: bytes) -> bool:
        """Tell whether a segment begins with a packet of a session that is known."""
        if len(data) < 11 or data[2] >> 3 in DATA:
            return False
        session_id = data[3:11]
        return 0 < data[2] >> 3 <= CONTROL_WKC_V1 and any(
            session.ids[direction] == session_id for session in self._sessions
        )

    def _is_encrypted(self, direction: int, packet: bytes) -> bool:
        """Tell whether a packet belongs to a session that cannot be read."""
        key_id, session_id = packet[0] & 7, packet[1:9]
        for session in reversed(self._sessions):
            if session.key_id == key_id and session.ids[direction] == session_id:
                return session.encrypted
        return False

    def _recognise(self, packet: bytes) -> bool:
        overhead = reset_overhead(packet)
        if overhead is None:
            overhead = hello_overhead(packet)
        if overhead is None:
            self.encrypted = not self._sessions and is_tls_crypt_reset(packet)
            self._refused += 1
            return False
        self.overhead = overhead
        return True

    def _session(self, direction: int, packet: ControlPacket) -> _Session | None:
        """Return the session that a packet belongs to, a new one where it begins one."""
        resets = packet.opcode in RESETS or packet.opcode == SOFT_RESET_V1
        known = self._known(direction, packet)
        if known is not None:
            recent = known in self._sessions[-_RECENT:]
            if not resets or recent or packet.opcode != SOFT_RESET_V1:
                return known
        if len(self._sessions) >= MAXIMUM_SESSIONS:
            return None
        if not self._sessions:
            if packet.opcode in CLIENT_RESETS:
                self.client = direction
            elif packet.opcode in SERVER_RESETS:
                self.client = 1 - direction
        session = _Session(len(self._sessions), packet.key_id, from_start=resets)
        session.ids[direction] = packet.session_id
        session.ids[1 - direction] = packet.peer_session_id
        if packet.opcode == SOFT_RESET_V1 and self._sessions:
            # Both ends keep their session ids; the first packet need not name the other's.
            session.ids[1 - direction] = self._sessions[-1].ids[1 - direction]
        self._sessions.append(session)
        return session

    def _known(self, direction: int, packet: ControlPacket) -> _Session | None:
        for session in reversed(self._sessions):
            if session.key_id == packet.key_id and session.ids[direction] == packet.session_id:
                return session
        if packet.opcode in CLIENT_RESETS:
            return None
        for session in reversed(self._sessions):
            peer = session.ids[1 - direction]
            if (
                session.key_id == packet.key_id
                and session.ids[direction] is None
                and packet.peer_session_id in (None, peer)
            ):
                session.ids[direction] = packet.session_id
                return session
        return None
