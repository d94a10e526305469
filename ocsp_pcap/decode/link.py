"""Link layers of common captures, and the tags and shims between them and the network layer.

Each function takes packets that have the header it is named after, and says what follows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.capture.batch import Bytes, Column
from ocsp_pcap.capture.parser import NOT_A_PACKET
from ocsp_pcap.decode.frames import Frames
from ocsp_pcap.decode.kinds import OF_ETHERTYPE, OF_NEXT_PROTOCOL, OF_PPP, Kind, Step
from ocsp_pcap.decode.undecoded import ETHERTYPE
from ocsp_pcap.decode.window import SNAP, byte, gather, uint16, uint32

LINK_NULL, LINK_ETHERNET, LINK_LOOP, LINK_COOKED, LINK_COOKED_2, LINK_PPPOE = 0, 1, 108, 113, 276, 51
RAW_IP = (12, 14, 101, 228, 229)
_SILENT_LINK_TYPES = frozenset(
    {
        NOT_A_PACKET,
        *(187, 201, 251, 254, 255, 256, 272),  # Bluetooth
        *(189, 220, 249),  # USB
        *(190, 227),  # CAN
        *(195, 215, 230, 283),  # IEEE 802.15.4
    }
)
"""Link types that are known to carry no IP packet in a form that anyone reads."""
_OF_LINK_TYPE = {
    **dict.fromkeys(_SILENT_LINK_TYPES, Kind.NOTHING),
    **dict.fromkeys(RAW_IP, Kind.IP),
    LINK_NULL: Kind.NULL,
    LINK_LOOP: Kind.NULL,
    LINK_ETHERNET: Kind.ETHERNET,
    LINK_COOKED: Kind.COOKED,
    LINK_COOKED_2: Kind.COOKED_2,
    LINK_PPPOE: Kind.PPPOE,
}

_IS_TAG = OF_ETHERTYPE == Kind.TAG
_NULL_FAMILIES_IPV6 = (10, 23, 24, 28, 30)
"""AF_INET6 of Linux, Windows, NetBSD and OpenBSD, FreeBSD, macOS."""
_NULL_FAMILY_OSI = 7
_ENCAPSULATED_TYPES = (0, 0x0000F8)
"""Organization codes of SNAP under which the type is an EtherType (RFC 1042, IEEE 802.1H)."""
_CONTROL_WORD = 4


def kind_of_link_type(link_type: int) -> Kind:
    """Return what packets of a link type (a LINKTYPE_ number) begin with."""
    return _OF_LINK_TYPE.get(link_type, Kind.SLOW_LINK)


def ethernet(buffer: Bytes, frames: Frames) -> Step:
    """IEEE 802.3 3.2, with VLAN tags (IEEE 802.1Q 9.3) and the length of frames with LLC."""
    step = _after_type(buffer, frames, frames.at + 12)
    assert step.number is not None
    # Values up to 1535 are the length of an 802.3 frame (IEEE 802.3 3.2.6).
    framed = np.flatnonzero((step.number < 0x600) & (step.at <= frames.captured_end))
    if len(framed):
        header = gather(buffer, step.at[framed], SNAP)
        snap = (header["sap"] == 0xAAAA) & (header["control"] == 3)
        step.kind[framed] = np.where(snap, Kind.SNAP, Kind.NOTHING)
    return step


def snap(buffer: Bytes, frames: Frames) -> Step:
    """LLC and SNAP headers (IEEE 802.2, RFC 1042)."""
    organization = uint32(buffer, frames.at + 2) & 0xFFFFFF
    number = uint16(buffer, frames.at + 6)
    kind = OF_ETHERTYPE[number]
    kind[(kind == Kind.UNKNOWN) | ~np.isin(organization, _ENCAPSULATED_TYPES)] = Kind.NOTHING
    return Step(kind, frames.at + 8)


def cooked(buffer: Bytes, frames: Frames) -> Step:
    """LINKTYPE_LINUX_SLL."""
    return _after_type(buffer, frames, frames.at + 14)


def cooked_2(buffer: Bytes, frames: Frames) -> Step:
    """LINKTYPE_LINUX_SLL2: the protocol stands first."""
    return _after_type(buffer, frames, frames.at, frames.at + 20)


def null(buffer: Bytes, frames: Frames) -> Step:
    """LINKTYPE_NULL and LINKTYPE_LOOP: the family, in the capturing host's byte order or the network's."""
    family = uint32(buffer, frames.at)
    swapped = family > 0xFFFF
    family[swapped] = family[swapped].byteswap()
    kind = np.full(len(frames), Kind.UNKNOWN, np.uint8)
    kind[family == 2] = Kind.IP
    kind[np.isin(family, _NULL_FAMILIES_IPV6)] = Kind.IP_6
    kind[family == _NULL_FAMILY_OSI] = Kind.NOTHING
    typed = (family >= 0x600) & (family <= 0xFFFF)
    kind[typed] = OF_ETHERTYPE[family[typed]]
    return Step(kind, frames.at + 4, family, "address family")


def tag(buffer: Bytes, frames: Frames) -> Step:
    """A VLAN tag: its two bytes, then the next EtherType."""
    return _after_type(buffer, frames, frames.at + 2)


def _after_type(buffer: Bytes, frames: Frames, type_at: Column, at: Column | None = None) -> Step:
    """Follow VLAN tags; say what the last EtherType announces and where its payload starts."""
    end = frames.captured_end
    at = type_at + 2 if at is None else at
    number = uint16(buffer, np.minimum(type_at, end))
    tagged = np.flatnonzero(_IS_TAG[number] & (at + 4 <= end))
    if len(tagged):
        at = at.copy()
    for _ in range(BOUNDS.tags):
        if not len(tagged):
            break
        number[tagged] = uint16(buffer, at[tagged] + 2)
        at[tagged] += 4
        tagged = tagged[_IS_TAG[number[tagged]] & (at[tagged] + 4 <= end[tagged])]
    return Step(OF_ETHERTYPE[number], at, number, ETHERTYPE)


def mpls(buffer: Bytes, frames: Frames) -> Step:
    """A label stack (RFC 3032 2.1) and what seems to follow it: labels do not tell.

    That is IP, or Ethernet (RFC 4448) with or without a control word.
    """
    at, end = frames.at.copy(), frames.captured_end
    label = np.zeros(len(frames), np.uint32)
    more = np.arange(len(frames))
    for _ in range(BOUNDS.tags):
        entry = uint32(buffer, at[more])
        at[more] += 4
        label[more] = entry >> 12
        more = more[((entry & 0x100) == 0) & (at[more] + 4 <= end[more])]
        if not len(more):
            break
    if len(more):
        reached("tags", len(more))
    at = np.minimum(at, end)
    kind = np.full(len(frames), Kind.UNKNOWN, np.uint8)
    nibble = byte(buffer, at) >> 4
    left = frames.reported_end - at
    plain = known_type(uint16(buffer, at + 12), left)
    behind_word = known_type(uint16(buffer, at + 16), left - _CONTROL_WORD) & (nibble == 0)
    word = behind_word & (~plain | (uint16(buffer, at) == 0))
    kind[plain | word] = Kind.ETHERNET
    kind[(nibble == 1) & ~plain] = Kind.NOTHING  # an associated channel (RFC 4385 5)
    # A hardware address may begin as IPv4 does; one of 45:00:00:00 even with a length that may stand there.
    mistakable = plain & (nibble == 4) & (uint16(buffer, at + 2) == 0)
    kind[sound_ip(buffer, at, left) & ~mistakable] = Kind.IP
    kind[more] = Kind.UNKNOWN
    return Step(kind, at + np.where(word & (kind == Kind.ETHERNET), _CONTROL_WORD, 0), label, "MPLS label")


def known_type(number: NDArray[np.uint16], left: Column) -> NDArray[np.bool_]:
    """Say whether what would be the type field of an Ethernet frame of ``left`` bytes may be one."""
    is_length = (number <= left - 14) & (number >= 3)
    return np.where(number < 0x600, is_length, OF_ETHERTYPE[number] != Kind.UNKNOWN)


def sound_ip(buffer: Bytes, at: Column, left: Column) -> NDArray[np.bool_]:
    """Say whether an IP header seems to stand there, in a packet that has ``left`` bytes from there on."""
    first = byte(buffer, at)
    total = uint16(buffer, at + 2)
    version_4 = (first >> 4 == 4) & ((first & 15) >= 5) & (total <= left) & ((total >= 20) | (total == 0))
    version_6 = (first >> 4 == 6) & (uint16(buffer, at + 4).astype(np.int64) + 40 <= left)
    sound: NDArray[np.bool_] = version_4 | version_6
    return sound


def pppoe(buffer: Bytes, frames: Frames) -> Step:
    """PPP over Ethernet, session stage (RFC 2516 4); code 0 is a packet of the session."""
    session = byte(buffer, frames.at + 1) == 0
    return Step(np.where(session, np.uint8(Kind.PPP), np.uint8(Kind.NOTHING)), frames.at + 6)


def ppp(buffer: Bytes, frames: Frames) -> Step:
    """PPP (RFC 1661 2), where address, control and one byte of the protocol may be left out."""
    at = frames.at + np.where(uint16(buffer, frames.at) == 0xFF03, 2, 0)
    first = byte(buffer, at)
    short = (first & 1) == 1
    number = np.where(short, first, uint16(buffer, at))
    return Step(OF_PPP[number], at + np.where(short, 1, 2), number, "PPP protocol")


def cisco_metadata(buffer: Bytes, frames: Frames) -> Step:
    """Cisco metadata: version, length in words of the options (a security group tag), and a type."""
    size = np.maximum(byte(buffer, frames.at + 1), 1).astype(np.int64) * 4 + 2
    return _after_type(buffer, frames, frames.at + size)


def vn_tag(buffer: Bytes, frames: Frames) -> Step:
    """A VN-Tag (IEEE 802.1BR): four bytes, then the next EtherType."""
    return _after_type(buffer, frames, frames.at + 4)


def hsr(buffer: Bytes, frames: Frames) -> Step:
    """An HSR tag (IEC 62439-3): path and size, sequence number, then the next EtherType."""
    return _after_type(buffer, frames, frames.at + 4)


def backbone(_buffer: Bytes, frames: Frames) -> Step:
    """A service tag of a provider backbone bridge (IEEE 802.1Q 9.7), then the customer's frame."""
    return _always(frames, Kind.ETHERNET, 4)


def fabric_path(_buffer: Bytes, frames: Frames) -> Step:
    """Cisco FabricPath: the rest of its tag, then the frame."""
    return _always(frames, Kind.ETHERNET, 2)


def trill(buffer: Bytes, frames: Frames) -> Step:
    """TRILL (RFC 6325 3.1), then the frame."""
    options = (uint16(buffer, frames.at).astype(np.int64) >> 6 & 31) * 4
    return Step(np.full(len(frames), Kind.ETHERNET, np.uint8), frames.at + 6 + options)


def nsh(buffer: Bytes, frames: Frames) -> Step:
    """The network service header (RFC 8300 2)."""
    size = (byte(buffer, frames.at + 1).astype(np.int64) & 63) * 4
    number = byte(buffer, frames.at + 3)
    kind = OF_NEXT_PROTOCOL[number]
    kind[size < 8] = Kind.UNKNOWN
    return Step(kind, frames.at + np.maximum(size, 8), number, "NSH next protocol")


def _always(frames: Frames, kind: Kind, size: int) -> Step:
    return Step(np.full(len(frames), kind, np.uint8), frames.at + size)
