from __future__ import annotations

import gzip
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.http.connection import HttpConversation
from ocsp_pcap.http.events import ConnectTunnel, HttpEvent, Request, Response, Trailing, UnansweredRequest
from ocsp_pcap.ocsp import interest

from .wire import ANSWER, CLIENT, DER, HTML, PAGE, POST, SERVER, Step, answer, get, play, post, responses, run

CONNECT = b"CONNECT plain.site.test:443 HTTP/1.1\r\nHost: plain.site.test:443\r\n\r\n"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
HELLO = b"\x16\x03\x01\x00\x05hello"
PIECES = [POST, POST[:60], POST[60:], ANSWER, ANSWER[:70], HTML, PAGE, CONNECT, ESTABLISHED, HELLO]


def test_exchange() -> None:
    request, response = run((CLIENT, POST), (SERVER, ANSWER))
    assert isinstance(request, Request)
    assert isinstance(response, Response)
    assert (request.method, request.target, request.body) == ("POST", "/", DER)
    assert (request.first_frame, request.frame, request.time, request.complete) == (1, 1, 1000, True)
    assert (response.status, response.body, response.complete) == (200, b"0\x03\x0a\x01\x03", True)
    assert response.request == request
    assert ("host", "ocsp.site.test") in request.headers


def test_message_over_several_frames() -> None:
    steps = (CLIENT, POST[:20]), (CLIENT, POST[20:]), (SERVER, ANSWER[:60]), (SERVER, ANSWER[60:])
    request, response = run(*steps)
    assert isinstance(request, Request)
    assert isinstance(response, Response)
    assert (request.first_frame, request.frame) == (1, 2)
    assert (response.first_frame, response.frame) == (3, 4)


def test_what_does_not_matter_gives_nothing_and_is_not_wanted() -> None:
    conversation = HttpConversation(interest)
    assert play(conversation, (CLIENT, PAGE)) == []
    assert conversation.wants(SERVER)
    assert conversation.receive(SERVER, HTML[:120], 2, 2, True) == []
    assert not conversation.wants(SERVER)
    assert conversation.wants(CLIENT)
    # The rest is withheld; the next request makes the server's direction wanted again.
    conversation.receive(CLIENT, POST, 3, 3, True)
    assert conversation.wants(SERVER)
    (response,) = conversation.receive(SERVER, ANSWER, 4, 4, True)
    assert isinstance(response, Response)
    assert response.request is not None


def test_bulk_download_of_unknown_type_is_not_wanted() -> None:
    conversation = HttpConversation(interest)
    big = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000000\r\n\r\n"
    play(conversation, (CLIENT, get("/setup.exe")), (SERVER, big + b"MZ" + b"\0" * 100))
    assert not conversation.wants(SERVER)


def test_rest_of_a_download_is_not_taken_for_an_answer() -> None:
    tail = (SERVER, b"x" * 100)
    events = run((CLIENT, PAGE), (SERVER, HTML[:120]), tail, (CLIENT, POST), tail, (SERVER, ANSWER))
    assert len(responses(events)) == 1


def test_request_that_does_not_matter_with_an_answer_that_does() -> None:
    request, response = run((CLIENT, PAGE), (SERVER, ANSWER))
    assert isinstance(request, Request)
    assert isinstance(response, Response)
    assert request.target == "/index.html"
    assert response.request == request


def test_chunked() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"3\r\n0\x03\x0a\r\n2;x=y\r\n\x01\x03\r\n0\r\nTrailer: 1\r\n\r\n"
    response, following = responses(run((CLIENT, POST), (SERVER, head + body + ANSWER)))
    assert (response.body, response.complete) == (b"0\x03\x0a\x01\x03", True)
    assert (following.body, following.request) == (b"0\x03\x0a\x01\x03", None)


def test_gzip_is_removed_within_a_bound() -> None:
    packed = gzip.compress(b"0\x03\x0a\x01\x03")
    extra = "Content-Encoding: gzip\r\n"
    (response,) = responses(run((CLIENT, POST), (SERVER, answer(packed, extra=extra))))
    assert (response.body, response.error) == (b"0\x03\x0a\x01\x03", None)
    bomb = gzip.compress(bytes(50_000_000))
    (response,) = responses(run((CLIENT, POST), (SERVER, answer(bomb[:100_000], extra=extra))))
    assert len(response.body) <= 128 * 1024
    assert response.error is not None


