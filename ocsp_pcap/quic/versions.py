"""QUIC versions: how their Initial packets are protected, and how to know a QUIC datagram when one is seen.

Salts are those of RFC 9001 5.2, RFC 9369 3.3.1 and of section 5.2 of draft-ietf-quic-tls-22 to -34; those
of Google Q050, T050 and T051 and the equivalents of Facebook's versions are public in Chromium's
``crypto_utils.cc``, mvfst's ``QuicConstants`` and Wireshark's ``packet-quic.c``.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

LONG_HEADER_MASK: Final = 0x80
"""Header form (RFC 8999 5.1): a first byte b with ``b & LONG_HEADER_MASK`` begins a long header packet.
The fixed bit (0x40) tells no more: packets with a greased one (RFC 9287) occur in handshakes."""
VERSION_OFFSET: Final = 1
"""Offset of the four bytes of the version, big-endian, in every long header packet (RFC 8999 5.1)."""
MINIMUM_INITIAL_DATAGRAM: Final = 1200
"""Smallest UDP payload that carries a client's Initial packet (RFC 9000 14.1)."""
MAXIMUM_CONNECTION_ID: Final = 20
"""Bytes of the longest connection ID of all versions read here (RFC 9000 17.2)."""

NEGOTIATION: Final = 0x00000000
VERSION_1: Final = 0x00000001
VERSION_2: Final = 0x6B3343CF

_V1 = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
_V2 = bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9")
_DRAFT_29 = bytes.fromhex("afbfec289993d24c9e9786f19c6111e04390a899")
_DRAFT_23 = bytes.fromhex("c3eef712c72ebb5a11a7d2432bb46365bef9f502")
_DRAFT_22 = bytes.fromhex("7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a")
_Q050 = bytes.fromhex("504574efd066fe2f9d945cfcdbd3a7f0d3b56b45")
_T050 = bytes.fromhex("7ff579e5acd072915580304c43a2367c60488310")
_T051 = bytes.fromhex("7a4edef4e7ccee5fa4506c19124fc8ccda6e033d")


class FrameFormat(Enum):
    """The layout of the frames inside a packet's payload."""

    IETF = "RFC 9000 19"
    GOOGLE = "gQUIC, as of Q050"


class Version(NamedTuple):
    """The marks of one QUIC version on the wire."""

    number: int
    name: str
    salts: tuple[bytes, ...]
    """Salts of the Initial secret, to be tried in this order; several only where a version has none of its
    own; empty where Initial packets are not read."""
    label: bytes = b"quic "
    """What the labels of packet protection keys begin with (RFC 9001 5.1, RFC 9369 3.3.2)."""
    packet_types: tuple[int, int, int, int] = (0, 1, 2, 3)
    """Meaning of the two type bits, as :class:`~ocsp_pcap.quic.packets.PacketType` (RFC 9369 3.2)."""
    frames: FrameFormat = FrameFormat.IETF
    tls: bool = True
    """False: the handshake is Google's QUIC crypto."""


def _draft_salt(draft: int) -> bytes:
    if draft <= 22:
        return _DRAFT_22
    if draft <= 28:
        return _DRAFT_23
    return _DRAFT_29 if draft <= 32 else _V1


_NAMED: Final[dict[int, Version]] = {
    version.number: version
    for version in (
        Version(VERSION_1, "1", (_V1,)),
        Version(VERSION_2, "2", (_V2,), label=b"quicv2 ", packet_types=(3, 0, 1, 2)),
        *(Version(0xFF000000 + draft, f"draft-{draft}", (_draft_salt(draft),)) for draft in range(22, 35)),
        Version(0xFACEB001, "mvfst draft-22", (_DRAFT_22,)),
        Version(0xFACEB002, "mvfst draft-27", (_DRAFT_23,)),
        Version(0xFACEB00E, "mvfst experimental", (_DRAFT_23, _DRAFT_29, _V1)),
        Version(0x51303530, "Q050", (), frames=FrameFormat.GOOGLE, tls=False),
        Version(0x54303530, "T050", (_T050,), frames=FrameFormat.GOOGLE),
        Version(0x54303531, "T051", (_T051,), frames=FrameFormat.GOOGLE),
    )
}


def version_of(number: int) -> Version | None:
    """Return what is known of a version number of a long header, None where it is no QUIC version.

    Version Negotiation (0) is not one. Reserved versions (RFC 9000 15, ``0x?a?a?a?a``) are, since clients
    that force a negotiation still protect their Initial packets with some version's salt.
    """
    named = _NAMED.get(number)
    if named is not None:
        return named
    if number & 0x0F0F0F0F == 0x0A0A0A0A:
        return Version(number, f"reserved {number:08x}", (_V1, _DRAFT_29))
    if number >> 4 == 0xFACEB00:
        return Version(number, f"mvfst {number:08x}", (_V1, _DRAFT_29, _DRAFT_23))
    if number >> 24 == 0x51 and _is_digits(number & 0xFFFFFF):
        return Version(number, number.to_bytes(4).decode("ascii"), (), frames=FrameFormat.GOOGLE, tls=False)
    return None


def _is_digits(number: int) -> bool:
    return number.to_bytes(3).isdigit()


def looks_like_quic(payload: bytes) -> bool:
    """Tell whether a UDP payload begins with a QUIC packet that names its version.

    A long header of a known version, or Version Negotiation that lists one, or a gQUIC packet with its
    version. Short header packets cannot be told from noise (RFC 8999 5.2).
    """
    if len(payload) < 7:
        return False
    first = payload[0]
    if first & 0x80:
        number = int.from_bytes(payload[1:5])
        if number == NEGOTIATION:
            return _is_negotiation(payload)
        version = version_of(number)
        if version is None:
            return False
        if not version.tls:
            return True
        destination_end = 6 + payload[5]
        return (
            payload[5] <= MAXIMUM_CONNECTION_ID
            and destination_end < len(payload)
            and payload[destination_end] <= MAXIMUM_CONNECTION_ID
        )
    return google_public_version(payload) is not None


def _is_negotiation(payload: bytes) -> bool:
    # RFC 8999 6: connection IDs of any length, then one or more versions to the end of the datagram.
    source_at = 6 + payload[5]
    if source_at >= len(payload):
        return False
    versions_at = source_at + 1 + payload[source_at]
    listed = payload[versions_at:]
    if not listed or len(listed) % 4:
        return False
    return any(version_of(int.from_bytes(listed[i : i + 4])) for i in range(0, min(len(listed), 64), 4))


def google_public_version(payload: bytes) -> int | None:
    """Return the version of a client's gQUIC packet with a public header (Q043 and before), else None."""
    flags = payload[0]
    # Version and 8-byte connection ID are present, no reset; the two highest bits are unused.
    if flags & 0xCB != 0x09 or len(payload) < 13:
        return None
    number = int.from_bytes(payload[9:13])
    return number if number >> 24 == 0x51 and _is_digits(number & 0xFFFFFF) else None
