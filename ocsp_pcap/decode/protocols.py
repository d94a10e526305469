"""Numbers that select a protocol: EtherTypes, IP protocols, UDP ports; and what they are called."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HOP_BY_HOP, ICMP, IPV4_IN_IP, TCP, UDP, IPV6_IN_IP = 0, 1, 4, 6, 17, 41
ROUTING, FRAGMENT, GRE, AUTHENTICATION, ICMPV6, DESTINATION_OPTIONS = 43, 44, 47, 51, 58, 60
IPIP, ETHERIP, MPLS_IN_IP, MOBILITY, HIP, SHIM6 = 94, 97, 137, 135, 139, 140

EXTENSION_HEADERS = frozenset({HOP_BY_HOP, ROUTING, DESTINATION_OPTIONS, MOBILITY, HIP, SHIM6})
"""IPv6 extension headers whose second byte is their length in 8-byte units less one (RFC 8200 4)."""
ETHERNET_IN_IPV6 = 143
ENCAPSULATION_PROTOCOLS = frozenset({50, 55, 98, 108, 115, 142, 144, *range(147, 256)})
"""IP protocols that carry other packets in a form that is not read here, and those without a meaning."""
ICMP_ERRORS = frozenset({3, 4, 5, 11, 12})
"""ICMP messages that quote the datagram they are about (RFC 792)."""
ICMPV6_ERRORS = frozenset({1, 2, 3, 4, 137})
"""ICMPv6 messages that quote the packet they are about (RFC 4443 2.1, RFC 4861 4.5)."""
ICMP_REDIRECT, ICMPV6_REDIRECT, REDIRECTED_HEADER = 5, 137, 4

VLAN_TYPES = (0x8100, 0x88A8, 0x9100, 0x9200, 0x9300)
IPV4_TYPE, IPV6_TYPE = 0x0800, 0x86DD
SILENT_TYPES = frozenset(
    {
        0x0806,  # ARP
        0x8035,  # RARP
        0x809B,  # AppleTalk
        0x80F3,  # AppleTalk ARP
        0x8137,  # IPX
        0x0842,  # Wake-on-LAN
        0x6002,  # DEC MOP
        0x6003,  # DECnet
        0x6004,  # DEC LAT
        0x8808,  # Ethernet flow control
        0x8809,  # slow protocols: LACP, marker
        0x8863,  # PPPoE discovery
        0x886D,  # Intel ANS probe
        0x888E,  # EAPOL
        0x8892,  # PROFINET
        0x8899,  # Realtek loop detection
        0x88A4,  # EtherCAT
        0x88B5,  # local experiments
        0x88B6,
        0x88B8,  # GOOSE
        0x88B9,
        0x88BA,  # sampled values
        0x88CC,  # LLDP
        0x88C7,  # IEEE 802.11 pre-authentication
        0x88E1,  # HomePlug
        0x88F5,  # MVRP
        0x88F6,  # MMRP
        0x88F7,  # PTP
        0x8902,  # connectivity fault management
        0x8906,  # Fibre Channel
        0x88FB,  # PRP supervision
        0x8912,  # HomePlug
        0x8914,  # Fibre Channel initialisation
        0x890D,  # TDLS
        0x893A,  # IEEE 1905
        0x9000,  # configuration testing, loopback
        0x00F6,
        0x0001,  # Linux cooked: Novell 802.3
        0x0003,
        0x0004,  # Linux cooked: LLC
        0x000C,  # Linux cooked: CAN
        0x000D,  # Linux cooked: CAN FD
    }
)
"""EtherTypes that are known to carry no IP packet."""

NAMES_OF_TYPES = {
    0x88E5: "MACsec",
    0x8870: "jumbo frame",
    0x876B: "TCP/IP compression",
    0x9999: "Cisco",
    0x889D: "NIC test",
    0x88D9: "link layer topology discovery",
}
"""EtherTypes of frames that may carry IP packets in a form that is not read."""
NAMES_OF_PROTOCOLS = {
    50: "ESP, encrypted",
    55: "minimal encapsulation",
    98: "encapsulation header",
    108: "IPComp",
    115: "L2TPv3",
    142: "ROHC",
    144: "AGGFRAG",
}
NAMES_OF_PORTS = {
    1701: "L2TP",
    2152: "GTP-U",
    3544: "Teredo",
    4341: "LISP",
    4500: "ESP, encrypted",
    4754: "GRE",
    4789: "VXLAN",
    4790: "VXLAN-GPE",
    5247: "CAPWAP",
    6080: "GUE",
    6081: "GENEVE",
    6635: "MPLS",
    8472: "VXLAN",
    37008: "TZSP",
}
"""UDP ports of encapsulations."""


def table(size: int, numbers: frozenset[int]) -> NDArray[np.bool_]:
    """Return an array of ``size`` booleans, true at ``numbers``."""
    flags = np.zeros(size, dtype=np.bool_)
    flags[sorted(numbers)] = True
    return flags
