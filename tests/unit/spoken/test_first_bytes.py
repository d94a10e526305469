from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.spoken.first_bytes import METHODS, Kind, sniff
from tests.unit.carriers.packets import AUTHENTICATED_RESETS, ENCRYPTED_RESETS, PLAIN_RESETS, OpenVpnPeers
from tests.unit.tls.wire import record


def framed(packet: bytes) -> bytes:
    return len(packet).to_bytes(2) + packet


def openvpn_hello(from_client: bool) -> bytes:
    peers = OpenVpnPeers(20)
    peers.hard_reset()
    peers.tls(record()[0].flights[:2], 90)
    direction = 0 if from_client else 1
    return next(data for way, data in peers.framed() if way == direction and data[2] == 0x20)


CLIENT_HELLO, SERVER_HELLO = (data for _, data in record()[0].flights[:2])
WHOLE = [
    (CLIENT_HELLO, Kind.TLS_CLIENT),
    (SERVER_HELLO, Kind.TLS_SERVER),
    (bytes.fromhex("802e0103010015000000100100800300800700c0"), Kind.TLS_CLIENT),
    *[(method + b"x", Kind.HTTP_CLIENT) for method in METHODS],
    (b"HTTP/1.1 200 OK", Kind.HTTP_SERVER),
    (b"PROXY TCP4 ", Kind.PROXY_PROTOCOL),
    (b"\r\n\r\n\x00\r\nQUIT\n", Kind.PROXY_PROTOCOL),
    (b"\x04\x01\x01\xbb", Kind.SOCKS4),
    (b"\x05\x01\x00", Kind.SOCKS5),
    (framed(PLAIN_RESETS[0]), Kind.OPENVPN_CLIENT),
    (framed(PLAIN_RESETS[1]), Kind.OPENVPN_SERVER),
    (framed(AUTHENTICATED_RESETS[0]), Kind.OPENVPN_CLIENT),
    (framed(AUTHENTICATED_RESETS[1]), Kind.OPENVPN_SERVER),
    (framed(ENCRYPTED_RESETS[0]), Kind.ENCRYPTED),
    (framed(ENCRYPTED_RESETS[1]), Kind.ENCRYPTED),
    (openvpn_hello(True), Kind.OPENVPN_CLIENT),
    (openvpn_hello(False), Kind.OPENVPN_SERVER),
]


@pytest.mark.parametrize(("data", "kind"), WHOLE)
def test_a_beginning_is_told_and_never_told_otherwise_before(data: bytes, kind: Kind) -> None:
    assert sniff(data) is kind
    told = [sniff(data[:end]) for end in range(1, len(data))]
    assert set(told) <= {Kind.UNDECIDED, kind}
    assert told == sorted(told, key=lambda one: one is kind)


@pytest.mark.parametrize(
    "data",
    [
        b"220 mail.example ESMTP\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x00\x02\x01",
        b"\x16\x03\x01\x02\x00\x63",
        b"\x16\x09\x01\x02\x00\x01",
        b"\x80\x2e\x02\x03\x01",
        b"\x05\x00",
        b"\x05\x01\x00extra",
        b"\x04\x02",
        # PostgreSQL's SSLRequest, a DNS query, SMB, RDP's TPKT.
        b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
        b"\x00\x1d\x12\x34\x01\x00\x00\x01",
        b"\x00\x00\x00\x54\xffSMB",
        b"\x03\x00\x00\x13\x0e\xe0",
        # OpenVPN with a length, packet id, acknowledgment or session id that is none.
        framed(PLAIN_RESETS[0] + b"\x00"),
        framed(PLAIN_RESETS[0][:-1] + b"\x01"),
        framed(PLAIN_RESETS[1][:9] + b"\x02" + PLAIN_RESETS[1][10:]),
        framed(b"\x38" + bytes(13)),
        framed(b"\x20" + bytes(100)),
    ],
)
def test_other_protocols_are_unknown(data: bytes) -> None:
    assert sniff(data) is Kind.UNKNOWN


@given(st.binary(min_size=1, max_size=200))
def test_noise_is_never_taken_for_openvpn(data: bytes) -> None:
    assert sniff(data) not in (Kind.OPENVPN_CLIENT, Kind.OPENVPN_SERVER, Kind.ENCRYPTED)
