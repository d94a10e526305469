"""Captures in which the packets of a sample travel inside others: one wrapping for each tunnel or tag."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from scapy.utils import RawPcapReader

Wrap: TypeAlias = Callable[[bytes], bytes]
"""From an Ethernet frame to the Ethernet frame that carries it."""

_MACS = bytes.fromhex("02000000000a020000000009")


def ethernet(ethertype: int, payload: bytes) -> bytes:
    return _MACS + ethertype.to_bytes(2, "big") + payload


def ipv4(protocol: int, payload: bytes) -> bytes:
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 7, 0, 64, protocol, 0)
    return ethernet(0x0800, header + bytes((172, 16, 0, 1, 172, 16, 0, 2)) + payload)


def ipv6(protocol: int, payload: bytes) -> bytes:
    header = struct.pack(">IHBB", 6 << 28, len(payload), protocol, 64)
    ends = bytes.fromhex("20010db800000000000000000000000120010db8000000000000000000000002")
    return ethernet(0x86DD, header + ends + payload)


def udp(port: int, payload: bytes) -> bytes:
    return ipv4(17, struct.pack(">HHHH", 51234, port, 8 + len(payload), 0) + payload)


def gre(ethertype: int, payload: bytes, flags: int = 0, optional: bytes = b"") -> bytes:
    return ipv4(47, struct.pack(">HH", flags, ethertype) + optional + payload)


def _typed(frame: bytes) -> bytes:
    return frame[12:]


def _packet(frame: bytes) -> bytes:
    """What stands behind the Ethernet header."""
    return frame[14:]


_LABELS = bytes.fromhex("0001e0400001f140")
_VXLAN = bytes.fromhex("0800000000000500")

WRAPPINGS: dict[str, Wrap] = {
    "vxlan": lambda frame: udp(4789, _VXLAN + frame),
    "vxlan-gpe": lambda frame: udp(4790, bytes.fromhex("0c00000100000500") + _packet(frame)),
    "geneve": lambda frame: udp(6081, bytes.fromhex("0000655800000500") + frame),
    "geneve-options": lambda frame: udp(6081, bytes.fromhex("02006558000005000101000100000000") + frame),
    "gre": lambda frame: gre(0x0800, _packet(frame)),
    "gre-key-sequence": lambda frame: gre(0x0800, _packet(frame), 0x3000, bytes(8)),
    "nvgre": lambda frame: gre(0x6558, frame, 0x2000, bytes(4)),
    "gre-gre-gre": lambda frame: gre(0x0800, gre(0x0800, gre(0x0800, _packet(frame))[14:])[14:]),
    "erspan-1": lambda frame: gre(0x88BE, frame),
    "erspan-2": lambda frame: gre(0x88BE, bytes.fromhex("1001000100000000") + frame, 0x1000, bytes(4)),
    "erspan-3": lambda frame: gre(0x22EB, b"\x20\x01" + bytes(10) + frame, 0x1000, bytes(4)),
    "wccp": lambda frame: gre(0x883E, bytes(4) + _packet(frame)),
    "mpls": lambda frame: ethernet(0x8847, _LABELS + _packet(frame)),
    "mpls-ethernet": lambda frame: ethernet(0x8847, _LABELS + frame),
    "mpls-control-word": lambda frame: ethernet(0x8847, _LABELS + bytes(4) + frame),
    "pppoe": lambda frame: ethernet(
        0x8864, struct.pack(">BBHHH", 0x11, 0, 1, len(frame) - 12, 0x0021) + _packet(frame)
    ),
    "4in4": lambda frame: ipv4(4, _packet(frame)),
    "4in6": lambda frame: ipv6(4, _packet(frame)),
    "gtp-u": lambda frame: udp(2152, struct.pack(">BBHI", 0x30, 255, len(frame) - 14, 1) + _packet(frame)),
    "gtp-u-extension": lambda frame: udp(
        2152,
        struct.pack(">BBHI", 0x34, 255, len(frame) - 6, 1)
        + bytes.fromhex("0000008501000100")
        + _packet(frame),
    ),
    "lisp": lambda frame: udp(4341, b"\xc0" + bytes(7) + _packet(frame)),
    "cisco-metadata": lambda frame: ethernet(0x8909, bytes.fromhex("010100010007") + _typed(frame)),
    "vn-tag": lambda frame: ethernet(0x8926, bytes.fromhex("00010002") + _typed(frame)),
    "hsr": lambda frame: ethernet(0x892F, struct.pack(">HH", len(frame) - 8, 1) + _typed(frame)),
    "prp": lambda frame: frame + struct.pack(">HHH", 1, 0xA000 | len(frame) - 8, 0x88FB),
    "dot1ad": lambda frame: ethernet(0x88A8, b"\0\7" + b"\x81\0\0\x09" + _typed(frame)),
    "ten-tags": lambda frame: ethernet(0x8100, b"\0\7" + b"\x81\0\0\x09" * 9 + _typed(frame)),
    "pbb": lambda frame: ethernet(0x88E7, bytes(3) + b"\7" + frame),
    "tzsp": lambda frame: udp(37008, bytes.fromhex("010000010a012a01") + frame),
    "l2tp": lambda frame: udp(1701, bytes.fromhex("000200010002ff030021") + _packet(frame)),
    "mpls-in-udp": lambda frame: udp(6635, _LABELS + _packet(frame)),
    "gre-in-udp": lambda frame: udp(4754, bytes.fromhex("00000800") + _packet(frame)),
    "vxlan-gre-vlan": lambda frame: udp(
        4789, _VXLAN + gre(0x6558, ethernet(0x8100, b"\0\7" + _typed(frame)))
    ),
}


def wrap_capture(source: Path, target: Path, wrap: Wrap) -> None:
    """Write a capture of Ethernet frames anew, each frame wrapped; only IPv4 is."""
    with target.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        with source.open("rb") as file, RawPcapReader(file) as reader:
            for frame, meta in reader:
                data = wrap(frame) if frame[12:14] == b"\x08\0" else frame
                out.write(struct.pack("<IIII", meta.sec, meta.usec, len(data), len(data)) + data)
