"""OpenVPN and RDP over UDP in captures of other projects, against what tshark saw of them."""

from __future__ import annotations

import json

import pytest

from ocsp_pcap.api import read_facts
from ocsp_pcap.facts import HandshakeFact
from tests.conftest import CORPUS, CORPUS_TABLE

pytestmark = pytest.mark.corpus

CARRIED = [
    ("nDPI/openvpn.pcap", "openvpn"),
    ("nDPI/openvpn_nohmac.pcapng", "openvpn"),
    ("nDPI/openvpn_nohmac_tcp.pcapng", "openvpn"),
    ("nDPI/rdp2.pcap", "rdp-udp"),
]


def handshakes(name: str) -> list[HandshakeFact]:
    return list(read_facts([str(CORPUS / name)]).handshakes)


@pytest.mark.parametrize(("name", "tunnel"), CARRIED)
def test_what_tshark_saw_is_seen(name: str, tunnel: str) -> None:
    with CORPUS_TABLE.open() as lines:
        truth = next(row for row in map(json.loads, lines) if row["file"] == name)
    carried = [one for one in handshakes(name) if one.tunnel == tunnel]
    seen = {(one.transport, digest) for one in carried for digest in one.certificates}
    seen |= {(one.transport, digest) for one in carried for digest in one.client_certificates}
    assert {(row["transport"], row["sha256"]) for row in truth["certificates"]} <= seen
    hellos = {(one.transport, one.sni) for one in carried}
    assert {(row["transport"], row["sni"]) for row in truth["client_hellos"]} <= hellos


def test_every_connection_of_openvpn_is_read() -> None:
    """Over TCP, over UDP with and without tls-auth, one of them seen in two halves."""
    found = handshakes("nDPI/openvpn.pcap")
    assert {(one.transport, one.stream) for one in found if one.tunnel == "openvpn"} == {
        *(("tcp", number) for number in range(2)),
        *(("udp", number) for number in range(7)),
    }
    assert [len(one.certificates) for one in found if one.version in ("TLS 1.0", "TLS 1.2")] == [2] * 5
    assert not any(one.missing_bytes for one in found)


def test_tls_crypt_shows_nothing() -> None:
    assert not handshakes("nDPI/openvpn-tlscrypt.pcap")
