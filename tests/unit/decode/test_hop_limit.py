"""Time to live and hop limit, on the fast path and on the slow one: those of the innermost header."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, TCP, UDP, IPOption_NOP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt
from scapy.layers.l2 import GRE, Dot1Q, Ether
from scapy.packet import Packet

from ocsp_pcap.decode import Decoder

from .wire import batch_of


@pytest.mark.parametrize(
    "packet",
    [
        Ether() / IP(ttl=7) / TCP(),
        Ether() / Dot1Q() / IP(ttl=7) / TCP(),
        Ether() / IP(ttl=7, options=[IPOption_NOP()]) / TCP(),
        Ether() / IPv6(hlim=7) / TCP(),
        Ether() / IPv6(hlim=7) / IPv6ExtHdrDestOpt() / TCP(),
        Ether() / IP(ttl=64) / GRE() / IP(ttl=7) / TCP(),
        Ether() / IP(ttl=64) / IPv6(hlim=7) / TCP(),
        Ether() / IP(ttl=7) / UDP() / b"x",
        Ether() / IPv6(hlim=7) / UDP() / b"x",
    ],
)
def test_hop_limit(packet: Packet) -> None:
    decoded = Decoder().decode(batch_of([bytes(packet), bytes(packet)]))
    columns = decoded.tcp if len(decoded.tcp) else decoded.udp
    assert columns.hop_limit.tolist() == [7, 7]
    assert columns.hop_limit.dtype.itemsize == 1
