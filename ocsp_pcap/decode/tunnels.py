"""Tunnels: headers inside IP and UDP that carry other packets.

Each function takes packets that have the header it is named after, and says what follows. Where a UDP
port is all that announces a tunnel, what does not look like it is left alone rather than called unknown.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.capture.batch import Bytes
from ocsp_pcap.decode.frames import Frames
from ocsp_pcap.decode.kinds import OF_ETHERTYPE, OF_NEXT_PROTOCOL, OF_PROTOCOL, Kind, Kinds, Step
from ocsp_pcap.decode.link import mpls, sound_ip
from ocsp_pcap.decode.undecoded import ETHERTYPE, PORT, PROTOCOL
from ocsp_pcap.decode.window import byte, uint16, uint32

_CHECKSUM, _ROUTING, _KEY, _SEQUENCE, _ACKNOWLEDGMENT = 0x8000, 0x4000, 0x2000, 0x1000, 0x0080
_GRE_SILENT = (0x0000, 0x2000, 0x2001)  # keep-alives, CDP, NHRP
_ERSPAN = 0x88BE
_TZSP_ETHERNET = 1


def gre(buffer: Bytes, frames: Frames) -> Step:
    """GRE (RFC 2784 2, RFC 2890 2), with a subnet in its key NVGRE, and that of PPTP (RFC 2637 4.1)."""
    flags = uint16(buffer, frames.at)
    number = uint16(buffer, frames.at + 2)
    version = flags & 7
    size = np.full(len(frames), 4, np.int64)
    for bits, in_version in ((_CHECKSUM, 0), (_KEY, None), (_SEQUENCE, None), (_ACKNOWLEDGMENT, 1)):
        present = (flags & bits) != 0
        size += 4 * (present if in_version is None else present & (version == in_version))
    kind = OF_ETHERTYPE[number]
    kind[np.isin(number, _GRE_SILENT)] = Kind.NOTHING
    kind[(number == _ERSPAN) & ((flags & _SEQUENCE) != 0)] = Kind.ERSPAN_2
    kind[(version > 1) | ((flags & _ROUTING) != 0)] = Kind.UNKNOWN
    return Step(kind, frames.at + size, number, ETHERTYPE)


def gre_in_udp(buffer: Bytes, frames: Frames) -> Step:
    """GRE in UDP (RFC 8086)."""
    step = gre(buffer, frames)
    step.kind[(uint16(buffer, frames.at) & 0x0FFF) != 0] = Kind.NOTHING
    step.kind[step.kind == Kind.UNKNOWN] = Kind.NOTHING
    return _sound(buffer, frames, step)


def mpls_in_udp(buffer: Bytes, frames: Frames) -> Step:
    """MPLS in UDP (RFC 7510)."""
    step = mpls(buffer, frames)
    step.kind[step.kind == Kind.UNKNOWN] = Kind.NOTHING
    return step


def erspan_2(_buffer: Bytes, frames: Frames) -> Step:
    """ERSPAN type II (draft-foschiano-erspan 4.2)."""
    return Step(np.full(len(frames), Kind.ETHERNET, np.uint8), frames.at + 8)


def erspan_3(buffer: Bytes, frames: Frames) -> Step:
    """ERSPAN type III (draft-foschiano-erspan 4.3), with the subheader of a platform where there is one."""
    last = uint16(buffer, frames.at + 10)
    frame_type = last >> 10 & 31
    kind = np.full(len(frames), Kind.NOTHING, np.uint8)
    kind[frame_type == 0] = Kind.ETHERNET
    kind[frame_type == 2] = Kind.IP
    return Step(kind, frames.at + 12 + 8 * (last & 1).astype(np.int64))


def wccp(buffer: Bytes, frames: Frames) -> Step:
    """What a router redirects (WCCP): IPv4, in version 2 behind a header of four bytes."""
    headed = byte(buffer, frames.at) >> 4 != 4
    return Step(np.full(len(frames), Kind.IP, np.uint8), frames.at + 4 * headed)


def etherip(_buffer: Bytes, frames: Frames) -> Step:
    """EtherIP (RFC 3378 3)."""
    return Step(np.full(len(frames), Kind.ETHERNET, np.uint8), frames.at + 2)


def vxlan(buffer: Bytes, frames: Frames) -> Step:
    """VXLAN (RFC 7348 5), with a group in its first reserved bits or a next protocol."""
    flags = byte(buffer, frames.at)
    plain = (flags == 8) & ((uint32(buffer, frames.at) & 0xFFFFFF) == 0)
    grouped = (flags & 0x88) == 0x88
    typed = flags == 0x0C
    number = byte(buffer, frames.at + 3)
    kind = np.where(typed, OF_NEXT_PROTOCOL[number], np.uint8(Kind.ETHERNET))
    kind[~(plain | grouped | typed) | (byte(buffer, frames.at + 7) != 0)] = Kind.NOTHING
    return Step(kind, frames.at + 8, number, "VXLAN-GPE next protocol")


def vxlan_gpe(buffer: Bytes, frames: Frames) -> Step:
    """VXLAN with a next protocol (draft-ietf-nvo3-vxlan-gpe 3)."""
    flags = byte(buffer, frames.at)
    number = byte(buffer, frames.at + 3)
    kind = np.where((flags & 4) != 0, OF_NEXT_PROTOCOL[number], np.uint8(Kind.ETHERNET))
    kind[(flags & 8) == 0] = Kind.NOTHING
    return Step(kind, frames.at + 8, number, "VXLAN-GPE next protocol")


def geneve(buffer: Bytes, frames: Frames) -> Step:
    """GENEVE (RFC 8926 3.4)."""
    first = byte(buffer, frames.at).astype(np.int64)
    number = uint16(buffer, frames.at + 2)
    kind = OF_ETHERTYPE[number]
    kind[(first >> 6 != 0) | (byte(buffer, frames.at + 7) != 0)] = Kind.NOTHING
    return Step(kind, frames.at + 8 + (first & 63) * 4, number, ETHERTYPE)


def gtp(buffer: Bytes, frames: Frames) -> Step:
    """GTP-U (3GPP TS 29.281 5): user data of version 1, behind its optional fields and extension headers."""
    flags, message = byte(buffer, frames.at), byte(buffer, frames.at + 1)
    optional = (flags & 7) != 0
    at = frames.at + np.where(optional, 12, 8)
    valid = (flags >> 4 == 3) & (message == 255)
    more = np.flatnonzero(valid & ((flags & 4) != 0) & (at < frames.captured_end))
    more = more[byte(buffer, at[more] - 1) != 0]
    for _ in range(BOUNDS.tags):
        if not len(more):
            break
        # The length of an extension header is in units of four bytes; its last byte names the next.
        at[more] += np.maximum(byte(buffer, at[more]), 1).astype(np.int64) * 4
        more = more[at[more] < frames.captured_end[more]]
        more = more[byte(buffer, at[more] - 1) != 0]
    if len(more):
        reached("tags", len(more))
    number = np.full(len(frames), 2152, np.uint16)
    return _sound(buffer, frames, Step(_where(valid, Kind.IP), at, number, PORT), otherwise=Kind.UNKNOWN)


def lisp(buffer: Bytes, frames: Frames) -> Step:
    """LISP data (RFC 9300 5.3)."""
    step = Step(np.full(len(frames), Kind.IP, np.uint8), frames.at + 8)
    return _sound(buffer, frames, step)


def tzsp(buffer: Bytes, frames: Frames) -> Step:
    """TZSP: tagged fields up to the one that ends them, then a frame."""
    protocol = uint16(buffer, frames.at + 2)
    valid = (byte(buffer, frames.at) == 1) & (byte(buffer, frames.at + 1) <= 1)
    at = frames.at + 4
    more = np.flatnonzero(valid & (at < frames.captured_end))
    for _ in range(BOUNDS.tags):
        if not len(more):
            break
        field = byte(buffer, at[more])
        length = byte(buffer, at[more] + 1).astype(np.int64)
        at[more] += np.where(field <= 1, 1, 2 + length)
        more = more[(field != 1) & (at[more] < frames.captured_end[more])]
    if len(more):
        reached("tags", len(more))
    wireless = valid & (protocol != _TZSP_ETHERNET)
    kind = _where(valid, Kind.ETHERNET)
    kind[more] = Kind.UNKNOWN
    kind[wireless] = Kind.SLOW_PORT
    number = np.full(len(frames), 37008, np.uint16)
    return Step(kind, np.where(wireless, frames.at, at), number, PORT)


def l2tp(buffer: Bytes, frames: Frames) -> Step:
    """L2TP data messages (RFC 2661 3.1)."""
    flags = uint16(buffer, frames.at)
    size = 6 + np.where(flags & 0x4000, 2, 0) + np.where(flags & 0x0800, 4, 0)
    at = frames.at + size
    padded = np.flatnonzero((flags & 0x0200) != 0)
    at[padded] += 2 + uint16(buffer, at[padded]).astype(np.int64)
    return Step(_where(((flags & 0x8000) == 0) & ((flags & 15) == 2), Kind.PPP), at)


def gue(buffer: Bytes, frames: Frames) -> Step:
    """Generic UDP encapsulation (draft-ietf-intarea-gue 3): with a header, or IP alone."""
    first, number = byte(buffer, frames.at), byte(buffer, frames.at + 1)
    bare = first >> 6 == 1
    kind = np.where(bare, np.uint8(Kind.IP), OF_PROTOCOL[number])
    kind[(first >> 6 > 1) | (~bare & ((first & 0x20) != 0))] = Kind.NOTHING
    kind[kind == Kind.SLOW_IP] = Kind.UNKNOWN
    at = frames.at + np.where(bare, 0, 4 + (first & 31).astype(np.int64) * 4)
    return _sound(buffer, frames, Step(kind, at, number, PROTOCOL))


def opaque_port(buffer: Bytes, frames: Frames) -> Step:
    """ESP in UDP (RFC 3948 2): not IKE, which begins with four zero bytes, and no keep-alive."""
    valid = (uint32(buffer, frames.at) != 0) & (frames.reported_end - frames.at > 8)
    kind = _where(valid, Kind.UNKNOWN)
    return Step(kind, frames.at, np.full(len(frames), 4500, np.uint16), PORT)


def _where(valid: NDArray[np.bool_], kind: Kind) -> Kinds:
    return np.where(valid, np.uint8(kind), np.uint8(Kind.NOTHING))


def _sound(buffer: Bytes, frames: Frames, step: Step, otherwise: Kind = Kind.NOTHING) -> Step:
    """Take for IP only what looks like it."""
    rows = np.flatnonzero(
        ((step.kind == Kind.IP) | (step.kind == Kind.IP_6)) & (step.at < frames.captured_end)
    )
    at = step.at[rows]
    step.kind[rows[~sound_ip(buffer, at, frames.reported_end[rows] - at)]] = otherwise
    return step
