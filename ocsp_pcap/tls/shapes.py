"""What the order of records tells, worked out once for all connections that have the same.

Which events records give, and when nothing more can come, hangs on little: on who sent each, on its type, on
a few sizes (:data:`ocsp_pcap.tls.opaque.TELLING_SIZES`), and on what hellos say of version and suite. One
number holds that of a record or message: its symbol. The states of connections (:mod:`ocsp_pcap.tls.state`)
make a tree in which a symbol leads from one to the next; each is made when the first connection comes to it,
and the many that go the same way look it up.
"""

from __future__ import annotations

from typing import Final

from ocsp_pcap.tls.direction import Direction
from ocsp_pcap.tls.events import Certificate, CertificateStatus, ClientHello, ServerHello, TlsEvent
from ocsp_pcap.tls.handshake import (
    CERTIFICATE,
    CERTIFICATE_STATUS,
    CLIENT_HELLO,
    COMPRESSED_CERTIFICATE,
    ENCRYPTED_EXTENSIONS,
    KNOWN_TYPES,
    SERVER_HELLO,
    read_message,
)
from ocsp_pcap.tls.messages import is_tls13
from ocsp_pcap.tls.opaque import TELLING_SIZES
from ocsp_pcap.tls.records import ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE
from ocsp_pcap.tls.state import ConnectionState

MOST_SHAPES: Final = 4096
"""States that are kept. A connection goes through a dozen, and most of them through the same."""
LONGEST: Final = 80
"""Records and messages of one connection; those that are plain have some fifteen, or thirty in TLS 1.3."""

_MESSAGE: Final = 24
"""What is added to the type of a message, to tell it from those of records."""
_TYPE_BITS: Final = 9
_VALUE: Final = 1 + _TYPE_BITS
"""Where in a symbol the value stands: behind the side, 1 for the client, and the type."""
_TLS_1_3: Final = 0x0304

CHANGE: Final = CHANGE_CIPHER_SPEC << 1
"""Symbols, to which the side is to be added."""
PROTECTED: Final = HANDSHAKE << 1
"""A handshake record behind ChangeCipherSpec."""
OTHER_ALERT: Final = ALERT << 1
"""One that is not two bytes long."""
OTHER_DATA: Final = APPLICATION_DATA << 1
DATA: Final = {size: OTHER_DATA | size << _VALUE for size in TELLING_SIZES}
"""Application data of sizes that tell something, and :data:`OTHER_DATA` of all others."""
MESSAGES: Final = [_MESSAGE + kind << 1 for kind in range(256)]
"""Messages in plain text, by their type. Those of hellos are :func:`hello_symbol`'s."""


class NotPlainError(Exception):
    """This connection is not plain enough to be walked. Raised before any of its events was returned."""


def alert_symbol(level: int, description: int) -> int:
    """Return the symbol of an alert of two bytes."""
    return OTHER_ALERT | 1 + (level << 8 | description) << _VALUE


def hello_symbol(hello: ClientHello | ServerHello) -> int:
    """Return the symbol of a hello: all that a :class:`~ocsp_pcap.tls.state.ConnectionState` reads of it."""
    if isinstance(hello, ClientHello):
        offers = any(map(is_tls13, hello.supported_versions))
        return MESSAGES[CLIENT_HELLO] | (offers << 1 | hello.early_data) << _VALUE
    said = hello.hello_retry_request << 32 | hello.version << 16 | hello.cipher_suite
    return MESSAGES[SERVER_HELLO] | said << _VALUE


class Shape(dict[int, "Shape"]):
    """The state behind some symbols; by the next one, the state behind that one, too.

    Raises NotPlainError where the next one makes the connection one that is not plain.
    """

    __slots__ = ("_all", "_before", "_events", "_state", "_told", "depth", "done", "ends", "protected")

    def __init__(
        self,
        shapes: Shapes,
        state: ConnectionState[Direction],
        before: Shape | None = None,
        events: tuple[TlsEvent, ...] = (),
    ) -> None:
        super().__init__()
        self._all = shapes
        self._state = state
        self._before = before
        self._events = events
        """What the last symbol gave; of hellos, certificates and staples only that there are some."""
        self._told: list[tuple[int, TlsEvent]] | None = None
        self.depth: int = 0 if before is None else before.depth + 1
        """How many symbols led here."""
        server, client = state.server, state.client
        self.done = server.done | client.done << 1
        """Directions (bit 0: the server's, bit 1: the client's) in which nothing more can tell anything."""
        self.protected = server.protected | client.protected << 1
        """Directions whose handshake messages are protected."""
        self.ends: tuple[int, int] = (0, 0) if before is None else before.ends
        """How many symbols there were when the server's direction was done, and the client's."""
        if before is not None and self.done != before.done:
            changed = self.done ^ before.done
            self.ends = (
                self.depth if changed & 1 else before.ends[0],
                self.depth if changed & 2 else before.ends[1],
            )

    def __missing__(self, symbol: int) -> Shape:
        if self.depth == LONGEST:
            raise NotPlainError
        state, events = self._state.copied(), list[TlsEvent]()
        _take(state, symbol, events)
        shape = Shape(self._all, state, self, tuple(events))
        if self._all.has_room(self):
            self[symbol] = shape
        return shape

    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__

    def told(self) -> list[tuple[int, TlsEvent]]:
        """Return all events up to here, each with the number of its record or message, from 1 on."""
        if self._told is None:
            before = [] if self._before is None else self._before.told()
            self._told = before + [(self.depth, event) for event in self._events]
        return self._told


