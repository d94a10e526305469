"""The handshake protocol of one direction: bytes of the handshake layer to events.

The bytes come from TLS records or from QUIC CRYPTO frames; this module knows nothing of either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.tls.events import (
    ClientHello,
    ClientKeyExchange,
    Damage,
    Finished,
    ServerHello,
    ServerHelloDone,
    TlsEvent,
)
from ocsp_pcap.tls.messages import (
    MORE_THAN,
    has_tls13_form,
    read_certificate,
    read_certificate_status,
    read_client_hello,
    read_compressed_certificate,
    read_encrypted_extensions,
    read_server_hello,
)

HELLO_REQUEST: Final = 0
CLIENT_HELLO: Final = 1
SERVER_HELLO: Final = 2
ENCRYPTED_EXTENSIONS: Final = 8
CERTIFICATE: Final = 11
SERVER_HELLO_DONE: Final = 14
CLIENT_KEY_EXCHANGE: Final = 16
FINISHED: Final = 20
CERTIFICATE_STATUS: Final = 22
COMPRESSED_CERTIFICATE: Final = 25

KNOWN_TYPES: Final = frozenset(
    (0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 20, 21, 22, 23, 24, 25, 26, 67, 203, 254)
)
"""HandshakeType values of the IANA registry, its reserved ones and next_protocol (67, NPN) and
encrypted_extensions (203, Channel ID)."""

_SIZES: Final = {
    HELLO_REQUEST: (0, 0),
    CLIENT_HELLO: (38, 131_396),
    SERVER_HELLO: (36, 65_607),
    SERVER_HELLO_DONE: (0, 0),
    FINISHED: (12, 64),
}
"""Smallest and largest body of messages whose length says whether they can be one.

