"""Where scapy finds the next IP header."""

from __future__ import annotations

import subprocess
import sys

import pytest
from scapy.layers.dot11 import Dot11, Dot11Beacon
from scapy.layers.ppp import PPP, PPP_LCP

from ocsp_pcap.decode.encapsulations import after_link, after_port

from .packets import SLOW, ether, ipv4, ipv6


@pytest.mark.parametrize("stack", ["ppp", "chdlc", "chdlc mpls", "802.11", "radiotap"])
def test_the_ip_header_is_found_behind_a_link_layer(stack: str) -> None:
    link_type, packet, version = SLOW[stack]
    data = bytes(packet)
    inner = bytes(ipv4() if version == 4 else ipv6())
    assert after_link(link_type, data) == len(data) - len(inner)


def test_what_carries_no_ip_is_silent() -> None:
    assert after_link(105, bytes(Dot11() / Dot11Beacon())) == "silent"
    assert after_link(9, bytes(PPP() / PPP_LCP())) == "silent"


def test_what_nobody_knows_is_unknown() -> None:
    assert after_link(40000, bytes(ether() / ipv4())) == "unknown"
    assert after_port(1, bytes(ipv4())) == "unknown"
    assert after_link(9, b"\xff\x03\xde\xad" + bytes(20)) == "unknown"


@pytest.mark.parametrize("port", [3544, 5247, 37008])
def test_rubbish_on_a_tunnel_port_is_no_error(port: int) -> None:
    for data in (b"", b"\0", bytes(40), b"\xff" * 40):
        assert after_port(port, data) in ("silent", "unknown")


def test_scapy_is_imported_on_first_use_only() -> None:
    code = "import sys, ocsp_pcap.decode; sys.exit(any(name.startswith('scapy') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
