from __future__ import annotations

import pytest

from ocsp_pcap.http.connection import HttpConversation
from ocsp_pcap.http.events import ConnectTunnel, HttpEvent, Request, Response, UnansweredRequest
from ocsp_pcap.http.pairing import Answers, Pending
from ocsp_pcap.ocsp import interest

from .wire import ANSWER, CLIENT, DER, HTML, PAGE, POST, SERVER, Step, answer, play, post, responses, run


def test_keep_alive_and_pipelining() -> None:
    second = post(DER, path="/second")
    alternating = run((CLIENT, POST), (SERVER, ANSWER), (CLIENT, second), (SERVER, ANSWER))
    assert [r.request.target for r in responses(alternating) if r.request] == ["/", "/second"]
    pipelined = run((CLIENT, POST + second), (SERVER, ANSWER + ANSWER))
    assert [r.request.target for r in responses(pipelined) if r.request] == ["/", "/second"]


def test_request_that_matters_behind_one_that_does_not() -> None:
    events = run((CLIENT, PAGE + POST), (SERVER, HTML + ANSWER))
    (response,) = responses(events)
    assert response.request is not None
    assert response.request.method == "POST"


def test_unanswered() -> None:
    request, unanswered = run((CLIENT, POST), (SERVER, None))
    assert unanswered == UnansweredRequest(request, 0, "fin")  # type: ignore[arg-type]
    request, unanswered = run((CLIENT, POST))
    assert unanswered == UnansweredRequest(request, 0, None)  # type: ignore[arg-type]


def test_request_cut_short() -> None:
    request, unanswered = run((CLIENT, POST[:-10]))
    assert isinstance(request, Request)
    assert (request.complete, request.missing) == (False, 10)
    assert isinstance(unanswered, UnansweredRequest)


def test_answer_before_the_request_is_whole() -> None:
    busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    request, response = run((CLIENT, POST[:-10]), (SERVER, busy), (CLIENT, POST[-10:]))
    assert isinstance(request, Request)
    assert isinstance(response, Response)
    assert request.complete
    assert response.status == 503
    assert response.request is request
    assert response.frame < request.frame


def test_answer_to_a_request_that_never_becomes_whole() -> None:
    busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    request, response = run((CLIENT, POST[:-10]), (SERVER, busy))
    assert isinstance(request, Request)
    assert isinstance(response, Response)
    assert not request.complete
    assert response.request is request


def test_gap_over_a_whole_answer() -> None:
    second = post(DER, path="/second")
    events = run((CLIENT, POST), (SERVER, 300), (CLIENT, second), (SERVER, ANSWER))
    assert [event.missing for event in events if isinstance(event, UnansweredRequest)] == [300]
    assert [r.request.target for r in responses(events) if r.request] == ["/second"]


def about(request: Request, response: Response) -> bool:
    """Tell whether a response names the path that was asked for."""
    return request.target.encode() in response.body


@pytest.mark.parametrize(
    ("lost", "body", "target", "unanswered"),
    [
        # Where nothing is missing the order is proof, whatever the answer says.
        (0, b"/second", "/first", []),
        (300, b"/first", "/first", []),
        (300, b"/second", "/second", ["/first"]),
        (300, b"/lost", None, []),
    ],
)
def test_where_requests_may_be_missing_an_answer_goes_to_the_one_that_it_answers(
    lost: int, body: bytes, target: str | None, unanswered: list[str]
) -> None:
    conversation = HttpConversation(interest, about)
    first, second = post(DER, path="/first"), post(DER, path="/second")
    gap: list[Step] = [(CLIENT, lost)] if lost else []
    events = play(conversation, (CLIENT, first), *gap, (CLIENT, second), (SERVER, answer(body)))
    (response,) = responses(events)
    assert (response.request.target if response.request else None) == target
    assert [event.request.target for event in events if isinstance(event, UnansweredRequest)] == unanswered


