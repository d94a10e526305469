"""HTTP/1.1 (RFC 9112) between one client and one server, read as a witness reads it.

Only exchanges that may matter (OCSP, CRL, CONNECT) give events; the rest is passed over as cheaply
as finding the next message allows.
"""

from __future__ import annotations

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.http.events import ConnectTunnel, HttpEvent, Request, Trailing
from ocsp_pcap.http.interest import NONE, TUNNEL, Interests
from ocsp_pcap.http.message import CONNECT, Message, has_framing, read_request, status_of, whole_lines
from ocsp_pcap.http.pairing import Answers, Closed, Pairing, Pending
from ocsp_pcap.http.state import (
    HttpDirection,
    HttpState,
    looks_like_known_request,
    looks_like_request,
    looks_like_response,
    looks_like_tls,
)
from ocsp_pcap.http.tunnel import Greeting, TunnelEntrance

MAX_REST_OF_HEAD = 2048
"""Missing bytes that are taken for the rest of a request whose head begins before them, and for no other."""


class HttpConversation:
    """Both directions of one connection. Bytes in, events out; never raises on any input.

    Feed data in the order of the capture. Data may be withheld where :meth:`wants` is False; call
    :meth:`skip` where it was withheld although it was wanted. After every call look at
    :attr:`tunnel`: once it is set HTTP is over, :meth:`take_trailing` gives what already travelled
    inside the tunnel, and further bytes belong to the caller.
    """

    def __init__(
        self, interests: Interests, answers: Answers | None = None, *, mid_stream: bool = False
    ) -> None:
        """``interests`` tells what matters; ``mid_stream``: the connection began before the capture did.

        ``answers`` tells whether a response is that to a request, by what they say (None: they do not tell).
        It is asked where bytes are missing, or may be, so that the order proves nothing; there a response is
        given to the request whose answer it shows itself to be, else to none.
        """
        self._interests = interests
        self.switched = False
        """The server agreed to speak another protocol from here on (RFC 9110 15.2.2)."""
        self._client = HttpDirection()
        self._server = HttpDirection()
        self._pairing = Pairing(self._client, self._server, interests, answers, mid_stream=mid_stream)
        self._entrance = TunnelEntrance(self._pairing)

    @property
    def tunnel(self) -> ConnectTunnel | None:
        """The tunnel that CONNECT opened."""
        return self._entrance.tunnel

    @property
    def _over(self) -> bool:
        return self.switched or self._entrance.tunnel is not None

    @property
    def held(self) -> int:
        """Bytes of heads and bodies that are not complete, and of what was set aside."""
        held = self._entrance.size
        for direction in (self._client, self._server):
            message = direction.message
            held += len(direction.buffer) + (len(message.body) if message is not None else 0)
        return held

    def may_end(self, from_client: bool) -> bool:
        """Tell whether another protocol may begin in a direction: no message of it is under way.

        It begins with the client, and with the server only where nothing of the client is in the capture.
        """
        direction = self._client if from_client else self._server
        if not from_client and (self._client.seen or self._entrance.greeting is not None):
            return False
        return direction.state is HttpState.LOST or (
            direction.state is HttpState.HEAD and direction.message is None and not direction.buffer
        )

    def wants(self, from_client: bool) -> bool:
        """Tell whether bytes of this direction can matter at this moment.

        The client's do until the connection is a tunnel or closed, since the next request may
        matter. The server's do not while the body of an answer that does not matter is passing and no
        further request waits.
        """
        if self._over:
            return False
        if from_client:
            return self._client.state is not HttpState.CLOSED
        server = self._server
        if server.state is HttpState.LOST:
            blind = not self._client.seen and server.passed_over < BOUNDS.http_blind
            return bool(self._pairing) or blind
        return server.state is not HttpState.CLOSED

    def receive(
        self, from_client: bool, data: bytes, frame: int, time: int, segment_start: bool = False
    ) -> list[HttpEvent]:
        """Take the next bytes of one direction; ``segment_start`` tells that they begin a TCP segment."""
        events: list[HttpEvent] = []
        if not data:
            return events
        if self._over:
            if self.tunnel is not None:
                self._entrance.enter(Trailing(from_client, data, frame, time))
        elif self._entrance.greeting is not None and segment_start and looks_like_tls(data):
            self._entrance.open(*self._entrance.greeting[:2])
            self._entrance.enter(Trailing(from_client, data, frame, time))
        elif from_client:
            self._client.seen = True
            self._client_data(data, frame, time, segment_start, events)
        else:
            self._server.seen = True
            self._server_data(data, frame, time, segment_start, events)
        return events

    def gap(self, from_client: bool, length: int, frame: int, time: int) -> list[HttpEvent]:
        """Account for bytes of one direction that the capture does not hold."""
        events: list[HttpEvent] = []
        direction = self._client if from_client else self._server
        if self._over or direction.state is HttpState.CLOSED:
            return events
        direction.note_loss(length, time)
        if direction.state is HttpState.HELD:
            self._entrance.hold(Trailing(True, b"", frame, time, missing=length))
        elif direction.message is None:
            if from_client:
                is_rest = self._cut_head(frame, time, events) and length <= MAX_REST_OF_HEAD
                if not is_rest:
                    self._pairing.request_lost()
            direction.lose()
            if not from_client:
                self._pairing.drop_answered(frame, time, events)
        else:
            found = direction.message.gap(length)
            if not found or direction.message.done:
                self._end_message(from_client, frame, time, events, complete=False)
            if not found:
                direction.lose()
                if from_client:
                    self._pairing.request_lost()
        return events

    def skip(self, from_client: bool) -> None:
        """Tell that wanted bytes of this direction were withheld: a message at hand is given up."""
        direction = self._client if from_client else self._server
        if direction.state not in (HttpState.CLOSED, HttpState.HELD):
            if not from_client:
                self._pairing.answering = None
            direction.lose()

    def close(self, from_client: bool, frame: int, time: int, reset: bool = False) -> list[HttpEvent]:
        """One direction ended by FIN, or both did by RST."""
        events: list[HttpEvent] = []
        if from_client or reset:
            self._close_client(frame, time, events)
        if not from_client or reset:
            self._close_server(frame, time, "rst" if reset else "fin", events)
        return events

    def finish(self, frame: int, time: int) -> list[HttpEvent]:
        """The capture, or what is known of this connection, ended: report all that is incomplete."""
        events: list[HttpEvent] = []
        self._close_client(frame, time, events)
        self._pairing.report_early(events)
        self._close_server(frame, time, None, events)
        self._pairing.drop_all(None, frame, time, events)
        return events

    def take_trailing(self) -> list[Trailing]:
        """Return, once, the bytes of both directions that travelled inside the tunnel, in order."""
        return self._entrance.take_inside()

    def _client_data(
        self, data: bytes, frame: int, time: int, segment_start: bool, events: list[HttpEvent]
    ) -> None:
        client = self._client
        while data:
            if client.state is HttpState.LOST:
                if not segment_start or not looks_like_known_request(data):
                    return
                client.state = HttpState.HEAD
            if client.state is HttpState.HEAD:
                data = self._client_head(data, frame, time, events)
            elif client.state is HttpState.BODY:
                data = self._client_body(data, frame, time, events)
            else:
                if client.state is HttpState.HELD:
                    self._entrance.hold(Trailing(True, data, frame, time))
                return
            segment_start = False

    def _client_head(self, data: bytes, frame: int, time: int, events: list[HttpEvent]) -> bytes:
        client = self._client
        head, rest = client.take_head(data, frame, looks_like_request)
        if head is None:
            return rest
        pending = Pending(head, client.first_frame, frame, time, self._server.lost_before(time))
        if self._interests.is_plain_request(head):
            self._await_answer(pending, frame, time, events)
            return rest
        try:
            if head.startswith(CONNECT):
                request = read_request(head, pending.first_frame, frame, time)
                self._tunnel_request(pending, request, events)
                return rest
            message = Message(head, request_method=None)
        except ValueError:
            client.lose()
            return b""
        pending.method = message.method
        pending.interest = message.interest = self._interests.request_interest(
            message.method, message.target, message.headers
        )
        pending.message = message
        self._await_answer(pending, frame, time, events)
        client.message = message
        client.state = HttpState.BODY
        return self._client_body(rest, frame, time, events)

    def _cut_head(self, frame: int, time: int, events: list[HttpEvent]) -> bool:
        """Take what the capture holds of a request whose head is cut short, by a gap or the snaplen.

        Return whether there is one.
        """
        client = self._client
        head = whole_lines(bytes(client.buffer)) if client.state is HttpState.HEAD and client.buffer else None
        if head is None:
            return False
        try:
            message = Message(head, request_method=None)
        except ValueError:
            return False
        message.error = "the head of the request is cut short"
        message.interest = self._interests.request_interest(message.method, message.target, message.headers)
        pending = Pending(head, client.first_frame, frame, time, self._server.lost_before(time))
        pending.interest, pending.message = message.interest, message
        self._await_answer(pending, frame, time, events)
        self._pairing.end_request(pending, frame, time, events, complete=False)
        return True

    def _await_answer(self, pending: Pending, frame: int, time: int, events: list[HttpEvent]) -> None:
        self._pairing.await_answer(pending, frame, time, events)
        self._entrance.greeting = None

    def _tunnel_request(self, pending: Pending, request: Request, events: list[HttpEvent]) -> None:
        """Take a CONNECT request: what follows it depends on the answer (RFC 9110 9.3.6)."""
        pending.interest, pending.event = TUNNEL, request
        events.append(request)
        greeting = self._entrance.greeting
        self._await_answer(pending, request.frame, request.time, events)
        if greeting is not None and request.time < greeting.time:
            self._entrance.open(greeting.status, greeting.frame)
        elif self._pairing.next is not None:
            self._client.state = HttpState.HELD

    def _client_body(self, data: bytes, frame: int, time: int, events: list[HttpEvent]) -> bytes:
        message = self._client.message
        assert message is not None
        try:
            rest = message.receive(data)
        except ValueError as error:
            message.error = message.error or str(error)
            self._end_message(True, frame, time, events, complete=False)
            self._client.lose()
            return b""
        self._look_inside(message, is_request=True)
        if message.done:
            self._end_message(True, frame, time, events, complete=True)
        return rest

    def _close_client(self, frame: int, time: int, events: list[HttpEvent]) -> None:
        client = self._client
        if client.message is not None:
            client.message.close(orderly=False)
            self._end_message(True, frame, time, events, complete=False)
        self._cut_head(frame, time, events)
        if client.state is not HttpState.HELD:
            client.state = HttpState.CLOSED
        client.buffer.clear()

    def _server_data(
        self, data: bytes, frame: int, time: int, segment_start: bool, events: list[HttpEvent]
    ) -> None:
        server = self._server
        while data and not self._over:
            in_body = server.state is HttpState.BODY
            if self._entrance.holds and segment_start and not in_body and looks_like_tls(data):
                self._entrance.open()
                self._entrance.enter(Trailing(False, data, frame, time))
                return
            if server.state is HttpState.LOST:
                if not segment_start or not looks_like_response(data):
                    self._pass_over(len(data))
                    return
                server.state = HttpState.HEAD
            if server.state is HttpState.HEAD:
                data = self._server_head(data, frame, time, events)
            elif server.state is HttpState.BODY:
                data = self._server_body(data, frame, time, events)
            else:
                return
            segment_start = False

    def _server_head(self, data: bytes, frame: int, time: int, events: list[HttpEvent]) -> bytes:
        server = self._server
        head, rest = server.take_head(data, frame, looks_like_response)
        if head is None:
            return rest
        status = status_of(head)
        if status == 101:
            self.switched = True
            return b""
        if status is not None and 100 <= status < 200:
            return rest
        pending = self._pairing.next
        request = NONE if pending is None else pending.interest
        if status is not None and 200 <= status < 300:
            if request == TUNNEL or (pending is None and looks_like_tls(rest)):
                self._entrance.open(status, frame)
                if rest:
                    self._entrance.enter(Trailing(False, rest, frame, time))
                return b""
            if pending is None and not rest and not has_framing(head):
                self._entrance.greeting = Greeting(status, frame, time)
        if (
            request == NONE
            and self._interests.is_plain_answer(head)
            and len(self._pairing) <= 1
            and not self._pairing.awaits_requests
        ):
            self._pairing.forget()
            server.lose()
            self._pass_over(len(rest))
            return b""
        try:
            message = Message(head, request_method="" if pending is None else pending.method)
        except ValueError:
            server.lose()
            return b""
        message.first_frame = server.first_frame
        message.interest = self._interests.response_interest(request, message.status, message.headers)
        server.message, server.state = message, HttpState.BODY
        self._pairing.begin_response(time)
        if request == TUNNEL:
            self._release_held(events)
        return self._server_body(rest, frame, time, events)

    def _server_body(self, data: bytes, frame: int, time: int, events: list[HttpEvent]) -> bytes:
        server = self._server
        message = server.message
        assert message is not None
        try:
            rest = message.receive(data)
        except ValueError as error:
            message.error = message.error or str(error)
            self._end_message(False, frame, time, events, complete=False)
            server.lose()
            return b""
        self._look_inside(message, is_request=False)
        if message.done:
            self._end_message(False, frame, time, events, complete=True)
        elif message.interest == NONE and not self._pairing:
            if self._pairing.answering is None:
                self._end_message(False, frame, time, events, complete=False)
            self._pairing.answering = None
            server.lose()
        return rest

    def _end_message(
        self,
        from_client: bool,
        frame: int,
        time: int,
        events: list[HttpEvent],
        *,
        complete: bool,
        closed: Closed | None = None,
    ) -> None:
        direction = self._client if from_client else self._server
        message, direction.message = direction.message, None
        if direction.state is HttpState.BODY:
            direction.state = HttpState.HEAD
        if message is None:
            return
        if not from_client:
            self._pairing.response_ended(message, frame, time, events, complete=complete, closed=closed)
        else:
            self._pairing.request_ended(message, frame, time, events, complete=complete)

    def _close_server(self, frame: int, time: int, closed: Closed | None, events: list[HttpEvent]) -> None:
        server = self._server
        if server.state is HttpState.CLOSED:
            return
        if server.message is not None:
            complete = server.message.close(orderly=closed == "fin")
            self._end_message(False, frame, time, events, complete=complete, closed=closed)
        if self._entrance.holds and not self._over:
            self._entrance.open()
        server.state = HttpState.CLOSED
        server.buffer.clear()
        self._pairing.drop_all(closed, frame, time, events)

    def _release_held(self, events: list[HttpEvent]) -> None:
        """CONNECT was refused: the connection speaks HTTP on, and so does what the client sent."""
        held = self._entrance.release()
        self._client.state = HttpState.HEAD
        for piece in held:
            if piece.missing:
                self._client.lose()
            else:
                self._client_data(piece.data, piece.frame, piece.time, True, events)

    def _pass_over(self, length: int) -> None:
        """Count bytes of the server that are not looked at."""
        server = self._server
        before, server.passed_over = server.passed_over, server.passed_over + length
        if before < BOUNDS.http_blind <= server.passed_over and not self.wants(from_client=False):
            reached("http_blind")

    def _look_inside(self, message: Message, *, is_request: bool) -> None:
        """Let the first bytes of a body decide where the head did not."""
        if (
            message.interest.body_decides
            and message.body
            and not self._interests.may_be_structure(bytes(message.body[:64]), request=is_request)
        ):
            message.interest = NONE
            message.body.clear()
