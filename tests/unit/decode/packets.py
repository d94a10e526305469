"""Packets made by scapy: one stack each around the same TCP segment."""

from __future__ import annotations

import importlib
from typing import Any

from scapy.contrib.erspan import ERSPAN_II
from scapy.contrib.etherip import EtherIP
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header
from scapy.contrib.mpls import MPLS
from scapy.layers.dot11 import Dot11, RadioTap
from scapy.layers.inet import GRE, ICMP, IP, TCP, UDP, IPOption_NOP
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.l2 import LLC, SNAP, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Dot3, Ether
from scapy.layers.ppp import PPP, PPPoE
from scapy.layers.vxlan import VXLAN

PAYLOAD = b"payload of the segment"
MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
RED, BLUE = "10.1.2.3", "192.0.2.77"
RED_6, BLUE_6 = "2001:db8::3", "2001:db8:ffff::77"
OUTER, OUTER_PEER = "172.16.0.1", "172.16.0.2"

importlib.import_module("scapy.contrib.chdlc")


def ether(**fields: Any) -> Any:
    return Ether(**MACS, **fields)


def segment(flags: str = "PA") -> Any:
    return TCP(sport=40000, dport=443, flags=flags, seq=1000, ack=2000) / PAYLOAD


def ipv4(**fields: Any) -> Any:
    return IP(src=RED, dst=BLUE, **fields) / segment()


def ipv6() -> Any:
    return IPv6(src=RED_6, dst=BLUE_6) / segment()


def outer() -> Any:
    return ether() / IP(src=OUTER, dst=OUTER_PEER)


def tunnel(port: int) -> Any:
    return outer() / UDP(sport=50000, dport=port)


FAST: dict[str, tuple[int, Any, int]] = {
    "ethernet": (1, ether() / ipv4(), 4),
    "ethernet padding": (1, ether() / IP(src=RED, dst=BLUE) / segment() / (b"\0" * 9), 4),
    "vlan": (1, ether() / Dot1Q(vlan=7) / ipv4(), 4),
    "q-in-q": (1, ether() / Dot1AD(vlan=7) / Dot1Q(vlan=9) / ipv6(), 6),
    "eight tags": (
        1,
        ether() / Dot1Q() / Dot1Q() / Dot1Q() / Dot1Q() / Dot1Q() / Dot1Q() / Dot1Q() / Dot1Q() / ipv4(),
        4,
    ),
    "ipv6": (1, ether() / ipv6(), 6),
    "ip options": (1, ether() / ipv4(options=[IPOption_NOP()] * 8), 4),
    "cooked": (113, CookedLinux() / ipv4(), 4),
    "cooked vlan": (113, CookedLinux(proto=0x8100) / Dot1Q() / ipv4(), 4),
    "cooked 2": (276, CookedLinuxV2() / ipv6(), 6),
    "raw": (101, ipv4(), 4),
    "raw ipv6": (101, ipv6(), 6),
    "raw 12": (12, ipv4(), 4),
    "raw 14": (14, ipv6(), 6),
    "raw 228": (228, ipv4(), 4),
    "raw 229": (229, ipv6(), 6),
    "null": (0, b"\x02\0\0\0" + bytes(ipv4()), 4),
    "null big-endian": (0, b"\0\0\0\x02" + bytes(ipv4()), 4),
    "null macos ipv6": (0, b"\x1e\0\0\0" + bytes(ipv6()), 6),
    "null freebsd ipv6": (0, b"\0\0\0\x1c" + bytes(ipv6()), 6),
    "null windows ipv6": (0, b"\x17\0\0\0" + bytes(ipv6()), 6),
    "loop": (108, b"\0\0\0\x18" + bytes(ipv6()), 6),
}
FAST["ethernet padding"] = (1, bytes(ether() / ipv4()) + b"\0" * 9, 4)

