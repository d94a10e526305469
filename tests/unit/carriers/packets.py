"""Packets of OpenVPN and RDP over UDP around TLS bytes that a test has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Packet = tuple[int, bytes]
"""Direction (0: the client's) and bytes."""

# The hard resets of openvpn 2.6: (client, server) without protection, with tls-auth (SHA-1) and tls-crypt.
PLAIN_RESETS = (
    bytes.fromhex("384199a984f359d70b0000000000"),
    bytes.fromhex("40a94318c4749f92c201000000004199a984f359d70b00000000"),
)
AUTHENTICATED_RESETS = (
    bytes.fromhex("389e21292bc2b87bfe456d626891956a53ed1f11234e9be4966a4717fd000000016b02ae0e0000000000"),
    bytes.fromhex(
        "401b0b65232bd52c31138a6ddf3a6ab658d25d704847fbd6391d6abda9000000016b02ae0e"
        "01000000009e21292bc2b87bfe00000000"
    ),
)
ENCRYPTED_RESETS = (
    bytes.fromhex(
        "38fe051692d9a0194f000000016b02ae26fa02080f37d18cb9f224435161677de2eb75658d6e07030e54e80e0450e0"
        "4b26be08fd2063"
    ),
    bytes.fromhex(
        "40f2853212e13b0741000000016b02ae2632931719911fcc328fa61e84e64259e49fc05acd86c1da15f136350850ee"
        "2d9499e5555de4323f2b0fa12ac6c35dcea1ce"
    ),
)
ENCRYPTED_SOFT_RESET = bytes.fromhex(
    "19a94318c4749f92c2000000016b02ae07edb662e44570cdf0822437c59f1a985a7870219697ad3d99916219770949da9651"
    "8061daa7"
)
"""What the server of PLAIN_RESETS renegotiates with."""


@dataclass
class OpenVpnPeers:
    """Both ends of one OpenVPN connection; what they send stands in ``packets``, in order."""

    hmac: int | None = None
    ids: tuple[bytes, bytes] = (b"clientID", b"serverID")
    packets: list[Packet] = field(default_factory=list)
    sent: list[int] = field(default_factory=lambda: [0, 0])
    numbers: list[int] = field(default_factory=lambda: [0, 0])
    unacknowledged: list[list[int]] = field(default_factory=lambda: [[], []])

    def send(
        self, direction: int, opcode: int, key_id: int, payload: bytes = b"", *, has_id: bool = True
    ) -> None:
        """Send one control packet, with acknowledgments of all that came."""
        packet = bytes((opcode << 3 | key_id,)) + self.ids[direction]
        if self.hmac is not None:
            self.sent[direction] += 1
            packet += b"h" * self.hmac + self.sent[direction].to_bytes(4) + b"time"
        waiting = self.unacknowledged[direction][:8]
        del self.unacknowledged[direction][:8]
        packet += bytes((len(waiting),)) + b"".join(number.to_bytes(4) for number in waiting)
        if waiting:
            packet += self.ids[1 - direction]
        if has_id:
            packet += self.numbers[direction].to_bytes(4) + payload
            self.unacknowledged[1 - direction].append(self.numbers[direction])
            self.numbers[direction] += 1
        self.packets.append((direction, packet))

    def hard_reset(self) -> None:
        """Begin the connection."""
        self.send(0, 7, 0)
        self.send(1, 8, 0)

    def soft_reset(self, key_id: int) -> None:
        """Begin another TLS session."""
        self.numbers = [0, 0]
        self.unacknowledged = [[], []]
        self.send(1, 3, key_id)
        self.send(0, 3, key_id)

    def tls(self, flights: Sequence[tuple[bool, bytes]], size: int = 100, key_id: int = 0) -> None:
        """Carry TLS bytes in packets of ``size``."""
        for from_client, data in flights:
            direction = 0 if from_client else 1
            for start in range(0, len(data), size):
                self.send(direction, 4, key_id, data[start : start + size])
            self.send(1 - direction, 5, key_id, has_id=False)

    def data(self, direction: int, size: int = 300) -> None:
        """Send one data packet."""
        self.packets.append((direction, b"\x30" + bytes(range(256)) * (size // 256 + 1)))

    def framed(self) -> list[Packet]:
        """Return the packets as they stand in TCP."""
        return [(direction, len(packet).to_bytes(2) + packet) for direction, packet in self.packets]


def rdp_syn(direction: int, initial: int, version: int = 1, *, lossy: bool = False) -> Packet:
    """A SYN (direction 0) or its answer (MS-RDPEUDP 2.2.2.1, 2.2.2.5, 2.2.2.9)."""
    flags = 0x1001 | (4 if direction else 0) | (0x200 if lossy else 0)
    packet = (b"\x00\x00\x00\x01" if direction else b"\xff" * 4) + b"\x00\x40" + flags.to_bytes(2)
    packet += initial.to_bytes(4) + b"\x04\xd0\x04\xd0" + b"\x00\x01" + version.to_bytes(2)
    return direction, packet + bytes(1232 - len(packet))


def rdp_data(direction: int, number: int, payload: bytes, *, acknowledged: int = 1) -> Packet:
    """A source packet with an acknowledgment vector (2.2.2.7, 2.2.2.4)."""
    vector = acknowledged.to_bytes(2) + bytes(acknowledged)
    vector += b"\xcc" * (-len(vector) % 4)
    header = (7).to_bytes(4) + b"\x04\x00\x00\x0c" + vector
    return direction, header + (number % (1 << 32)).to_bytes(4) * 2 + payload


def rdp3_data(direction: int, number: int, payload: bytes, flags: int = 0x114) -> Packet:
    """A data packet of MS-RDPEUDP2 2.2.1 with any of its optional parts."""
    body = (0xC000 | flags).to_bytes(2, "little")
    if flags & 1:
        body += b"\x64\x00\xdb\x05\x00\x00\x02\xaa\xbb"
    if flags & 0x40:
        body += b"\x0a"
    if flags & 0x100:
        body += b"\x01\xf4\x01"
    if flags & 0x10:
        body += b"\x64\x00"
    body += b"\x64\x00"
    if flags & 8:
        body += b"\x60\x00\x83\x01\x02\x03\x04abc"
    body += number.to_bytes(2, "little") + payload
    packet = bytearray(b"\xe0" + body)
    packet[0], packet[7] = packet[7], packet[0]
    return direction, bytes(packet)
