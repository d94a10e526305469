from __future__ import annotations

import pytest

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.http.state import (
    HttpDirection,
    HttpState,
    looks_like_known_request,
    looks_like_request,
    looks_like_response,
    looks_like_tls,
)


def test_take_head() -> None:
    direction = HttpDirection()
    assert direction.take_head(b"\r\n", 1, looks_like_request) == (None, b"")
    assert direction.take_head(b"\r\nGET / HTTP/1.1\r\n", 2, looks_like_request) == (None, b"")
    assert direction.take_head(b"\r\nrest", 3, looks_like_request) == (b"GET / HTTP/1.1\r\n\r\n", b"rest")
    assert direction.first_frame == 2


@pytest.mark.reaches("http_head")
def test_head_without_end_is_bounded() -> None:
    direction = HttpDirection()
    direction.take_head(b"GET / HTTP/1.1\r\n" + b"x" * BOUNDS.http_head, 1, looks_like_request)
    assert direction.state is HttpState.LOST
    assert not direction.buffer


def test_starts() -> None:
    assert looks_like_request(b"M-SEARCH * HTTP/1.1")
    assert looks_like_request(b"GE")
    assert not looks_like_request(b"\x16\x03\x01")
    assert looks_like_known_request(b"GET /")
    assert looks_like_known_request(b"P")
    assert not looks_like_known_request(b"FOO /")
    assert looks_like_response(b"HTTP/1.0 2")
    assert looks_like_response(b"H")
    assert not looks_like_response(b"HTTP/2 200")
    assert looks_like_tls(b"\x16\x03\x01\x00")
    assert not looks_like_tls(b"\x16\x03")
