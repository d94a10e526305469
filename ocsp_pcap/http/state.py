"""The state of one direction of an HTTP connection, and how the beginnings of messages are recognised."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.http.events import ConnectTunnel, Request, Trailing
from ocsp_pcap.http.message import CONNECT, Message, find_head_end, read_request, status_of

_METHOD = re.compile(rb"[A-Z][A-Z-]{0,23}(?: |\Z)")
METHODS = tuple(
    f"{method} ".encode()
    for method in (
        "GET", "POST", "HEAD", "CONNECT", "PUT", "OPTIONS", "DELETE", "PATCH", "TRACE", "PROPFIND",
    )
)  # fmt: skip
"""Beginnings of requests (RFC 9110 9, RFC 5789, RFC 4918)."""
VERSION = b"HTTP/1."
"""Beginning of a response."""
_TLS_RECORD = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")


class HttpState(Enum):
    """The part of a message that is due next in one direction."""

    HEAD = "head"
    BODY = "body"
    LOST = "lost"
    """The next message can only be found at the start of a segment."""
    HELD = "held"
    """Client only: bytes behind CONNECT wait for its answer."""
    CLOSED = "closed"


class HttpDirection:
    """Where one direction stands."""

    def __init__(self) -> None:
        self.state = HttpState.HEAD
        self.first_frame = 0
        """Where the message at hand began."""
        self.message: Message | None = None
        self.seen = False
        self.lost = 0
        """Bytes the capture does not hold."""
        self.passed_over = 0
        """Bytes delivered and not looked at."""
        self.buffer = bytearray()
        self._searched = 0

    def lose(self) -> None:
        """Forget the message at hand and wait for one that starts a segment."""
        self.message = None
        self.buffer.clear()
        if self.state is not HttpState.CLOSED:
            self.state = HttpState.LOST

    def take_head(
        self, data: bytes, frame: int, looks_right: Callable[[bytes | bytearray], bool]
    ) -> tuple[bytes | None, bytes]:
        """Add data; return the head once it is complete, and the bytes that follow it."""
        buffer = self.buffer
        if not buffer:
            # RFC 9112 2.2: empty lines before a message are ignored.
            data = data.lstrip(b"\r\n")
            if not data:
                return None, b""
            self.first_frame = frame
            self._searched = 0
        buffer += data
        if not looks_right(buffer):
            self.lose()
            return None, b""
        end = find_head_end(buffer, self._searched)
        if end < 0:
            self._searched = len(buffer)
            if len(buffer) > BOUNDS.http_head:
                reached("http_head")
                self.lose()
            return None, b""
        head, rest = bytes(buffer[:end]), bytes(buffer[end:])
        buffer.clear()
        return head, rest


class Pieces:
    """Bytes set aside, within a bound: what is appended beyond it is dropped."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.size = 0
        """Bytes that they take."""
        self._pieces: list[Trailing] = []

    def __bool__(self) -> bool:
        return bool(self._pieces)

    @property
    def full(self) -> bool:
        """The bound is reached."""
        return self.size >= self._limit

    def append(self, piece: Trailing) -> None:
        """Set one piece aside."""
        if not self.full:
            self._pieces.append(piece)
            # A piece costs memory beyond its bytes; pieces of one byte are as hostile as large ones.
            self.size += len(piece.data) + 16

    def take(self) -> list[Trailing]:
        """Return all pieces, once."""
        pieces, self._pieces = self._pieces, []
        self.size = 0
        return pieces


def looks_like_request(start: bytes | bytearray) -> bool:
    """Tell whether these may be the first bytes of a request."""
    return _METHOD.match(start) is not None


def looks_like_response(start: bytes | bytearray) -> bool:
    """Tell whether these may be the first bytes of a response."""
    return start[: len(VERSION)] == VERSION[: len(start)]


def looks_like_known_request(start: bytes) -> bool:
    """Tell whether these may be the first bytes of a request with one of the usual methods."""
    return any(start[: len(known)] == known[: len(start)] for known in METHODS)


def looks_like_tls(start: bytes) -> bool:
    """Tell whether a TLS record header (RFC 8446 5.1) starts here."""
    return _TLS_RECORD.match(start) is not None


def authority(target: str) -> tuple[str | None, int | None]:
    """Split the authority-form target of CONNECT (RFC 9112 3.2.3); an IPv6 address loses its brackets."""
    host, colon, port = target.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit() and len(port) <= 5):
        return target.strip("[]") or None, None
    return host.strip("[]") or None, int(port)


def tunnel_of(request: Request | None, status: int | None, response_frame: int | None) -> ConnectTunnel:
    """Return the tunnel that a CONNECT request opened; None stands for what is not in the capture."""
    if request is None:
        return ConnectTunnel(None, None, None, status, response_frame)
    host, port = authority(request.target)
    via = any(name in ("via", "x-forwarded-for") for name, _ in request.headers)
    return ConnectTunnel(host, port, request.frame, status, response_frame, via)


def opened_tunnel(
    asked: bytes, frame: int, time: int, answered: bytes, response_frame: int
) -> ConnectTunnel | None:
    """Return the tunnel that a client asked for and a proxy opened, in one whole message and segment each.

    None: it is not as plain as that, and :class:`~ocsp_pcap.http.connection.HttpConversation` has to see it.
    """
    if not asked.startswith(CONNECT) or find_head_end(asked, 0) != len(asked):
        return None
    status = status_of(answered)
    if status is None or not 200 <= status < 300 or find_head_end(answered, 0) != len(answered):
        return None
    try:
        return tunnel_of(read_request(asked, frame, frame, time), status, response_frame)
    except ValueError:
        return None
