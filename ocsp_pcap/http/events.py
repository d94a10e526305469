"""Events of the HTTP parser; frames are those that held a message's first and last byte."""

# No postponed annotations: named tuples would compile each of theirs, at every start.
from typing import Literal, NamedTuple, TypeAlias

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""(lower-case name, value), in order."""


class Request(NamedTuple):
    """One HTTP request that may matter (RFC 9112 3)."""

    method: str
    target: str
    """As sent: origin-form, absolute-form (to a proxy) or authority-form (CONNECT)."""
    headers: Headers
    body: bytes
    first_frame: int
    frame: int
    time: int
    """Of ``frame``, nanoseconds since the epoch."""
    complete: bool = True
    """False: the end was not seen, or bytes of the body are missing or beyond the bound."""
    missing: int = 0
    """Bytes of the body that the capture does not hold."""
    error: str | None = None
    """What HTTP/1.1 forbids about it."""


class Response(NamedTuple):
    """One final HTTP response that may matter (RFC 9112 4), its content encoding removed."""

    status: int
    headers: Headers
    body: bytes
    first_frame: int
    frame: int
    time: int
    request: Request | None
    """None: the request is not in the capture."""
    complete: bool = True
    missing: int = 0
    error: str | None = None
    closed: Literal["fin", "rst"] | None = None
    """How the server's direction ended before the response did."""


class UnansweredRequest(NamedTuple):
    """A request that may matter and whose answer was not seen."""

    request: Request
    missing: int
    """Bytes of the server's direction that the capture lost since the request."""
    closed: Literal["fin", "rst"] | None


HttpEvent: TypeAlias = Request | Response | UnansweredRequest


class ConnectTunnel(NamedTuple):
    """A tunnel that a CONNECT request opened (RFC 9110 9.3.6)."""

    host: str | None
    """None where the CONNECT request itself is not in the capture."""
    port: int | None
    connect_frame: int | None
    status: int | None
    """Of the answer; None where the answer is not in the capture."""
    response_frame: int | None
    via: bool = False
    """The request bore Via or X-Forwarded-For: a proxy sent it (RFC 9110 7.6.3)."""


class Trailing(NamedTuple):
    """Bytes that travelled inside the tunnel and were handed to the HTTP parser."""

    from_client: bool
    data: bytes
    frame: int
    time: int
    missing: int = 0
    """Bytes the capture does not hold, where this is a gap and not data."""


def header(headers: Headers, name: str) -> str | None:
    """Return the first value of a header, by its lower-case name."""
    for key, value in headers:
        if key == name:
            return value
    return None