Of hellos the largest is what their vectors hold in all (RFC 8446 4.1.2, 4.1.3).
"""


def plausible_message(data: bytes | bytearray, position: int = 0) -> bool:
    """Tell whether 4 bytes can be the header of a handshake message in plain text."""
    kind = data[position]
    if kind not in KNOWN_TYPES:
        return False
    low, high = _SIZES.get(kind, (0, BOUNDS.handshake_message))
    return low <= (data[position + 1] << 16 | data[position + 2] << 8 | data[position + 3]) <= high


class HandshakeParser:
    """Splits the handshake bytes of one direction into messages and reads those that matter.

    ``from_client`` and ``encrypted`` (the bytes were decrypted: it marks the events) may be changed
    between calls. ``on_message`` is called with (from_client, type, whole message with its header) for every
    message before its events are returned. Holds one message, within the bound.
    """

    __slots__ = (
        "_buffer",
        "_dead",
        "_need",
        "_skip",
        "encrypted",
        "from_client",
        "on_message",
        "unsynchronised",
    )

    def __init__(
        self,
        from_client: bool,
        *,
        encrypted: bool = False,
        on_message: Callable[[bool, int, bytes], None] | None = None,
    ) -> None:
        self.from_client = from_client
        self.encrypted = encrypted
        self.on_message = on_message
        self.unsynchronised = False
        """Bytes were lost and message boundaries with them: see :meth:`resume`."""
        self._buffer: bytes | bytearray = b""
        self._need = 4
        self._skip = 0
        self._dead = False

    @property
    def idle(self) -> bool:
        """No message is pending: the next byte starts one."""
        return not self._buffer and not self._skip

    @property
    def held(self) -> int:
        """Bytes that wait for the rest of their message."""
        return len(self._buffer)

    @property
    def pending(self) -> int:
        """Bytes that the message begun still lacks (RFC 8446 4), as far as its header is there."""
        return self._skip or (self._need - len(self._buffer) if self._buffer else 0)

    def receive(self, data: bytes, frame: int, time: int) -> list[TlsEvent]:
        """Take the next bytes, which packet ``frame`` completed; return the events of whole messages."""
        events: list[TlsEvent] = []
        if self._dead or self.unsynchronised:
            return events
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        held = self._buffer
        if held:
            if not isinstance(held, bytearray):
                self._buffer = held = bytearray(held)
            held += data
            if len(held) < self._need:
                return events
            data = bytes(held)
        position = 0
        size = len(data)
        while size - position >= 4:
            kind = data[position]
            length = data[position + 1] << 16 | data[position + 2] << 8 | data[position + 3]
            end = position + 4 + length
            if length > BOUNDS.handshake_message or (not self.encrypted and kind not in KNOWN_TYPES):
                self._dead = True
                self._buffer = b""
                bound = None
                if kind in KNOWN_TYPES:
                    bound = "handshake_message"
                    reached(bound)
                    reason = f"handshake message of {length} bytes, more than {BOUNDS.handshake_message}"
                else:
                    reason = f"unknown handshake message type {kind}"
                events.append(Damage(frame, time, self.from_client, reason, bound=bound))
                return events
            if end > size:
                self._need = end - position
                break
            if self.on_message is not None:
                self.on_message(self.from_client, kind, data[position:end])
            self._message(kind, data[position + 4 : end], frame, time, events)
            position = end
        else:
            self._need = 4
        self._buffer = data[position:] if position < size else b""
        return events

    def lost(self, length: int | None, frame: int, time: int) -> list[TlsEvent]:
        """Note that the next ``length`` handshake bytes are missing (None: an unknown number).

        Returns what can be read of the message begun. Where the hole ends inside that message the
        next one is found by its length, else the parser is ``unsynchronised``.
        """
        pending = self.pending
        known = self._skip > 0 or len(self._buffer) >= 4
        events = self.salvage(frame, time) if self._buffer else []
        if known and length is not None and length <= pending:
            self._skip = pending - length
        else:
            self._skip = 0
            self.unsynchronised = True
        return events

    def resume(self) -> None:
        """Expect a message header next, after a loss."""
        self.unsynchronised = False
        self._skip = 0
        self._buffer = b""
        self._need = 4
        self._dead = False

    def salvage(self, frame: int, time: int) -> list[TlsEvent]:
        """Drop the message begun and return what is readable of it: hellos and certificates."""
        held = bytes(self._buffer)
        self._buffer = b""
        self._need = 4
        events: list[TlsEvent] = []
        if not held:
            return events
        if len(held) > 4 and held[0] in (CLIENT_HELLO, SERVER_HELLO, CERTIFICATE):
            self._message(held[0], held[4:], frame, time, events)
            if events and isinstance(events[0], ClientHello | ServerHello):
                events[0] = events[0]._replace(complete=False)
            if len(events) == 1 and not isinstance(events[0], Damage):
                # Cut exactly at a boundary inside the message: readable, but not all of it.
                events.append(
                    Damage(frame, time, self.from_client, "the capture holds a message only in part")
                )
        else:
            events.append(Damage(frame, time, self.from_client, "the capture holds a message only in part"))
        return events

    def _message(self, kind: int, body: bytes, frame: int, time: int, events: list[TlsEvent]) -> None:
        """Append the events of one message."""
        fault = read_message(kind, body, frame, time, events, self.from_client, self.encrypted)
        if fault is not None:
            bound = "certificates" if fault.startswith(MORE_THAN) else None
            if bound is not None:
                reached(bound)
            events.append(Damage(frame, time, self.from_client, fault, bound=bound))


def read_message(
    kind: int,
    body: bytes,
    frame: int,
    time: int,
    events: list[TlsEvent],
    from_client: bool,
    encrypted: bool = False,
) -> str | None:
    """Append the event of one message, if it has one; return the fault that stopped reading it."""
    event: TlsEvent | None = None
    fault: str | None = None
    if kind == CERTIFICATE:
        form = has_tls13_form(body)
        tls13 = encrypted if form is None else form
        event, fault = read_certificate(body, frame, time, from_client, encrypted, tls13)
    elif kind == CLIENT_HELLO:
        event, fault = read_client_hello(body, frame, time)
    elif kind == SERVER_HELLO:
        event, fault = read_server_hello(body, frame, time)
    elif kind == SERVER_HELLO_DONE:
        event = ServerHelloDone(frame, time)
    elif kind == CLIENT_KEY_EXCHANGE:
        event = ClientKeyExchange(frame, time)
    elif kind == FINISHED:
        event = Finished(frame, time, from_client, False)
    elif kind == CERTIFICATE_STATUS:
        event, fault = read_certificate_status(body, frame, time, encrypted)
    elif kind == COMPRESSED_CERTIFICATE:
        event, fault = read_compressed_certificate(body, frame, time, from_client, encrypted)
    elif kind == ENCRYPTED_EXTENSIONS and not from_client:
        # A client's own (application settings, an extension of browsers) holds nothing of interest.
        event, fault = read_encrypted_extensions(body, frame, time)
    if event is not None:
        events.append(event)
    return fault
