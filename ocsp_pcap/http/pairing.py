"""Which response answers which request (RFC 9112 9.3.2).

Responses come in the order of the requests, and on a connection that was captured whole the order is proof.
It is none where bytes are missing, or where the capture begins in mid-stream: the answer that is next may be
that to a request that was lost, or the one before it may have been lost itself. There a response is given to
the request whose answer it shows itself to be (the caller tells: an OCSP response names what it is about),
else to none.

Packets out of order may put answers before their own requests in the file. Their times tell then: they wait,
and each is the answer to the next request where it was captured later. Where bytes are missing, or too many
answers came before, that is no proof either.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Literal, NamedTuple, TypeAlias

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.http.events import HttpEvent, Request, Response, UnansweredRequest
from ocsp_pcap.http.interest import NONE, TUNNEL, Interests
from ocsp_pcap.http.message import Message, read_request
from ocsp_pcap.http.state import HttpDirection, HttpState

_MAX_KEPT_HEAD: Final = 16 * 1024
_MAX_EARLY: Final = 8
"""Answers that wait for requests; behind more of them the client's side is missing, and none waits."""

Closed: TypeAlias = Literal["fin", "rst"]
Answers: TypeAlias = Callable[[Request, Response], bool | None]
"""Tells whether a response is that to a request, by what they say; None: they do not tell."""


class Pending:
    """A request whose answer is awaited."""

    def __init__(self, head: bytes, first_frame: int, frame: int, time: int, lost_before: int) -> None:
        self.head = head if len(head) <= _MAX_KEPT_HEAD else b""
        self.first_frame = first_frame
        self.frame = frame
        self.time = time
        self.lost_before = lost_before
        """Bytes the server's direction had lost when the request was made."""
        self.lost_since = 0
        """Bytes it lost between the request and the beginning of the answer."""
        self.in_doubt = False
        """The answer next in order may be that to another request."""
        self.method = head[: head.find(b" ")].decode("latin-1")
        self.interest = NONE
        self.message: Message | None = None
        """While its body is being read."""
        self.event: Request | None = None

    def bare_request(self) -> Request | None:
        """Return the request of which only the head was kept, because only its answer matters."""
        try:
            return read_request(self.head, self.first_frame, self.frame, self.time)
        except ValueError:
            return None


class AnswerUnderway(NamedTuple):
    """An answer that is as whole as it will be, and what it answers."""

    message: Message
    pending: Pending | None
    """None: the request is not in the capture."""
    began: int
    """Time of its first bytes, as far as they tell it from a request."""
    frame: int
    time: int
    complete: bool
    closed: Closed | None

    @property
    def awaits_request(self) -> bool:
        """The request it answers is not at its end yet."""
        return self.pending is not None and self.pending.message is not None

    @property
    def answers_what_matters(self) -> bool:
        """The request it answers may matter, whatever it is itself."""
        return self.pending is not None and self.pending.interest != NONE


