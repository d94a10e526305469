"""The state of one direction of an HTTP connection, and how the beginnings of messages are recognised."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.http.message import Message, find_head_end

_MAX_LOSSES = 16
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
        self.losses: list[tuple[int, int]] = []
        """When some of them were lost, and how many had been before; since the last request."""
        self.passed_over = 0
        """Bytes delivered and not looked at."""
        self.buffer = bytearray()
        self._searched = 0

    def note_loss(self, length: int, time: int) -> None:
        """Count bytes that the capture does not hold."""
        if len(self.losses) < _MAX_LOSSES:
            self.losses.append((time, self.lost))
        self.lost += length

    def lost_before(self, time: int) -> int:
        """Return how many bytes had been lost at a time that may be before that of packets before it."""
        later = [before for when, before in self.losses if when > time]
        self.losses.clear()
        return later[0] if later else self.lost

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
