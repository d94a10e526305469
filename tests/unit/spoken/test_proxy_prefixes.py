from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.spoken.proxy_prefixes import (
    MAX_PROXY_V1,
    NEED_MORE,
    NOT_THIS,
    PROXY_V2,
    SocksNegotiation,
    SocksRequest,
    proxy_protocol_length,
    socks4_request,
    socks5_greeting_length,
    socks5_reply_length,
    socks5_request,
    socks_negotiation,
    socks_refusal,
)

V1 = b"PROXY TCP4 192.0.2.1 198.51.100.7 40000 443\r\n"
V2 = PROXY_V2 + b"\x21\x11\x00\x0c" + bytes(12)
READERS = (
    proxy_protocol_length,
    socks4_request,
    socks5_greeting_length,
    socks5_reply_length,
    socks5_request,
)
WHOLE: list[tuple[Callable[[bytes], SocksRequest | int], bytes, SocksRequest | int]] = [
    (proxy_protocol_length, V1, len(V1)),
    (proxy_protocol_length, b"PROXY UNKNOWN\r\n", 15),
    (proxy_protocol_length, V2, len(V2)),
    (proxy_protocol_length, PROXY_V2 + b"\x20\x00\x00\x00", 16),
    (socks5_greeting_length, b"\x05\x02\x00\x02", 4),
    (socks5_request, b"\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbb", SocksRequest(10, "192.0.2.1", 443)),
    (socks5_request, b"\x05\x01\x00\x03\x04host\x01\xbb", SocksRequest(11, "host", 443)),
    (socks5_request, b"\x05\x01\x00\x04" + bytes(15) + b"\x01\x00\x50", SocksRequest(22, "::1", 80)),
    (socks5_reply_length, b"\x05\x00\x00\x01" + bytes(6), 10),
    (socks5_reply_length, b"\x05\x00\x00\x03\x02ab\x00\x01", 9),
    (socks5_reply_length, b"\x05\x00\x00\x04" + bytes(18), 22),
    (socks4_request, b"\x04\x01\x01\xbb\xc0\x00\x02\x01user\x00", SocksRequest(13, "192.0.2.1", 443)),
    (socks4_request, b"\x04\x01\x01\xbb\x00\x00\x00\x07\x00host\x00", SocksRequest(14, "host", 443)),
]

ASKED = b"\x05\x01\x00\x03\x09ocsp.test\x00\x50"


@pytest.mark.parametrize(("reader", "data", "expected"), WHOLE)
def test_what_is_whole_is_read_and_what_is_cut_needs_more(
    reader: Callable[[bytes], SocksRequest | int], data: bytes, expected: SocksRequest | int
) -> None:
    assert reader(data) == expected
    assert reader(data + b"\x16\x03\x01") == expected
    for end in range(1, len(data)):
        assert reader(data[:end]) == NEED_MORE, end


@pytest.mark.parametrize(
    ("reader", "data"),
    [
        (proxy_protocol_length, b"PROXIES"),
        (proxy_protocol_length, b"PROXY " + b"x" * MAX_PROXY_V1),
        (proxy_protocol_length, b"\r\n\r\nx"),
        (socks5_greeting_length, b"\x04\x01"),
        (socks5_greeting_length, b"\x05\x00"),
        (socks5_greeting_length, b"\x05\x11"),
        (socks5_request, b"\x05\x02\x00\x01" + bytes(6)),
        (socks5_request, b"\x05\x01\x00\x02" + bytes(6)),
        (socks5_reply_length, b"\x05\x05\x00\x01" + bytes(6)),
        (socks5_reply_length, b"\x05\x00\x00\x07" + bytes(6)),
        (socks4_request, b"\x04\x02" + bytes(8)),
        (socks4_request, b"\x04\x01\x01\xbb\xc0\x00\x02\x01" + b"u" * 300),
        (socks4_request, b"\x04\x01\x01\xbb\x00\x00\x00\x07\x00" + b"h" * 300),
    ],
)
def test_what_is_something_else(reader: Callable[[bytes], SocksRequest | int], data: bytes) -> None:
    assert reader(data) == NOT_THIS


@given(st.sampled_from(READERS), st.binary(max_size=64))
def test_anything_is_read_without_error(reader: Callable[[bytes], SocksRequest | int], data: bytes) -> None:
    found = reader(data)
    length = found.length if isinstance(found, SocksRequest) else found
    assert length in (NEED_MORE, NOT_THIS) or 0 < length <= len(data)


SOCKS4 = b"\x04\x01\x01\xbb\xc0\x00\x02\x01\x00", b"\x00\x5a" + bytes(6)
SOCKS5 = (
    b"\x05\x01\x02" + b"\x01\x04user\x06secret" + b"\x05\x01\x00\x03\x04host\x01\xbb",
    b"\x05\x02" + b"\x01\x00" + b"\x05\x00\x00\x01" + bytes(6),
)


@pytest.mark.parametrize(
    ("sides", "found"),
    [
        (SOCKS4, SocksNegotiation(4, "192.0.2.1", 443, 9, 8)),
        (SOCKS5, SocksNegotiation(5, "host", 443, 27, 14)),
    ],
)
def test_both_sides_of_a_negotiation(sides: tuple[bytes, bytes], found: SocksNegotiation) -> None:
    sent, answered = sides
    assert (len(sent), len(answered)) == (found.from_client, found.from_server)
    assert socks_negotiation(sent + b"\x16\x03\x01", answered) == found
    for cut in range(1, len(sent)):
        assert socks_negotiation(sent[:cut], answered) == NEED_MORE
    for cut in range(len(answered)):
        assert socks_negotiation(sent, answered[:cut]) == NEED_MORE


def test_a_negotiation_that_is_refused_opens_nothing() -> None:
    assert socks_negotiation(SOCKS4[0], b"\x00\x5b" + bytes(6)) == NOT_THIS
    assert socks_negotiation(SOCKS5[0], b"\x05\xff") == NOT_THIS


@pytest.mark.parametrize(
    ("sent", "answered", "refusal"),
    [
        (b"\x05\x01\x00" + ASKED, b"\x05\x00\x05\x05\x00\x01" + bytes(6), ("ocsp.test", 80, 5)),
        (b"\x05\x01\x00" + ASKED, b"\x05\x00\x05\x04", ("ocsp.test", 80, 4)),
        (b"\x05\x01\x00" + ASKED, b"\x05\x00", ("ocsp.test", 80, None)),
        (b"\x05\x01\x02\x01\x01u\x01p" + ASKED, b"\x05\x02\x01\x00\x05\x01", ("ocsp.test", 80, 1)),
        (b"\x05\x01\x00" + ASKED[:-1], b"\x05\x00", None),
        (b"\x05\x01\x00" + ASKED, b"\x05\xff", None),
        (b"\x05\x01\x00", b"", None),
        (
            b"\x04\x01\x00\x50\x00\x00\x00\x01u\x00ocsp.test\x00",
            b"\x00\x5b" + bytes(6),
            ("ocsp.test", 80, 91),
        ),
        (b"\x04\x01\x00\x50\xc0\x00\x02\x01\x00", b"", ("192.0.2.1", 80, None)),
        (b"\x04\x01\x00\x50", b"\x00\x5b", None),
    ],
)
def test_socks_refusal(sent: bytes, answered: bytes, refusal: tuple[str, int, int | None] | None) -> None:
    assert socks_refusal(sent, answered) == refusal