def test_continue() -> None:
    head, _, body = POST.partition(b"\r\n\r\n")
    expecting = head + b"\r\nExpect: 100-continue\r\n\r\n"
    interim = (SERVER, b"HTTP/1.1 100 Continue\r\n\r\n")
    (response,) = responses(run((CLIENT, expecting), interim, (CLIENT, body), (SERVER, ANSWER)))
    assert response.request is not None
    assert response.request.body == DER


@pytest.mark.parametrize("interim", ["100 Continue", "102 Processing", "103 Early Hints"])
def test_an_interim_response_behind_the_whole_request(interim: str) -> None:
    """A client need not wait for it (RFC 9110 10.1.1), and it is not the answer (RFC 9110 15.2)."""
    head = f"HTTP/1.1 {interim}\r\n\r\n".encode()
    for steps in ([(SERVER, head), (SERVER, ANSWER)], [(SERVER, head + ANSWER)]):
        (response,) = responses(run((CLIENT, POST), *steps))
        assert (response.status, response.body) == (200, b"0\x03\x0a\x01\x03")
        assert response.request is not None


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_status_without_body(status: str) -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Length: 50\r\n\r\n".encode()
    first, second = responses(run((CLIENT, POST), (SERVER, head), (CLIENT, POST), (SERVER, ANSWER)))
    assert (first.status, first.body, first.complete) == (int(status[:3]), b"", True)
    assert second.status == 200


