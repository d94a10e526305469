"""Kinds of headers that may come next in a packet, and the numbers by which the header before it says so."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture.batch import Column
from ocsp_pcap.decode.protocols import (
    AUTHENTICATION,
    ENCAPSULATION_PROTOCOLS,
    ETHERIP,
    ETHERNET_IN_IPV6,
    EXTENSION_HEADERS,
    FRAGMENT,
    GRE,
    IPIP,
    IPV4_IN_IP,
    IPV4_TYPE,
    IPV6_IN_IP,
    IPV6_TYPE,
    MPLS_IN_IP,
    SILENT_TYPES,
    VLAN_TYPES,
)


class Kind(IntEnum):
    """A header that can be read as columns, or what becomes of a packet that has none."""

    NOTHING = 0
    """Known to carry no IP packet."""
    UNKNOWN = 1
    SLOW_LINK = 2
    """For the slow path, from the link layer on."""
    SLOW_IP = 3
    """For the slow path, from an IP header on."""
    SLOW_PORT = 4
    """For the slow path, from the payload of a UDP datagram on."""
    IP = 5
    """IPv4 or IPv6, as the version field says."""
    IP_6 = 6
    ETHERNET = 7
    TAG = 8
    SNAP = 9
    COOKED = 10
    COOKED_2 = 11
    NULL = 12
    MPLS = 13
    PPPOE = 14
    PPP = 15
    CISCO_METADATA = 16
    VN_TAG = 17
    HSR = 18
    BACKBONE = 19
    FABRIC_PATH = 20
    TRILL = 21
    NSH = 22
    GRE = 23
    ERSPAN_2 = 24
    ERSPAN_3 = 25
    WCCP = 26
    ETHERIP = 27
    VXLAN = 28
    VXLAN_GPE = 29
    GENEVE = 30
    GTP = 31
    LISP = 32
    TZSP = 33
    L2TP = 34
    GUE = 35
    GRE_IN_UDP = 36
    MPLS_IN_UDP = 37
    OPAQUE_PORT = 38
    """A UDP datagram of an encapsulation that cannot be read."""


Kinds = NDArray[np.uint8]


class Step(NamedTuple):
    """The word of a header about N packets: what follows, where, and the number by which it says so."""

    kind: Kinds
    at: Column
    number: NDArray[np.unsignedinteger] | None = None
    """EtherType, protocol or port that tells the kind; None where it needs none."""
    scheme: str = ""
    """What such a number is called: the name of an unknown one begins with it."""


def _table(size: int, rest: Kind, known: Mapping[int, Kind]) -> Kinds:
    kinds = np.full(size, rest, np.uint8)
    for number, kind in known.items():
        kinds[number] = kind
    return kinds


OF_ETHERTYPE: Final = _table(
    0x10000,
    Kind.UNKNOWN,
    {
        **dict.fromkeys(SILENT_TYPES, Kind.NOTHING),
        **dict.fromkeys(VLAN_TYPES, Kind.TAG),
        IPV4_TYPE: Kind.IP,
        IPV6_TYPE: Kind.IP_6,
        0x6558: Kind.ETHERNET,  # transparent Ethernet bridging: in GRE, NVGRE (RFC 7637), GENEVE
        0x8847: Kind.MPLS,
        0x8848: Kind.MPLS,  # upstream-assigned labels (RFC 5332)
        0x8864: Kind.PPPOE,
        0x880B: Kind.PPP,
        0x88BE: Kind.ETHERNET,  # ERSPAN without a header; GRE tells when there is one
        0x22EB: Kind.ERSPAN_3,
        0x22F3: Kind.TRILL,
        0x883E: Kind.WCCP,
        0x88E7: Kind.BACKBONE,
        0x8903: Kind.FABRIC_PATH,
        0x8909: Kind.CISCO_METADATA,
        0x8926: Kind.VN_TAG,
        0x892F: Kind.HSR,
        0x894F: Kind.NSH,
    },
)
OF_PROTOCOL: Final = _table(
    256,
    Kind.NOTHING,
    {
        **dict.fromkeys(EXTENSION_HEADERS | {AUTHENTICATION, FRAGMENT}, Kind.SLOW_IP),
        **dict.fromkeys(ENCAPSULATION_PROTOCOLS, Kind.UNKNOWN),
        **dict.fromkeys((IPV4_IN_IP, IPV6_IN_IP, IPIP), Kind.IP),
        GRE: Kind.GRE,
        ETHERIP: Kind.ETHERIP,
        ETHERNET_IN_IPV6: Kind.ETHERNET,
        MPLS_IN_IP: Kind.MPLS,
    },
)
"""By the protocol field of IP; TCP, UDP and ICMP are recognised before."""
OF_PORT: Final = _table(
    0x10000,
    Kind.NOTHING,
    {
        1701: Kind.L2TP,
        2152: Kind.GTP,
        3544: Kind.SLOW_PORT,  # Teredo
        4341: Kind.LISP,
        4500: Kind.OPAQUE_PORT,
        4754: Kind.GRE_IN_UDP,
        4789: Kind.VXLAN,
        4790: Kind.VXLAN_GPE,
        5247: Kind.SLOW_PORT,  # CAPWAP data
        6080: Kind.GUE,
        6081: Kind.GENEVE,
        6635: Kind.MPLS_IN_UDP,
        8472: Kind.VXLAN,
        37008: Kind.TZSP,
    },
)
OF_PPP: Final = _table(
    0x10000,
    Kind.NOTHING,
    {
        0x0021: Kind.IP,
        0x0057: Kind.IP_6,
        0x0281: Kind.MPLS,
        0x0283: Kind.MPLS,
        0x003D: Kind.UNKNOWN,  # multilink
        0x0053: Kind.UNKNOWN,  # encrypted
        0x0055: Kind.UNKNOWN,
        0x00FB: Kind.UNKNOWN,  # compressed
        0x00FD: Kind.UNKNOWN,
        0x002D: Kind.UNKNOWN,  # compressed TCP headers
        0x002F: Kind.UNKNOWN,
        0x0031: Kind.UNKNOWN,  # bridging
    },
)
OF_NEXT_PROTOCOL: Final = _table(
    256, Kind.UNKNOWN, {1: Kind.IP, 2: Kind.IP_6, 3: Kind.ETHERNET, 4: Kind.NSH, 5: Kind.MPLS, 6: Kind.MPLS}
)
"""By the next protocol of the network service header (RFC 8300 2.2), and of VXLAN-GPE."""
