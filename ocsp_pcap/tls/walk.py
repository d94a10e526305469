"""A TLS connection of which nothing is missing, gone through in one pass.

:class:`~ocsp_pcap.tls.connection.TlsConnection` is ready for anything: bytes that come one at a time, holes,
keys, a beginning in mid-stream. Nearly all connections are plainer than that: their segments are all there,
each message lies in one record, and no keys open it. :func:`walk` reads such a connection where it lies,
record header by record header, and gives the same events at a third of the cost; application data is stepped
over and never copied. What is not that plain it declines, and nothing has happened then.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import Final, NamedTuple, TypeAlias

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.tls.direction import Direction
from ocsp_pcap.tls.events import ClientHello, ServerHello, TlsEvent
from ocsp_pcap.tls.handshake import (
    CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE,
    COMPRESSED_CERTIFICATE,
    KNOWN_TYPES,
    TELLING_TYPES,
    read_message,
)
from ocsp_pcap.tls.records import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    MAX_FRAGMENT,
    plausible_record,
)
from ocsp_pcap.tls.state import ConnectionState

Memory: TypeAlias = memoryview | bytes
Stretch: TypeAlias = tuple[int, int, int, Memory, int, int]
"""Payload of one segment: 1 from the client, 0 from the server; frame, time, what holds it, where it begins
in there, its length."""

_HELLOS: Final = (ClientHello, ServerHello)
_HEADER: Final = Struct(">BBBH").unpack_from
_MESSAGE: Final = Struct(">I").unpack_from


class _Side(Direction):
    """A direction, and what of it waits."""

    __slots__ = ("begun", "last_frame", "need", "passing", "size", "started")

    def __init__(self, from_client: bool) -> None:
        super().__init__(from_client)
        self.started = False
        self.last_frame = 0
        """That of the last segment that was looked at."""
        self.begun = b""
        """The beginning of a record, and how many bytes are needed to go on."""
        self.need = 5
        self.passing = 0
        """Bytes of application data still to be stepped over, and how many there are in that record."""
        self.size = 0


class Walked(NamedTuple):
    """A connection that was gone through."""

    events: list[TlsEvent]
    last_frames: tuple[int, int]
    """The last frames of server and client that were looked at; what they sent later can tell nothing."""


class NotPlainError(Exception):
    """This connection is not plain enough to be walked. Raised before any of its events was returned."""


def walk(segments: Iterable[Stretch]) -> Walked | None:
    """Return the events of a connection that a ClientHello begins; None: more may yet follow that counts.

    Args:
        segments: both directions from their first byte on, in the order of the capture, with no byte missing
            or twice. Those after which no event can follow are not looked at.

    Raises NotPlainError.
    """
    server, client = sides = _Side(False), _Side(True)
    state = ConnectionState(client, server)
    events: list[TlsEvent] = []
    for sender, frame, time, memory, start, length in segments:
        side = sides[sender]
        if side.done:
            continue
        side.last_frame = frame
        if side.passing:
            if length < side.passing:
                side.passing -= length
                continue
            start += side.passing
            length -= side.passing
            side.passing = 0
            state.data(side, side.size, frame, time, events)
        if not side.done and length:
            data = side.begun + memory[start : start + length]
            if len(data) < side.need:
                side.begun = data
            else:
                _records(state, side, data, frame, time, events)
        if side.done and sides[1 - sender].done:
            return Walked(events, (server.last_frame, client.last_frame))
    return None


def _records(
    state: ConnectionState[_Side], side: _Side, data: bytes, frame: int, time: int, events: list[TlsEvent]
) -> None:
    """Take the records that are whole, and step over application data."""
    if not side.started:
        if not plausible_record(data):
            raise NotPlainError
        side.started = True
    position, size = 0, len(data)
    side.need = 5
    while size - position >= 5:
        kind, major, minor, length = _HEADER(data, position)
        if major != 3 or minor > 4 or length > MAX_FRAGMENT:
            raise NotPlainError
        begin, position = position + 5, position + 5 + length
        if position > size:
            if kind == APPLICATION_DATA:
                side.passing, side.size = position - size, length
            else:
                position = begin - 5
                side.need = 5 + length
            break
        if kind == APPLICATION_DATA:
            state.data(side, length, frame, time, events)
        elif kind == HANDSHAKE:
            if not side.protected:
                _messages(state, side, data, begin, position, frame, time, events)
            elif state.server_hello is None:
                # Perhaps the second ClientHello of TLS 1.3 (RFC 8446 D.4).
                raise NotPlainError
            else:
                state.protected_handshake(side, frame, time, events)
        elif kind == CHANGE_CIPHER_SPEC:
            state.change_cipher_spec(side, frame, time, events)
        elif kind == ALERT:
            state.alert(side, data[begin:position], frame, time, events)
        else:
            raise NotPlainError
        if side.done:
            return
    side.begun = data[position:] if position < size else b""


def _messages(
    state: ConnectionState[_Side],
    side: _Side,
    data: bytes,
    position: int,
    end: int,
    frame: int,
    time: int,
    events: list[TlsEvent],
) -> None:
    """Take the handshake messages of a record in plain text, which has to hold them whole."""
    from_client = side.from_client
    if not state.hello_seen and not (from_client and data[position] == CLIENT_HELLO):
        raise NotPlainError
    while end - position >= 4:
        (header,) = _MESSAGE(data, position)
        kind, length = header >> 24, header & 0xFFFFFF
        begin, position = position + 4, position + 4 + length
        if position > end or kind not in KNOWN_TYPES or length > BOUNDS.handshake_message:
            raise NotPlainError
        if kind in TELLING_TYPES:
            if kind == COMPRESSED_CERTIFICATE:
                raise NotPlainError
            if kind == CLIENT_KEY_EXCHANGE and not from_client and state.server_hello is None:
                raise NotPlainError
            if read_message(kind, data[begin:position], frame, time, events, from_client) is not None:
                raise NotPlainError
            last = events[-1]
            if isinstance(last, _HELLOS):
                state.note(last)
    if position != end:
        raise NotPlainError
