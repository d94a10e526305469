from __future__ import annotations

import pytest

from ocsp_pcap.http.state import METHODS
from ocsp_pcap.spoken.first_bytes import Beginning, sniff
from tests.unit.tls.wire import record

CLIENT_HELLO, SERVER_HELLO = (data for _, data in record()[0].flights[:2])
WHOLE = [
    (CLIENT_HELLO, Beginning.TLS_CLIENT),
    (SERVER_HELLO, Beginning.TLS_SERVER),
    (bytes.fromhex("802e0103010015000000100100800300800700c0"), Beginning.TLS_CLIENT),
    *[(method + b"x", Beginning.HTTP_CLIENT) for method in METHODS],
    (b"HTTP/1.1 200 OK", Beginning.HTTP_SERVER),
    (b"PROXY TCP4 ", Beginning.PROXY_PROTOCOL),
    (b"\r\n\r\n\x00\r\nQUIT\n", Beginning.PROXY_PROTOCOL),
    (b"\x04\x01\x01\xbb", Beginning.SOCKS4),
    (b"\x05\x01\x00", Beginning.SOCKS5),
]


@pytest.mark.parametrize(("data", "kind"), WHOLE)
def test_a_beginning_is_told_and_never_told_otherwise_before(data: bytes, kind: Beginning) -> None:
    assert sniff(data) is kind
    told = [sniff(data[:end]) for end in range(1, len(data))]
    assert set(told) <= {Beginning.UNDECIDED, kind}
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
    ],
)
def test_other_protocols_are_unknown(data: bytes) -> None:
    assert sniff(data) is Beginning.UNKNOWN
