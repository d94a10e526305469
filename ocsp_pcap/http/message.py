"""One HTTP/1.1 message: its head and the framing of its body, both read by h11.

Each head gets an h11 connection of its own, because a witness, unlike a client or server, must go on
after whatever one message did; one that comes again is remembered. Heads that h11 refuses are read loosely,
and an equivalent head that it accepts tells the framing. A body whose length its head tells is counted, any
other is framed by h11.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.http.encoding import decode_body
from ocsp_pcap.http.events import Headers, Request, Response
from ocsp_pcap.http.interest import NONE, Interests

if TYPE_CHECKING:
    import h11

CONNECT = b"CONNECT "
MAX_REMEMBERED_HEAD = 2048
"""Bytes of a head that is remembered."""
MAX_REMEMBERED_HEADS = 512
_TOO_LONG = 431
"""Of the errors of h11: its bound on what has to be whole (RFC 6585 5)."""
_METHOD = re.compile(rb"[!-~]{1,32}")
_VERSION = re.compile(rb"HTTP/\d\.\d")
_STATUS_LINE = re.compile(rb"HTTP/1\.\d[ \t]+(\d{3})")
_BLANK_LINE = re.compile(rb"\n\r?\n")


def find_head_end(buffer: bytes | bytearray, start: int) -> int:
    """Return where the head in the buffer ends (past its blank line), -1 where it does not yet.

    ``start`` is how far an earlier call looked.
    """
    found = _BLANK_LINE.search(buffer, max(0, start - 3))
    return found.end() if found else -1


def whole_lines(part: bytes) -> bytes | None:
    """Return a complete head made of the lines that the beginning of a request's head holds.

    A target that is cut short counts as far as it goes. None where not even the target begins, and for
    CONNECT, whose target has to be whole.
    """
    line, newline, rest = part.partition(b"\n")
    if not newline:
        method, _, target = line.partition(b" ")
        target = target.partition(b" ")[0].strip()
        if not target.startswith((b"/", b"http")) or method == CONNECT.strip():
            return None
        return b"%b %b HTTP/1.1\r\n\r\n" % (method, target)
    if line.startswith(CONNECT):
        return None
    headers = rest[: rest.rfind(b"\n") + 1]
    return line.rstrip(b"\r") + b"\r\n" + headers + b"\r\n"


def _request_line(line: bytes) -> tuple[bytes, bytes]:
    """Return method and target of a request line (RFC 9112 3), however much white space it has.

    Raises ValueError where it is none. One pass: a pattern that allows white space in three places tries
    every way to share it out.
    """
    method, blank, rest = line.rstrip(b" \t\r").replace(b"\t", b" ").partition(b" ")
    if not blank or not _METHOD.fullmatch(method) or b"\r" in rest:
        raise ValueError("no request line")
    target, blank, version = rest.rpartition(b" ")
    if not (blank and _VERSION.fullmatch(version)):
        target = b"" if _VERSION.fullmatch(rest) else rest
    return method, target.strip(b" ")


def status_of(head: bytes) -> int | None:
    """Return the status code of a response head, None where there is none."""
    found = _STATUS_LINE.match(head)
    return int(found[1]) if found else None


def has_framing(head: bytes) -> bool:
    """Tell whether a response head announces a body that does not last until the connection closes."""
    lowered = head.lower()
    return b"\ncontent-length:" in lowered or b"\ntransfer-encoding:" in lowered


class _Head(NamedTuple):
    """What the head of a message says."""

    method: str
    target: str
    status: int
    headers: Headers
    error: str | None
    sound: bytes
    """The head, or one with the same framing, as h11 accepts it."""
    announced: int | None
    """Bytes that Content-Length announces; 0 of a request without. None: the head tells no length."""
    until_close: bool
    """The body lasts until the connection closes."""
    bodyless: bool
    """No body follows, whatever is announced (RFC 9112 6.3)."""


def _read_head(head: bytes, answers: str | None) -> _Head:
    """Read a complete head: of a request, or of what ``answers`` a GET or a HEAD. Raises ValueError."""
    import h11

    error = None
    try:
        _, event = _begin(head, answers)
    except h11.ProtocolError as problem:
        error, event = str(problem), None
    if event is not None:
        method, target, status = "", "", 0
        if isinstance(event, h11.Request):
            method, target = event.method.decode("latin-1"), event.target.decode("latin-1")
        else:
            status = event.status_code
        headers, sound = _text(event.headers), head
    else:
        method, target, status, headers, sound = _read_loosely(head, answers)
        try:
            _, event = _begin(sound, answers)
        except h11.ProtocolError as problem:
            raise ValueError(str(problem)) from problem
        if event is None:
            raise ValueError("no HTTP head")
    framing = dict(_text(event.headers))
    announced = None if answers is not None else 0
    if "transfer-encoding" in framing:
        announced = None
    elif "content-length" in framing:
        announced = int(framing["content-length"])
    until_close = announced is None and "transfer-encoding" not in framing
    bodyless = answers == "HEAD" or status in (204, 304)
    return _Head(method, target, status, headers, error, sound, announced, until_close, bodyless)


# A client sends one host much the same heads over and over, and each costs h11 a connection.
_remembered_head = lru_cache(MAX_REMEMBERED_HEADS)(_read_head)


def _head_of(head: bytes, answers: str | None) -> _Head:
    read = _remembered_head if len(head) <= MAX_REMEMBERED_HEAD else _read_head
    return read(head, answers)


def _begin(head: bytes, answers: str | None) -> tuple[h11.Connection, h11.Request | h11.Response | None]:
    import h11

    if answers is None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=BOUNDS.http_line)
    else:
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=BOUNDS.http_line)
        connection.send(h11.Request(method=answers, target="/", headers=[("host", "-")]))
        connection.send(h11.EndOfMessage())
    connection.receive_data(head)
    event = connection.next_event()
    return connection, event if isinstance(event, h11.Request | h11.Response) else None


def _read_loosely(head: bytes, answers: str | None) -> tuple[str, str, int, Headers, bytes]:
    """Read a malformed head; return method, target, status, headers, and a sound head of the same framing.

    Raises ValueError.
    """
    lines = head.split(b"\n")
    headers: list[tuple[str, str]] = []
    for line in lines[1:]:
        if headers and line[:1] in (b" ", b"\t"):
            # RFC 9112 5.2: a line that goes on with the value before it.
            headers[-1] = headers[-1][0], f"{headers[-1][1]} {line.strip().decode('latin-1')}".strip()
            continue
        name, colon, value = line.partition(b":")
        if colon:
            headers.append((name.strip().lower().decode("latin-1"), value.strip().decode("latin-1")))
    framing = b"Connection: close\r\n"
    names = dict(reversed(headers))
    if "chunked" in names.get("transfer-encoding", "").lower():
        framing = b"Transfer-Encoding: chunked\r\n"
    elif re.fullmatch(r"\d{1,15}", names.get("content-length", ""), re.ASCII):
        framing = b"Content-Length: " + names["content-length"].encode() + b"\r\n"
    if answers is None:
        method, target = (part.decode("latin-1") for part in _request_line(lines[0]))
        return method, target, 0, tuple(headers), b"POST / HTTP/1.1\r\nHost: -\r\n" + framing + b"\r\n"
    status = status_of(head)
    if status is None or not 200 <= status <= 599:
        raise ValueError("no status line")
    return "", "", status, tuple(headers), b"HTTP/1.1 %d -\r\n" % status + framing + b"\r\n"


def read_request(head: bytes, first_frame: int, frame: int, time: int) -> Request:
    """Return the request that a complete head makes, without its body. Raises ValueError where it is none."""
    read = _head_of(head, None)
    return Request(read.method, read.target, read.headers, b"", first_frame, frame, time, error=read.error)


class Message:
    """The body of one message being read. ``headers``, ``method``, ``target`` and ``status`` are its head."""

    def __init__(self, head: bytes, *, request_method: str | None) -> None:
        """Parse a complete head: of a request, or of the response to a request of ``request_method``.

        Raises ValueError where it is no HTTP head at all.
        """
        # CONNECT is answered without tunnel here: a 2xx answer to it never becomes a Message.
        answers = None if request_method is None else "HEAD" if request_method == "HEAD" else "GET"
        read = _head_of(head, answers)
        self.method, self.target, self.status = read.method, read.target, read.status
        self.headers, self.error = read.headers, read.error
        self.interest = NONE
        self.body = bytearray()
        self.truncated = False
        self.missing = 0
        self.first_frame = 0
        self.done = False
        self._request_method = request_method
        self._remaining = read.announced
        self._until_close = read.until_close
        self._to_come = 0 if read.bodyless else read.announced
        self._connection = _begin(read.sound, answers)[0] if self._to_come is None else None

    @property
    def body_limit(self) -> int:
        """Bytes of the body that are kept."""
        bound = self._body_bound
        return int(getattr(BOUNDS, bound)) if bound else 0

    @property
    def _body_bound(self) -> str:
        interest = self.interest
        return interest.request_body_bound if self._request_method is None else interest.body_bound

    def receive(self, data: bytes) -> bytes:
        """Take bytes of the body; once :attr:`done`, return those that follow the message.

        Raises ValueError where the body breaks its framing.
        """
        if self._remaining is not None:
            self._remaining -= min(self._remaining, len(data))
        if self._to_come is None:
            return self._unframed(data)
        body, rest = data[: self._to_come], data[self._to_come :]
        self._keep(body)
        self._to_come -= len(body)
        self.done = not self._to_come
        return rest

    def _unframed(self, data: bytes, *, ended: bool = False) -> bytes:
        """Take bytes of a body whose end only h11 finds."""
        import h11

        assert self._connection is not None
        if data or ended:
            # To h11 no bytes mean the end of the stream.
            self._connection.receive_data(data)
        while True:
            try:
                event = self._connection.next_event()
            except h11.ProtocolError as error:
                if error.error_status_hint == _TOO_LONG:
                    reached("http_line")
                raise ValueError(str(error)) from error
            if isinstance(event, h11.Data):
                self._keep(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self.done = True
                return self._connection.trailing_data[0]
            else:
                return b""

    def _keep(self, data: bytes | bytearray) -> None:
        if self.missing:
            return
        limit = self.body_limit
        room = limit - len(self.body)
        if len(data) > room:
            if limit > 0 and not self.truncated and not self.interest.body_decides:
                reached(self._body_bound)
            self.truncated = limit > 0
            data = data[: max(room, 0)]
        self.body += data

    def gap(self, length: int) -> bool:
        """Account for lost bytes; False where the end of the message can no longer be found."""
        if self._until_close:
            self.missing += length
            return True
        if self._remaining is None:
            self.missing += length
            return False
        self.missing += min(length, self._remaining)
        if length > self._remaining:
            return False
        if length > BOUNDS.http_filler:
            reached("http_filler")
            return False
        self.receive(bytes(length))
        return True

    def close(self, *, orderly: bool) -> bool:
        """Tell that the stream ended; return whether that completes the message."""
        if not self._until_close or not orderly:
            if self._remaining:
                self.missing += self._remaining
            return False
        try:
            self._unframed(b"", ended=True)
        except ValueError:
            return False
        return self.done

    def request_event(
        self, interests: Interests, first_frame: int, frame: int, time: int, *, complete: bool
    ) -> Request | None:
        """Return what was seen of a request, None where it does not matter; settles :attr:`interest`."""
        body, problem = decode_body(self.headers, bytes(self.body), self.body_limit)
        complete = complete and not self.truncated and not self.missing
        if self.interest.body_decides:
            self.interest = interests.request_body_interest(body, complete=complete)
        if self.interest == NONE:
            return None
        return Request(
            method=self.method,
            target=self.target,
            headers=self.headers,
            body=body,
            first_frame=first_frame,
            frame=frame,
            time=time,
            complete=complete,
            missing=self.missing,
            error=self.error or problem,
        )

    def response_event(
        self,
        request: Request | None,
        frame: int,
        time: int,
        *,
        complete: bool,
        closed: Literal["fin", "rst"] | None,
    ) -> Response:
        """Return what was seen of a response, its content encoding removed."""
        body, problem = decode_body(self.headers, bytes(self.body), self.body_limit)
        return Response(
            status=self.status,
            headers=self.headers,
            body=body,
            first_frame=self.first_frame,
            frame=frame,
            time=time,
            request=request,
            complete=complete and not self.truncated and not self.missing,
            missing=self.missing,
            error=self.error or problem,
            closed=closed,
        )


def _text(headers: object) -> Headers:
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in headers  # type: ignore[attr-defined]
    )