def test_head() -> None:
    steps = (
        (CLIENT, b"HEAD /1.crl HTTP/1.1\r\nHost: h\r\n\r\n"),
        (SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
    )
    (first, second) = responses(run(*steps, (CLIENT, POST), (SERVER, ANSWER)))
    assert (first.body, first.complete) == (b"", True)
    assert second.body == b"0\x03\x0a\x01\x03"


def test_answer_until_close() -> None:
    head = b"HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\n\r\n"
    closed = responses(
        run((CLIENT, POST), (SERVER, head + b"0\x03"), (SERVER, b"\x0a\x01\x03"), (SERVER, None))
    )
    assert [(r.body, r.complete, r.closed, r.frame) for r in closed] == [
        (b"0\x03\x0a\x01\x03", True, "fin", 4)
    ]
    ended = responses(run((CLIENT, POST), (SERVER, head + b"0\x03\x0a\x01\x03")))
    assert [(r.complete, r.closed) for r in ended] == [(False, None)]
    conversation = HttpConversation(interest)
    play(conversation, (CLIENT, POST), (SERVER, head + b"0"))
    (reset,) = responses(conversation.close(True, 3, 3, reset=True))
    assert (reset.complete, reset.closed) == (False, "rst")


def test_start_in_mid_stream() -> None:
    (response,) = run((CLIENT, b"garbage from before"), (SERVER, b"more of it"), (SERVER, ANSWER))
    assert isinstance(response, Response)
    assert response.request is None
    events = run((CLIENT, b"tail of a body"), (CLIENT, POST), (SERVER, b"tail"), (SERVER, ANSWER))
    assert [r.request is not None for r in responses(events)] == [True]


def test_request_direction_missing() -> None:
    found = responses(run((SERVER, HTML), (SERVER, ANSWER), (SERVER, ANSWER)))
    assert [r.request for r in found] == [None, None]


def test_gap_in_a_body() -> None:
    steps = (CLIENT, POST), (SERVER, ANSWER[:-4]), (SERVER, 2), (SERVER, ANSWER[-2:] + ANSWER)
    response, following = responses(run(*steps))
    assert following.complete
    assert (response.body, response.missing, response.complete) == (b"0", 2, False)
    request, _ = run((CLIENT, POST[:-20]), (CLIENT, 20), (SERVER, ANSWER))
    assert isinstance(request, Request)
    assert (request.missing, request.complete, request.body) == (20, False, DER[:-20])


def test_gap_beyond_a_body() -> None:
    events = run((CLIENT, POST), (SERVER, ANSWER[:-4]), (SERVER, 5000), (CLIENT, POST), (SERVER, ANSWER))
    assert [(r.complete, r.missing) for r in responses(events)] == [(False, 4), (True, 0)]


def test_tunnel() -> None:
    for whole in (True, False):
        conversation = HttpConversation(interest)
        events = play(conversation, (CLIENT, CONNECT), (SERVER, ESTABLISHED + b"early"), whole=whole)
        assert [type(event) for event in events] == [Request]
        assert conversation.tunnel == ConnectTunnel("plain.site.test", 443, 1, 200, 2)
        assert b"".join(piece.data for piece in conversation.take_trailing()) == b"early"
        assert conversation.take_trailing() == []
        assert not conversation.wants(CLIENT)
        assert not conversation.wants(SERVER)
        assert conversation.finish(9, 9) == []


def test_tunnel_with_a_hasty_client() -> None:
    conversation = HttpConversation(interest)
    play(conversation, (CLIENT, CONNECT + HELLO[:4]), (CLIENT, HELLO[4:]), (SERVER, ESTABLISHED))
    pieces = [Trailing(True, HELLO[:4], 1, 1000), Trailing(True, HELLO[4:], 2, 2000)]
    assert conversation.take_trailing() == pieces
    conversation.receive(SERVER, b"\x16\x03", 4, 4, True)
    assert conversation.take_trailing() == [Trailing(False, b"\x16\x03", 4, 4)]


def test_refused_tunnel_keeps_speaking_http() -> None:
    refusal = answer(b"who are you?", "407 Proxy Authentication Required", "text/html")
    again = CONNECT.replace(b"\r\n\r\n", b"\r\nProxy-Authorization: Basic YTpi\r\n\r\n")
    conversation = HttpConversation(interest)
    events = play(conversation, (CLIENT, CONNECT), (SERVER, refusal), (CLIENT, again), (SERVER, ESTABLISHED))
    assert [r.status for r in responses(events)] == [407]
    assert responses(events)[0].complete
    assert conversation.tunnel == ConnectTunnel("plain.site.test", 443, 3, 200, 4)
    events = run((CLIENT, CONNECT + POST), (SERVER, refusal), (SERVER, ANSWER))
    answered = [(r.status, r.request.method) for r in responses(events) if r.request]
    assert answered == [(407, "CONNECT"), (200, "POST")]


def test_tunnel_whose_answer_is_missing() -> None:
    for steps in [
        ((CLIENT, CONNECT), (CLIENT, HELLO)),
        ((CLIENT, CONNECT), (SERVER, 39), (CLIENT, HELLO)),
    ]:
        conversation = HttpConversation(interest)
        play(conversation, *steps)
        conversation.finish(9, 9)
        assert conversation.tunnel == ConnectTunnel("plain.site.test", 443, 1, None, None)
        assert [piece.data for piece in conversation.take_trailing()] == [HELLO]
    conversation = HttpConversation(interest)
    play(conversation, (CLIENT, CONNECT), (SERVER, 39), (CLIENT, HELLO), (SERVER, HELLO))
    assert conversation.tunnel is not None
    assert [piece.from_client for piece in conversation.take_trailing()] == [True, False]


def test_tunnel_whose_request_is_missing() -> None:
    for steps in [
        ((SERVER, ESTABLISHED + HELLO),),
        ((SERVER, ESTABLISHED), (SERVER, HELLO)),
        ((SERVER, ESTABLISHED), (CLIENT, HELLO)),
    ]:
        conversation = HttpConversation(interest)
        play(conversation, *steps)
        assert conversation.tunnel == ConnectTunnel(None, None, None, 200, 1)
        assert [piece.data for piece in conversation.take_trailing()] == [HELLO]


def test_absolute_form() -> None:
    proxied = POST.replace(b"POST / ", b"POST http://ocsp.site.test/ ")
    (response,) = responses(run((CLIENT, proxied), (SERVER, ANSWER)))
    assert response.request is not None
    assert response.request.target == "http://ocsp.site.test/"


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"Host: ocsp.site.test\r\n", b"Host: ocsp.site.test\r\nBad Header : x\r\n"),
        (b"Host: ocsp.site.test\r\n", b""),
        (b"Host: ocsp.site.test\r\n", b"Host: a\r\nX: \x00\r\n"),
        (b" HTTP/1.1", b""),
        (b"POST / ", b"POST /\xc3\xbc "),
    ],
)
def test_malformed_request_is_salvaged(good: bytes, bad: bytes) -> None:
    events = run((CLIENT, POST.replace(good, bad, 1)), (SERVER, ANSWER), (CLIENT, POST), (SERVER, ANSWER))
    first, second = [event for event in events if isinstance(event, Request)]
    assert first.error is not None
    assert (first.body, first.complete) == (DER, True)
    assert second.error is None
    assert len(responses(events)) == 2


