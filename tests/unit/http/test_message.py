from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.http.events import Request
from ocsp_pcap.http.message import (
    MAX_REMEMBERED_HEAD,
    Message,
    find_head_end,
    has_framing,
    read_request,
    status_of,
)
from ocsp_pcap.ocsp.interest import OCSP


def test_head_end_is_found_however_it_arrives() -> None:
    for head in (b"GET / HTTP/1.1\r\nA: b\r\n\r\n", b"GET / HTTP/1.1\nA: b\n\n"):
        for split in range(len(head)):
            buffer = bytearray(head[:split])
            assert find_head_end(buffer, 0) == -1
            assert find_head_end(buffer + head[split:] + b"rest", split) == len(head)


def test_status() -> None:
    assert status_of(b"HTTP/1.0  404\r\n\r\n") == 404
    assert status_of(b"HTTP/1.1 OK\r\n\r\n") is None


def test_framing() -> None:
    assert has_framing(b"HTTP/1.1 200 OK\r\nContent-length: 0\r\n\r\n")
    assert not has_framing(b"HTTP/1.1 200 OK\r\n\r\n")


def test_body_and_what_follows() -> None:
    message = Message(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n", request_method=None)
    message.interest = OCSP
    assert message.receive(b"ab") == b""
    assert not message.done
    assert message.receive(b"cd") == b"d"
    assert message.done
    assert message.body == b"abc"


def test_gap() -> None:
    message = Message(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", request_method="GET")
    message.interest = OCSP
    message.receive(b"ab")
    assert message.gap(3)
    message.receive(b"fghij")
    assert (message.done, message.missing, message.body) == (True, 3, b"ab")
    late = Message(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", request_method="GET")
    assert not late.gap(11)
    assert late.missing == 10


@pytest.mark.parametrize("head", [b"\r\n\r\n", b"HTTP/1.1 99 OK\r\n\r\n", b"HTTP/1.1 x\r\n\r\n"])
def test_no_answer_at_all(head: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Message(head, request_method="GET")


def test_loose_headers_are_kept() -> None:
    message = Message(b"HTTP/1.1 200 OK\r\nBad Name: x\r\nContent-Length: 1\r\n\r\n", request_method="GET")
    assert ("bad name", "x") in message.headers
    assert message.error is not None
    assert message.receive(b"ab") == b"b"


@pytest.mark.parametrize("filler", [0, MAX_REMEMBERED_HEAD])
def test_a_head_that_comes_again_is_another_request(filler: int) -> None:
    head = b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nX: %b\r\n\r\n" % (b"x" * filler)
    headers = (("host", "h:443"), ("x", "x" * filler))
    assert read_request(head, 1, 2, 30) == Request("CONNECT", "h:443", headers, b"", 1, 2, 30)
    assert read_request(head, 4, 5, 60) == Request("CONNECT", "h:443", headers, b"", 4, 5, 60)


def test_a_malformed_head_says_so_each_time() -> None:
    head = b"CONNECT h:443\r\nno header\r\n\r\n"
    first, again = (read_request(head, frame, frame, frame) for frame in (1, 2))
    assert (first.method, first.target) == ("CONNECT", "h:443")
    assert first.error
    assert again == first._replace(first_frame=2, frame=2, time=2)
    for _ in range(2):
        with pytest.raises(ValueError, match="request"):
            read_request(b"CONNECT\r\n\r\n", 1, 1, 1)


@given(
    status=st.sampled_from([None, 200, 204, 304, 404]),
    to_head=st.booleans(),
    length=st.none() | st.integers(0, 9),
    body=st.binary(max_size=12),
    cut=st.integers(0, 12),
)
def test_bodies_end_where_h11_ends_them(
    status: int | None, to_head: bool, length: int | None, body: bytes, cut: int
) -> None:
    line = b"POST / HTTP/1.1\r\nHost: h" if status is None else b"HTTP/1.1 %d x" % status
    head = line + (b"" if length is None else b"\r\nContent-Length: %d" % length) + b"\r\n\r\n"
    method = None if status is None else "HEAD" if to_head else "GET"
    if method is None:
        reference = h11.Connection(h11.SERVER)
    else:
        reference = h11.Connection(h11.CLIENT)
        reference.send(h11.Request(method=method, target="/", headers=[("host", "h")]))
        reference.send(h11.EndOfMessage())
    reference.receive_data(head)
    reference.next_event()
    message = Message(head, request_method=method)
    message.interest = OCSP
    kept = b""
    for piece in (body[:cut], body[cut:]):
        if message.done:
            break
        if piece:
            reference.receive_data(piece)
        while isinstance(event := reference.next_event(), h11.Data):
            kept += event.data
        rest = message.receive(piece)
        assert (message.body, message.done) == (kept, isinstance(event, h11.EndOfMessage))
        assert rest == (reference.trailing_data[0] if message.done else b"")