class Pairing:
    """The requests of one connection that wait for an answer, in order, and the answer that is underway."""

    def __init__(
        self,
        client: HttpDirection,
        server: HttpDirection,
        interests: Interests,
        answers: Answers | None,
        *,
        mid_stream: bool,
    ) -> None:
        self.answering: Pending | None = None
        """The request whose answer is being read."""
        self._client = client
        self._server = server
        self._interests = interests
        self._answers = answers
        self._waiting: deque[Pending] = deque()
        self._early: AnswerUnderway | None = None
        """An answer that was complete before its request."""
        self._began = 0
        """When the answer underway began."""
        self._orphaned: deque[AnswerUnderway] = deque()
        """Answers for which no request waited: their own may stand behind them in the file."""
        self._in_doubt = False
        """Requests may have been lost: the next answer may be that to one of them."""
        self._paired = not mid_stream
        """An answer was given to its request, or the capture shows the beginning."""
        self._closed: tuple[Closed, int] | None = None
        """How and when the server's direction ended."""
        self._orphans = 0
        """Answers for which no request waited, since one was not found to be that to a request behind it."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def next(self) -> Pending | None:
        """The request whose answer is due."""
        return self._waiting[0] if self._waiting else None

    def request_lost(self) -> None:
        """A request may be among bytes that the capture does not hold."""
        self._in_doubt = self._in_doubt or not self._orphans

    def take_tunnel_request(self) -> Pending | None:
        """Return the CONNECT request that waits, which waits no longer; None: there is none."""
        for pending in self._waiting:
            if pending.interest == TUNNEL and pending.event is not None:
                self._waiting.remove(pending)
                return pending
        return None

    def forget(self) -> None:
        """Wait for no answer any more: none of them matters."""
        self._waiting.clear()

    @property
    def awaits_requests(self) -> bool:
        """Whatever the next answer is, a request behind it in the file may be its own."""
        return not self._waiting and self._orphans < _MAX_EARLY

    def begin_response(self, time: int) -> None:
        """An answer begins: it is that to the request that is next, if there is one."""
        several = len(self._waiting) > 1
        self._began = time
        if not self._waiting:
            self._orphans += 1
            self._in_doubt = False
            return
        self.answering = pending = self._waiting.popleft()
        pending.lost_since = self._server.lost - pending.lost_before
        pending.in_doubt = pending.lost_since > 0 or self._in_doubt or (several and not self._paired)
        self._paired = True

    def await_answer(self, pending: Pending, frame: int, time: int, events: list[HttpEvent]) -> None:
        """Add a request to those that wait."""
        waiting = self._waiting
        if self._server.state is HttpState.LOST:
            # A client asks again when it has its answer: what waited during a gap was answered in it.
            while waiting and self._server.lost > waiting[0].lost_before:
                self._drop(waiting.popleft(), None, frame, time, events)
        if len(waiting) >= BOUNDS.http_pending:
            reached("http_pending")
            self._drop(waiting.popleft(), None, frame, time, events)
        while self._orphaned:
            early = self._orphaned.popleft()
            if self._is_later(early, pending):
                self._early = early._replace(pending=pending)
                break
            self._report(early, events)
        else:
            waiting.append(pending)
        if not self._orphaned:
            self._orphans = 0
        self._report_answered(events)

    def _is_later(self, answer: AnswerUnderway, pending: Pending) -> bool:
        """Tell whether an answer that the file has before a request is its own: it was captured behind it."""
        pending.in_doubt = (
            self._in_doubt
            or not self._paired
            or self._orphans > _MAX_EARLY
            or self._client.lost + self._server.lost > 0
        )
        return pending.time < answer.began

    def drop_answered(self, frame: int, time: int, events: list[HttpEvent]) -> None:
        """Give up requests that another one followed: a client asks again when it has its answer."""
        while len(self._waiting) > 1:
            self._drop(self._waiting.popleft(), None, frame, time, events)

    def drop_all(self, closed: Closed | None, frame: int, time: int, events: list[HttpEvent]) -> None:
        """Give up waiting: the server will say no more."""
        if closed is not None:
            self._closed = closed, time
        while self._waiting:
            self._drop(self._waiting.popleft(), closed, frame, time, events)

    def end_request(
        self, pending: Pending, frame: int, time: int, events: list[HttpEvent], *, complete: bool
    ) -> None:
        """Report a request, which is as whole as it will be, where it may matter."""
        message, pending.message = pending.message, None
        if message is None:
            return
        pending.frame, pending.time = frame, time
        pending.event = message.request_event(
            self._interests, pending.first_frame, frame, time, complete=complete
        )
        pending.interest = message.interest
        if pending.event is not None:
            events.append(pending.event)

    def request_ended(
        self, message: Message, frame: int, time: int, events: list[HttpEvent], *, complete: bool
    ) -> None:
        """Report the request that a message is, and its answer where that was complete before."""
        early = self._early
        for pending in (*self._waiting, self.answering, early.pending if early else None):
            if pending is not None and pending.message is message:
                self.end_request(pending, frame, time, events, complete=complete)
        self._report_answered(events)

    def _report_answered(self, events: list[HttpEvent]) -> None:
        """Report an answer that was complete before its request, where that is, too."""
        early = self._early
        if early is not None and not early.awaits_request:
            self._early = None
            self._report(early, events)

    def report_early(self, events: list[HttpEvent]) -> None:
        """Report the answers that were complete before their requests, if there are any."""
        early, self._early = self._early, None
        self._report(early, events)
        self._report_orphaned(events)

    def response_ended(
        self,
        message: Message,
        frame: int,
        time: int,
        events: list[HttpEvent],
        *,
        complete: bool,
        closed: Closed | None,
    ) -> None:
        """Report the answer that is underway, which is as whole as it will be, where it may matter."""
        pending, self.answering = self.answering, None
        answer = AnswerUnderway(message, pending, self._began, frame, time, complete, closed)
        if (
            pending is None
            and self._waiting
            and not self._orphaned
            and self._is_later(answer, self._waiting[0])
        ):
            pending = self._waiting.popleft()
            answer = answer._replace(pending=pending)
        if pending is None and self.awaits_requests:
            self._orphaned.append(answer)
            return
        self._report_orphaned(events)
        if message.interest == NONE:
            return
        if pending is not None and answer.awaits_request and pending.message is self._client.message:
            # Some servers answer on the headers alone: the rest of the request is still on its way.
            self._early = answer
        else:
            self._report_response(answer, events)

    def _report_orphaned(self, events: list[HttpEvent]) -> None:
        """No longer wait for the requests of answers."""
        while self._orphaned:
            self._report(self._orphaned.popleft(), events)

    def _report(self, answer: AnswerUnderway | None, events: list[HttpEvent]) -> None:
        if answer is not None and (answer.message.interest != NONE or answer.answers_what_matters):
            self._report_response(answer, events)

    def _drop(
        self, pending: Pending, closed: Closed | None, frame: int, time: int, events: list[HttpEvent]
    ) -> None:
        """Give up waiting for the answer to a request."""
        self.end_request(pending, frame, time, events, complete=False)
        if closed is None and self._closed is not None and pending.time < self._closed[1]:
            # Packets out of order: it was captured before that end, and written after it.
            closed = self._closed[0]
        if pending.event is not None:
            events.append(UnansweredRequest(pending.event, self._server.lost - pending.lost_before, closed))

    def _report_response(self, answer: AnswerUnderway, events: list[HttpEvent]) -> None:
        pending, request = answer.pending, None
        if pending is not None:
            self.end_request(pending, answer.frame, answer.time, events, complete=False)
            request = pending.event
            if request is None:
                request = pending.bare_request()
                if request is not None:
                    events.append(request)
        event = answer.message.response_event(
            request, answer.frame, answer.time, complete=answer.complete, closed=answer.closed
        )
        if pending is not None and pending.in_doubt and request is not None and self._answers is not None:
            pending, event = self._settle(self._answers, pending, request, event, events)
        if pending is not None and pending.lost_since:
            # The answer to this request may be what was lost, and this one that to another.
            event = event._replace(missing=event.missing + pending.lost_since)
        events.append(event)

    def _settle(
        self,
        answers: Answers,
        pending: Pending,
        request: Request,
        event: Response,
        events: list[HttpEvent],
    ) -> tuple[Pending | None, Response]:
        """Find the request that a response answers by what it says, where the order proves nothing."""
        if answers(request, event) is True:
            self._in_doubt = False
            return pending, event
        for place, other in enumerate(self._waiting):
            if other.event is not None and answers(other.event, event) is True:
                # Answers come in order (RFC 9112 9.3.2): those to the requests before it were lost.
                self._drop(pending, None, event.frame, event.time, events)
                for _ in range(place):
                    self._drop(self._waiting.popleft(), None, event.frame, event.time, events)
                self._waiting.popleft()
                self._in_doubt = False
                return other, event._replace(request=other.event)
        pending.event = request
        self._waiting.appendleft(pending)
        return None, event._replace(request=None)