def test_bare_request() -> None:
    pending = Pending(b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n", 1, 2, 3, 0)
    request = pending.bare_request()
    assert request is not None
    assert (request.target, request.first_frame, request.frame, request.time) == ("/x", 1, 2, 3)
    assert Pending(b"GET /" + b"x" * 20_000, 1, 2, 3, 0).bare_request() is None


def same_serial(request: Request, response: Response) -> bool | None:
    return None


def out_of_order(
    *pieces: tuple[bool, bytes | int, int], mid_stream: bool = False, answers: Answers = same_serial
) -> list[HttpEvent]:
    """Play pieces, numbers for gaps, with their times; the file has them in this order."""
    conversation = HttpConversation(interest, answers, mid_stream=mid_stream)
    events: list[HttpEvent] = []
    for frame, (from_client, data, time) in enumerate(pieces, 1):
        if isinstance(data, int):
            events += conversation.gap(from_client, data, frame, time)
        else:
            events += conversation.receive(from_client, data, frame, time, True)
    return events + conversation.finish(99, 99_000)


def test_an_answer_that_the_file_has_before_its_request() -> None:
    """Who captures in threads writes what came later first; the times tell."""
    second = post(DER, path="/second")
    events = out_of_order(
        (SERVER, ANSWER, 2000), (CLIENT, POST, 1000), (CLIENT, second, 3000), (SERVER, ANSWER, 4000)
    )
    assert [r.request.target for r in responses(events) if r.request] == ["/", "/second"]
    assert not [event for event in events if isinstance(event, UnansweredRequest)]


BUSY = b"HTTP/1.1 503 Busy\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nbusy"
FIRST, SECOND = post(DER, path="/first"), post(DER, path="/second")
EARLY: dict[str, tuple[tuple[tuple[bool, bytes, int], ...], list[tuple[str, int]]]] = {
    "two": (
        ((SERVER, ANSWER, 20), (SERVER, ANSWER, 40), (CLIENT, FIRST, 10), (CLIENT, SECOND, 30)),
        [("/first", 200), ("/second", 200)],
    ),
    "two, and the requests in one piece": (
        ((SERVER, ANSWER + ANSWER, 20), (CLIENT, FIRST + SECOND, 10)),
        [("/first", 200), ("/second", 200)],
    ),
    "one that says nothing of OCSP": (
        ((SERVER, BUSY, 20), (CLIENT, FIRST, 10), (CLIENT, SECOND, 30), (SERVER, ANSWER, 40)),
        [("/first", 503), ("/second", 200)],
    ),
    "one that does not matter, to a request that does not, either": (
        ((SERVER, HTML, 20), (CLIENT, PAGE, 10), (CLIENT, FIRST, 30), (SERVER, ANSWER, 40)),
        [("/first", 200)],
    ),
    "one of which the end stands behind the request": (
        (
            (SERVER, ANSWER[:-9], 20),
            (CLIENT, FIRST, 10),
            (SERVER, ANSWER[-9:], 21),
            (CLIENT, SECOND, 30),
            (SERVER, BUSY, 40),
        ),
        [("/first", 200), ("/second", 503)],
    ),
    "one to a request that is in two pieces": (
        (
            (SERVER, ANSWER, 20),
            (SERVER, BUSY, 40),
            (CLIENT, FIRST[:-9], 10),
            (CLIENT, FIRST[-9:] + SECOND, 11),
        ),
        [("/first", 200), ("/second", 503)],
    ),
    "one that refuses a tunnel": (
        (
            (SERVER, BUSY, 20),
            (CLIENT, b"CONNECT a.test:443 HTTP/1.1\r\n\r\n", 10),
            (CLIENT, SECOND, 30),
            (SERVER, ANSWER, 40),
        ),
        [("a.test:443", 503), ("/second", 200)],
    ),
}


@pytest.mark.parametrize("order", EARLY)
def test_each_early_answer_is_that_to_its_own_request(order: str) -> None:
    """However many the file has before them: their order is that of the requests."""
    pieces, expected = EARLY[order]
    events = out_of_order(*pieces)
    found = [(each.request.target, each.status) for each in responses(events) if each.request]
    assert found == expected
    assert len(responses(events)) == len(expected)
    assert [event.target for event in events if isinstance(event, Request)] == [
        target for target, _ in expected
    ]
    assert not [event for event in events if isinstance(event, UnansweredRequest)]


@pytest.mark.parametrize(("time", "missing", "closed"), [(10, 300, "fin"), (25, 0, "fin"), (40, 0, None)])
def test_what_was_lost_of_an_answer_and_how_it_ended_may_stand_before_its_request(
    time: int, missing: int, closed: str | None
) -> None:
    conversation = HttpConversation(interest)
    events = conversation.gap(SERVER, 300, 1, 20)
    events += conversation.close(SERVER, 2, 30)
    events += conversation.receive(CLIENT, POST, 3, time, True)
    request, unanswered = events + conversation.finish(4, 50)
    assert unanswered == UnansweredRequest(request, missing, closed)  # type: ignore[arg-type]


def test_an_early_answer_opens_the_tunnel_that_was_asked_for() -> None:
    conversation = HttpConversation(interest)
    conversation.receive(SERVER, b"HTTP/1.1 200 Connection established\r\n\r\n", 1, 20, True)
    conversation.receive(CLIENT, b"CONNECT a.test:443 HTTP/1.1\r\n\r\n", 2, 10, True)
    assert conversation.tunnel == ConnectTunnel("a.test", 443, 2, 200, 1, False)


def test_where_the_client_is_not_in_the_capture_its_answers_wait_no_longer_than_some() -> None:
    conversation = HttpConversation(interest, same_serial)
    found = [len(conversation.receive(SERVER, ANSWER, frame, frame, True)) for frame in range(1, 21)]
    assert max(found[:7]) == 0
    assert sum(found) == 20
    assert set(found[8:]) == {1}


@pytest.mark.parametrize("time", [2000, 3000])
def test_an_answer_to_a_request_from_before_is_not_that_to_the_next(time: int) -> None:
    events = out_of_order((SERVER, ANSWER, 2000), (CLIENT, POST, time))
    (response,) = responses(events)
    assert response.request is None
    assert [type(event) for event in events] == [Response, Request, UnansweredRequest]


def test_where_the_capture_begins_in_the_middle_times_alone_pair_nothing() -> None:
    events = out_of_order((SERVER, ANSWER, 2000), (CLIENT, POST, 1000), mid_stream=True)
    (response,) = responses(events)
    assert response.request is None


@pytest.mark.parametrize(
    "pieces",
    [
        # The first request is lost, the second one waited behind the hole.
        ((SERVER, answer(b"/first"), 2000), (CLIENT, 300, 1500), (CLIENT, post(DER, path="/second"), 1500)),
        ((SERVER, 300, 2000), (SERVER, answer(b"/second"), 3000), (CLIENT, post(DER, path="/first"), 1000)),
    ],
    ids=["lost-request", "lost-answer"],
)
def test_times_alone_pair_nothing_either_where_the_answer_may_be_that_to_another(
    pieces: tuple[tuple[bool, bytes | int, int], ...],
) -> None:
    events = out_of_order(*pieces, answers=about)
    assert {response.request for response in responses(events)} == {None}
    assert isinstance(events[-1], UnansweredRequest)


def test_where_bytes_are_missing_an_early_answer_goes_to_the_request_that_it_answers() -> None:
    request = post(DER, path="/second")
    events = out_of_order(
        (SERVER, answer(b"/second"), 2000), (CLIENT, 300, 1500), (CLIENT, request, 1500), answers=about
    )
    (response,) = responses(events)
    assert response.request is not None