@pytest.mark.parametrize(
    "bad",
    [b"Broken Header: x\r\n", b"Content-Length: 5\r\nContent-Length: 6\r\n", b"no colon\r\n", b"X: \x00\r\n"],
)
def test_malformed_answer_is_salvaged(bad: bytes) -> None:
    broken = ANSWER.replace(b"\r\n", b"\r\n" + bad, 1)
    first, second = responses(run((CLIENT, POST), (SERVER, broken), (CLIENT, POST), (SERVER, ANSWER)))
    assert first.error is not None
    assert (first.body, first.complete) == (b"0\x03\x0a\x01\x03", True)
    assert second.error is None


def test_damaged_chunk() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nTransfer-Encoding: chunked\r\n\r\n"
    damaged = (SERVER, head + b"zz\r\n")
    first, second = responses(run((CLIENT, POST), damaged, (CLIENT, POST), (SERVER, ANSWER)))
    assert first.error is not None
    assert not first.complete
    assert second.complete


@pytest.mark.reaches("http_pending")
def test_bounds() -> None:
    conversation = HttpConversation(interest)
    (long,) = responses(play(conversation, (CLIENT, POST), (SERVER, answer(b"x" * 200_000))))
    assert long.body == b"x" * 128 * 1024
    events = play(conversation, *[(CLIENT, POST)] * (BOUNDS.http_pending + 3))
    assert sum(isinstance(event, UnansweredRequest) for event in events) == 3
    endless = HttpConversation(interest)
    assert play(endless, (CLIENT, b"POST / HTTP/1.1\r\nX: " + b"y" * 200_000), (CLIENT, POST))


def test_upload_that_does_not_matter() -> None:
    upload = post(b"a=" + b"b" * 40_000, kind="text/plain")
    events = run((CLIENT, upload + POST), (SERVER, answer(b"", "200 OK", "text/html") + ANSWER))
    assert [r.request.method for r in responses(events) if r.request] == ["POST"]
    assert responses(events)[0].request.body == DER  # type: ignore[union-attr]


def test_skip() -> None:
    conversation = HttpConversation(interest)
    play(conversation, (CLIENT, POST), (SERVER, ANSWER[:-2]))
    conversation.skip(SERVER)
    events = play(conversation, (CLIENT, POST), (SERVER, ANSWER))
    assert len(responses(events)) == 1


def test_switching_protocols() -> None:
    conversation = HttpConversation(interest)
    play(conversation, (CLIENT, POST), (SERVER, b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x16\x03\x01"))
    assert conversation.tunnel is None
    assert not conversation.wants(SERVER)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.one_of(
                st.none(),
                st.integers(1, 2_000_000),
                st.binary(max_size=40),
                st.sampled_from(PIECES),
            ),
        ),
        max_size=12,
    )
)
def test_nothing_raises(steps: list[Step]) -> None:
    for whole in (True, False):
        conversation = HttpConversation(interest)
        play(conversation, *steps, whole=whole)
        conversation.wants(CLIENT)
        conversation.wants(SERVER)
        conversation.finish(99, 99)
        assert not conversation.wants(SERVER)


CUTS = st.lists(st.integers(1, 700), max_size=6)


@settings(max_examples=80, deadline=None)
@given(CUTS, CUTS)
def test_any_split_gives_the_same_messages(client_cuts: list[int], server_cuts: list[int]) -> None:
    def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
        edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
        return [data[start:end] for start, end in pairwise(edges)]

    conversation = HttpConversation(interest)
    events: list[HttpEvent] = []
    for piece in pieces(POST * 3, client_cuts):
        events += conversation.receive(CLIENT, piece, 1, 1)
    for piece in pieces(ANSWER * 3, server_cuts):
        events += conversation.receive(SERVER, piece, 2, 2)
    expected = HttpConversation(interest)
    assert events == [*expected.receive(CLIENT, POST * 3, 1, 1), *expected.receive(SERVER, ANSWER * 3, 2, 2)]


@settings(max_examples=80, deadline=None)
@given(st.integers(0, len(POST) - 1), st.integers(0, len(ANSWER) - 1), st.integers(0, 255))
def test_damage_never_raises(client: int, server: int, value: int) -> None:
    octet = bytes((value,))
    conversation = HttpConversation(interest)
    play(conversation, (CLIENT, POST[:client] + octet + POST[client + 1 :]))
    play(conversation, (SERVER, ANSWER[:server] + octet + ANSWER[server + 1 :]))
    play(conversation, (CLIENT, POST), (SERVER, ANSWER))
    conversation.finish(9, 9)