class Shapes:
    """The tree. Where it grows too large it is begun anew."""

    def __init__(self) -> None:
        self._keeping: list[Shape] = []
        """For each one that is kept, the one before it."""
        self.forgotten = 0
        """How many times it was begun anew."""
        self.first = self._begun()
        """The state of a connection before its first record."""

    def has_room(self, shape: Shape) -> bool:
        """Tell whether ``shape`` is to keep one that follows it."""
        if len(self._keeping) < MOST_SHAPES:
            self._keeping.append(shape)
            return True
        # Each knows the one before it, too: of such rings a collector alone would rid us, and it may be off.
        for each in self._keeping:
            each.clear()
        self._keeping.clear()
        self.forgotten += 1
        self.first = self._begun()
        return False

    def _begun(self) -> Shape:
        return Shape(self, ConnectionState(Direction(True), Direction(False)))


def _take(state: ConnectionState[Direction], symbol: int, events: list[TlsEvent]) -> None:
    """Have a state take what a symbol stands for."""
    side = state.client if symbol & 1 else state.server
    kind, value = symbol >> 1 & (1 << _TYPE_BITS) - 1, symbol >> _VALUE
    if state.server_hello is None and not _begins(state, side, kind, value):
        raise NotPlainError
    if kind >= _MESSAGE:
        _take_message(state, side.from_client, kind - _MESSAGE, value, events)
    elif kind == APPLICATION_DATA:
        state.data(side, value, 0, 0, events)
    elif kind == CHANGE_CIPHER_SPEC:
        state.change_cipher_spec(side, 0, 0, events)
    elif kind == ALERT:
        state.alert(side, (value - 1).to_bytes(2) if value else b"", 0, 0, events)
    else:
        state.protected_handshake(side, 0, 0, events)


def _begins(state: ConnectionState[Direction], side: Direction, kind: int, value: int) -> bool:
    """Tell whether this may come before ServerHello: one side says hello, the other may send an alert."""
    if not side.from_client:
        return state.hello_seen and (kind == _MESSAGE + SERVER_HELLO or (kind == ALERT and value > 0))
    if not state.hello_seen:
        return kind == _MESSAGE + CLIENT_HELLO
    # A handshake record behind ChangeCipherSpec may be the second ClientHello of TLS 1.3 (RFC 8446 D.4);
    # behind a ServerHello of the client's the server could begin with anything.
    return kind not in (HANDSHAKE, _MESSAGE + SERVER_HELLO)


def _take_message(
    state: ConnectionState[Direction], from_client: bool, kind: int, value: int, events: list[TlsEvent]
) -> None:
    if kind not in KNOWN_TYPES or kind in (COMPRESSED_CERTIFICATE, ENCRYPTED_EXTENSIONS):
        raise NotPlainError
    event: ClientHello | ServerHello | Certificate | CertificateStatus
    if kind == CLIENT_HELLO:
        versions = (_TLS_1_3,) if value >> 1 else ()
        event = ClientHello(0, 0, b"", b"", 0, versions, (), None, (), False, None, 0, bool(value & 1), False)
        state.note(event)
    elif kind == SERVER_HELLO:
        version, suite, retry = value >> 16 & 0xFFFF, value & 0xFFFF, bool(value >> 32)
        event = ServerHello(0, 0, b"", b"", version, suite, None, False, False, retry)
        state.note(event)
    elif kind == CERTIFICATE:
        event = Certificate(0, 0, from_client, (), (), False)
    elif kind == CERTIFICATE_STATUS:
        event = CertificateStatus(0, 0, (), False)
    else:
        read_message(kind, b"", 0, 0, events, from_client)
        return
    events.append(event)