TUNNELS: dict[str, tuple[int, Any, int]] = {
    "snap": (1, Dot3(**MACS) / LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(OUI=0, code=0x0800) / ipv4(), 4),
    "mpls": (1, ether(type=0x8847) / MPLS(label=3, s=0) / MPLS(label=4, s=1) / ipv4(), 4),
    "pppoe": (1, ether(type=0x8864) / PPPoE(sessionid=1) / PPP(proto=0x21) / ipv4(), 4),
    "fabric path": (1, b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x89\x03\x40\x20" + bytes(ether() / ipv4()), 4),
    "gre": (1, outer() / GRE() / ipv4(), 4),
    "gre ethernet": (1, outer() / GRE(proto=0x6558) / ether() / ipv6(), 6),
    "erspan": (1, outer() / GRE(proto=0x88BE, seqnum_present=1) / ERSPAN_II() / ether() / ipv4(), 4),
    "ip in ip": (1, outer() / ipv4(), 4),
    "6in4": (1, outer() / ipv6(), 6),
    "4in6": (1, ether() / IPv6(src="2001:db8::1", dst="2001:db8::2") / ipv4(), 4),
    "etherip": (1, outer() / EtherIP() / ether() / ipv4(), 4),
    "vxlan": (1, tunnel(4789) / VXLAN(vni=5) / ether() / ipv4(), 4),
    "geneve": (1, tunnel(6081) / GENEVE(proto=0x6558) / ether() / ipv4(), 4),
    "gtp-u": (1, tunnel(2152) / GTP_U_Header(gtp_type=255, teid=1) / ipv4(), 4),
    "vlan vxlan gre": (
        1,
        ether()
        / Dot1Q()
        / IP(src=OUTER, dst=OUTER_PEER)
        / UDP(sport=1, dport=4789)
        / VXLAN()
        / ether()
        / IP(src="172.17.0.1", dst="172.17.0.2")
        / GRE()
        / ipv4(),
        4,
    ),
    "pbb": (1, ether(type=0x88E7) / (b"\0\0\0\x07" + bytes(ether() / ipv4())), 4),
    "trill": (1, ether(type=0x22F3) / (b"\0\x40\0\x01\0\x02" + bytes(4) + bytes(ether() / ipv4())), 4),
    "nsh": (1, ether(type=0x894F) / (b"\x0f\xc6\x01\x03" + bytes(20) + bytes(ether() / ipv4())), 4),
    "cisco metadata": (1, ether(type=0x8909) / (b"\1\1\0\1\0\7\x08\0" + bytes(ipv4())), 4),
    "cisco metadata vlan": (1, ether() / Dot1Q(type=0x8909) / (b"\1\1\0\1\0\7\x86\xdd" + bytes(ipv6())), 6),
    "vn-tag": (1, ether(type=0x8926) / (b"\0\1\0\2\x08\0" + bytes(ipv4())), 4),
    "vn-tag vlan": (1, ether(type=0x8926) / (b"\0\1\0\2\x81\0\0\7\x08\0" + bytes(ipv4())), 4),
    "hsr": (1, ether(type=0x892F) / (b"\0\x34\0\1\x08\0" + bytes(ipv4())), 4),
    "prp": (1, bytes(ether() / ipv4()) + b"\0\1\xa0\x50\x88\xfb", 4),
    "mpls ethernet": (1, ether(type=0x8847) / MPLS(label=30, s=1) / bytes(ether() / ipv4()), 4),
    "mpls ethernet vlan": (
        1,
        ether(type=0x8847) / MPLS(label=30, s=1) / bytes(ether() / Dot1Q() / ipv4()),
        4,
    ),
    "mpls control word": (
        1,
        ether(type=0x8847) / MPLS(label=30, s=1) / (bytes(4) + bytes(ether() / ipv4())),
        4,
    ),
    "mpls ethernet to 4": (
        1,
        ether(type=0x8847)
        / MPLS(label=30, s=1)
        / bytes(Ether(src=MACS["src"], dst="45:00:00:00:00:02") / ipv6()),
        6,
    ),
    "gre key sequence checksum": (
        1,
        outer() / GRE(key_present=1, seqnum_present=1, chksum_present=1) / ipv4(),
        4,
    ),
    "nvgre": (1, outer() / GRE(key_present=1, key=0x1234, proto=0x6558) / ether() / ipv4(), 4),
    "pptp": (
        1,
        ether()
        / IP(src=OUTER, dst=OUTER_PEER, proto=47)
        / (b"\x30\x81\x88\x0b" + bytes(12) + b"\xff\x03\0\x21" + bytes(ipv4())),
        4,
    ),
    "wccp": (1, outer() / GRE(proto=0x883E) / ipv4(), 4),
    "wccp 2": (1, outer() / GRE(proto=0x883E) / (b"\0\1\2\3" + bytes(ipv4())), 4),
    "gre mpls": (1, outer() / GRE(proto=0x8847) / MPLS(label=3, s=1) / ipv4(), 4),
    "erspan 1": (1, outer() / GRE(proto=0x88BE) / bytes(ether() / ipv4()), 4),
    "erspan 3": (
        1,
        outer() / GRE(proto=0x22EB, seqnum_present=1) / (b"\x20" + bytes(11) + bytes(ether() / ipv4())),
        4,
    ),
    "erspan 3 subheader": (
        1,
        outer()
        / GRE(proto=0x22EB, seqnum_present=1)
        / (b"\x20" + bytes(10) + b"\1" + bytes(8) + bytes(ether() / ipv4())),
        4,
    ),
    "6in6": (1, ether() / IPv6(src="2001:db8::1", dst="2001:db8::2") / ipv6(), 6),
    "ethernet in ipv6": (
        1,
        ether() / IPv6(src="2001:db8::1", dst="2001:db8::2", nh=143) / bytes(ether() / ipv4()),
        4,
    ),
    "vxlan vlan": (1, tunnel(8472) / VXLAN(vni=5) / ether() / Dot1Q(vlan=7) / ipv6(), 6),
    "vxlan-gpe": (1, tunnel(4790) / (b"\x0c\0\0\1\0\0\5\0" + bytes(ipv4())), 4),
    "vxlan-gpe ethernet": (1, tunnel(4790) / (b"\x0c\0\0\3\0\0\5\0" + bytes(ether() / ipv6())), 6),
    "geneve options": (
        1,
        tunnel(6081) / GENEVE(proto=0x6558, optionlen=2) / (b"\1\1\0\1\0\0\0\0" + bytes(ether() / ipv4())),
        4,
    ),
    "geneve ip": (1, tunnel(6081) / GENEVE(proto=0x0800) / ipv4(), 4),
    "gtp-u sequence": (1, tunnel(2152) / (b"\x32\xff\0\0\0\0\0\1\0\1\0\0" + bytes(ipv6())), 6),
    "gtp-u extension": (
        1,
        tunnel(2152) / (b"\x34\xff\0\0\0\0\0\1\0\0\0\x85\1\0\1\0" + bytes(ipv4())),
        4,
    ),
    "lisp": (1, tunnel(4341) / (b"\xc0" + bytes(7) + bytes(ipv4())), 4),
    "tzsp": (1, tunnel(37008) / (b"\1\0\0\1\x0a\1\x2a\1" + bytes(ether() / ipv4())), 4),
    "l2tp": (1, tunnel(1701) / (b"\x00\2\0\1\0\2\xff\3\0\x21" + bytes(ipv4())), 4),
    "l2tp length sequence": (1, tunnel(1701) / (b"\x48\2\0\0\0\1\0\2\0\0\0\0\0\x57" + bytes(ipv6())), 6),
    "gre in udp": (1, tunnel(4754) / GRE() / ipv4(), 4),
    "mpls in udp": (1, tunnel(6635) / MPLS(label=3, s=1) / ipv4(), 4),
    "gue": (1, tunnel(6080) / (b"\0\4\0\0" + bytes(ipv4())), 4),
    "sixty tags": (1, bytes(ether(type=0x8100)) + b"\0\7\x81\0" * 59 + b"\0\7\x08\0" + bytes(ipv4()), 4),
    "pppoe link": (51, PPPoE(sessionid=1) / PPP(proto=0x21) / ipv4(), 4),
    "gre in gre in gre": (
        1,
        outer() / GRE() / IP(src="10.1.1.1") / GRE() / IP(src="10.1.1.2") / GRE() / ipv4(),
        4,
    ),
    "tunnel in padding": (1, bytes(outer() / GRE() / ipv4()) + b"\x99" * 20, 4),
}
"""Read as columns, header by header."""

SLOW: dict[str, tuple[int, Any, int]] = {
    "ppp": (9, PPP(proto=0x57) / ipv6(), 6),
    "chdlc": (104, b"\x0f\0\x08\0" + bytes(ipv4()), 4),
    "chdlc mpls": (104, b"\x0f\0\x88\x47" + bytes(MPLS(label=3, s=1) / ipv4()), 4),
    "802.11": (105, Dot11(type=2, FCfield=1) / LLC() / SNAP() / ipv4(), 4),
    "radiotap": (127, RadioTap() / Dot11(type=2, FCfield=1) / LLC() / SNAP() / ipv4(), 4),
    "teredo": (1, tunnel(3544) / ipv6(), 6),
    "teredo with indications": (
        1,
        tunnel(3544) / (b"\0\x01\0\0" + b"n" * 9 + b"\0\0" + b"o" * 6) / ipv6(),
        6,
    ),
    "hop by hop": (1, ether() / IPv6(src=RED_6, dst=BLUE_6) / IPv6ExtHdrHopByHop() / segment(), 6),
    "destination options": (
        1,
        ether() / IPv6(src=RED_6, dst=BLUE_6) / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / segment(),
        6,
    ),
    "routing header": (
        1,
        ether()
        / IPv6(src=RED_6, dst="2001:db8::9")
        / IPv6ExtHdrRouting(segleft=1, addresses=[BLUE_6])
        / segment(),
        6,
    ),
    "authentication header": (
        1,
        ether() / IP(src=RED, dst=BLUE, proto=51) / (bytes([6, 4]) + bytes(22)) / segment(),
        4,
    ),
    "capwap": (
        1,
        tunnel(5247) / b"\x00\x10\x03\x00\0\0\0\0" / Dot11(type=2, FCfield=1) / LLC() / SNAP() / ipv4(),
        4,
    ),
    "gre behind hop by hop": (
        1,
        ether() / IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrHopByHop() / GRE() / ipv4(),
        4,
    ),
    "vxlan behind authentication": (
        1,
        ether()
        / IP(src=OUTER, dst=OUTER_PEER, proto=51)
        / (bytes([17, 4]) + bytes(22))
        / UDP(sport=50000, dport=4789)
        / VXLAN()
        / ether()
        / ipv4(),
        4,
    ),
}

__all__ = [
    "BLUE",
    "BLUE_6",
    "FAST",
    "ICMP",
    "IP",
    "PAYLOAD",
    "RED",
    "RED_6",
    "SLOW",
    "TUNNELS",
    "UDP",
    "IPv6",
    "ether",
    "ipv4",
    "ipv6",
    "segment",
]
