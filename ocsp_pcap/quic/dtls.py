"""DTLS: the datagrams of one UDP flow to the same handshake events as TLS (RFC 6347, RFC 9147).

Up to DTLS 1.2 the handshake is readable up to ChangeCipherSpec; of DTLS 1.3 the hellos are. Events
bear versions as they are on the wire: 0xfeff is DTLS 1.0, 0xfefd DTLS 1.2, 0xfefc DTLS 1.3.
"""

from __future__ import annotations

from typing import Final

from ocsp_pcap.quic.crypto_stream import CryptoStream
from ocsp_pcap.quic.dtls_records import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    Fragment,
    Record,
    read_fragments,
    split_records,
)
from ocsp_pcap.tls.events import (
    Alert,
    ApplicationData,
    ChangeCipherSpec,
    ClientHello,
    Damage,
    EncryptedHandshake,
    Finished,
    ServerHello,
    TlsEvent,
)
from ocsp_pcap.tls.handshake import (
    CERTIFICATE,
    CERTIFICATE_STATUS,
    CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    HandshakeParser,
)

MAXIMUM_DATAGRAMS: Final = 512
"""Datagrams of one flow since the last event before nothing more is expected of it."""
MAXIMUM_MESSAGES: Final = 16
"""Messages of one direction kept while fragments are missing."""
MAXIMUM_HELD: Final = 1 << 18
"""Bytes of one direction kept while fragments are missing."""

_HELLO_VERIFY_REQUEST: Final = 3
_SERVER_KEY_EXCHANGE: Final = 12
_CERTIFICATE_REQUEST: Final = 13
_READ: Final = frozenset(
    (CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, SERVER_HELLO_DONE, CLIENT_KEY_EXCHANGE, CERTIFICATE_STATUS)
)
_SENDER: Final = {
    CLIENT_HELLO: True,
    CLIENT_KEY_EXCHANGE: True,
    SERVER_HELLO: False,
    _HELLO_VERIFY_REQUEST: False,
    _SERVER_KEY_EXCHANGE: False,
    _CERTIFICATE_REQUEST: False,
    SERVER_HELLO_DONE: False,
    CERTIFICATE_STATUS: False,
}
"""Who alone sends a handshake message (True: the client)."""
_ENDS: Final = frozenset((Finished, ApplicationData))
_DTLS_1_3: Final = 0xFEFC
_HANDSHAKE_EPOCH: Final = 2
"""Epoch of DTLS 1.3 handshake messages under protection (RFC 9147 6.1)."""


class _Message:
    """One handshake message while its fragments come (RFC 6347 4.2.3)."""

    __slots__ = ("body", "frame", "kind", "length", "stream", "time")

    def __init__(self, kind: int, length: int) -> None:
        self.kind = kind
        self.length = length
        self.stream = CryptoStream()
        self.body = bytearray()
        self.frame = 0
        self.time = 0


class _Direction:
    """What is known of one direction."""

    __slots__ = ("change_cipher_spec", "done", "held", "messages", "parser", "reported")

    def __init__(self, from_client: bool) -> None:
        self.parser = HandshakeParser(from_client)
        self.messages: dict[int, _Message] = {}
        self.held = 0
        self.done: set[int] = set()
        """message_seq values of the messages that were read."""
        self.change_cipher_spec = False
        self.reported: set[type] = set()
        """Events that are reported once; Fragment where any handshake message was whole."""


class DtlsConnection:
    """What one UDP flow carries of DTLS; packets of other protocols on it (STUN, SRTP) are passed over.

    A ClientHello that repeats one with the cookie of a HelloVerifyRequest, or as a retransmission,
    is not reported again.
    """

    __slots__ = (
        "_client",
        "_datagrams",
        "_hello",
        "_over",
        "_protected13",
        "_proven",
        "_retry",
        "_server",
        "swapped",
    )

    def __init__(self) -> None:
        self._client = _Direction(True)
        self._server = _Direction(False)
        self._datagrams = 0
        self._hello: bytes | None = None
        self._proven = False
        self._protected13 = False
        self._retry = False
        self._over = False
        self.swapped = False
        """A handshake message shows that the caller's client is the server: events tell it right."""

    @property
    def finished(self) -> bool:
        """The handshake is over or was given up, or a bound is reached.

        Datagrams may be dropped from then on, except that one that begins with a handshake record of
        epoch 0 may begin another handshake.
        """
        if self._over or self._datagrams >= MAXIMUM_DATAGRAMS:
            return True
        client, server = self._client.reported, self._server.reported
        if client & _ENDS and server & _ENDS:
            return True
        one_sided = not client or not server
        return ApplicationData in client | server and (one_sided or self._protected13)

    def wants(self, from_client: bool | None) -> bool:
        """Tell whether further datagrams of this direction can yield an event."""
        return not self.finished

    def receive(self, from_client: bool | None, datagram: bytes, frame: int, time: int) -> list[TlsEvent]:
        """Take one UDP payload and return the events that it completes.

        ``from_client`` is what the caller thinks of the sender, None where it knows nothing; messages
        that only one side sends correct it.
        """
        events: list[TlsEvent] = []
        self._datagrams += 1
        records = list(split_records(datagram))
        fragments = [_plain_fragments(record) for record in records]
        sender = self._sender(from_client, [one for several in fragments for one in several])
        for record, several in zip(records, fragments, strict=True):
            for fragment in several:
                self._handshake(sender is True, fragment, frame, time, events)
            if sender is not None and not several and (record.content_type is not None or self._protected13):
                self._record(sender, record, frame, time, events)
        if events:
            self._datagrams = 0
        return events

    def close(self) -> list[TlsEvent]:
        """Note the end of the flow; return what can be read of messages that it broke off."""
        events: list[TlsEvent] = []
        for from_client, direction in ((True, self._client), (False, self._server)):
            for message in direction.messages.values():
                missing = message.length - len(message.body)
                events.append(
                    Damage(
                        message.frame,
                        message.time,
                        from_client,
                        "fragments are missing from the capture",
                        missing,
                    )
                )
                if message.kind in _READ:
                    parser = direction.parser
                    data = _as_tls(message.kind, message.length, bytes(message.body))
                    parser.receive(data, message.frame, message.time)
                    events += parser.salvage(message.frame, message.time)
            direction.messages.clear()
            direction.held = 0
        self._over = True
        return events

    def _sender(self, hint: bool | None, fragments: list[Fragment]) -> bool | None:
        """Return who sent a datagram: who alone sends such messages, else as the caller thinks."""
        sender = None if hint is None else hint is not self.swapped
        for fragment in fragments:
            proven = _SENDER.get(fragment.kind)
            if proven is not None:
                if hint is not None and proven is not sender and not self._proven:
                    self.swapped = not self.swapped
                self._proven = True
                return proven
        return self._guess(fragments[0]) if sender is None and fragments else sender

    def _handshake(
        self, sender: bool, fragment: Fragment, frame: int, time: int, events: list[TlsEvent]
    ) -> None:
        """Take a fragment in plain text."""
        if fragment.kind == CLIENT_HELLO and fragment.offset == 0 and len(fragment.data) >= 34:
            self._begin(fragment.data[2:34])
        direction = self._client if sender else self._server
        if fragment.sequence in direction.done:
            return
        message = direction.messages.get(fragment.sequence)
        if message is None:
            if len(direction.messages) >= MAXIMUM_MESSAGES:
                self._overflow(direction, sender, frame, time, events)
                return
            message = direction.messages[fragment.sequence] = _Message(fragment.kind, fragment.length)
        elif message.kind != fragment.kind or message.length != fragment.length:
            return
        if direction.held + len(fragment.data) > MAXIMUM_HELD:
            self._overflow(direction, sender, frame, time, events)
            return
        data = message.stream.receive(fragment.offset, fragment.data)
        message.body += data
        message.frame, message.time = frame, time
        direction.held += len(fragment.data)
        if len(message.body) >= message.length:
            self._complete(direction, fragment.sequence, events)

    def _guess(self, fragment: Fragment) -> bool:
        """Return who sent a message that both sides may send: the server's come first."""
        if fragment.sequence in self._server.messages:
            return False
        return any(sequence > fragment.sequence for sequence in self._server.done)

    def _begin(self, random: bytes) -> None:
        """Forget an earlier handshake of this flow where a ClientHello begins another."""
        if self._hello is not None and self._hello != random:
            self._client = _Direction(True)
            self._server = _Direction(False)
            self._retry = self._over = False
            self._hello = None

    def _complete(self, direction: _Direction, sequence: int, events: list[TlsEvent]) -> None:
        message = direction.messages.pop(sequence)
        direction.held = max(0, direction.held - message.length) if direction.messages else 0
        direction.done.add(sequence)
        direction.reported.add(Fragment)
        if message.kind not in _READ:
            return
        data = _as_tls(message.kind, message.length, bytes(message.body))
        for event in direction.parser.receive(data, message.frame, message.time):
            if isinstance(event, ClientHello):
                if event.random == self._hello and not self._retry:
                    continue
                self._hello = event.random
                self._retry = False
                self._protected13 = _DTLS_1_3 in event.supported_versions
            elif isinstance(event, ServerHello):
                self._retry = event.hello_retry_request
                self._protected13 = event.version == _DTLS_1_3
            events.append(event)

    def _overflow(
        self, direction: _Direction, from_client: bool, frame: int, time: int, events: list[TlsEvent]
    ) -> None:
        if Damage not in direction.reported:
            direction.reported.add(Damage)
            events.append(Damage(frame, time, from_client, "too many handshake fragments out of order"))

    def _record(
        self, from_client: bool, record: Record, frame: int, time: int, events: list[TlsEvent]
    ) -> None:
        """Take a record that is no handshake message in plain text."""
        direction = self._client if from_client else self._server
        kind: type[TlsEvent]
        event: TlsEvent
        if record.content_type == CHANGE_CIPHER_SPEC:
            direction.change_cipher_spec = True
            kind, event = ChangeCipherSpec, ChangeCipherSpec(frame, time, from_client)
        elif record.content_type == HANDSHAKE and record.epoch == 0:
            return
        elif record.content_type == HANDSHAKE and direction.change_cipher_spec:
            kind, event = Finished, Finished(frame, time, from_client, encrypted=True)
        elif record.content_type == HANDSHAKE or (
            record.content_type is None and record.epoch == _HANDSHAKE_EPOCH
        ):
            kind, event = EncryptedHandshake, EncryptedHandshake(frame, time, from_client)
        elif record.content_type == ALERT:
            readable = record.epoch == 0 and len(record.data) == 2
            level, description = record.data if readable else (None, None)
            kind, event = Alert, Alert(frame, time, from_client, level, description)
            self._over = self._over or not readable
        elif record.content_type == APPLICATION_DATA or record.content_type is None:
            kind, event = ApplicationData, ApplicationData(frame, time, from_client, b"")
        else:
            return
        if kind not in direction.reported:
            direction.reported.add(kind)
            events.append(event)


def _plain_fragments(record: Record) -> list[Fragment]:
    if record.content_type != HANDSHAKE or record.epoch:
        return []
    return list(read_fragments(record.data))


def _as_tls(kind: int, length: int, body: bytes) -> bytes:
    """Return a message, or its beginning, in the form of TLS: short header, no cookie (RFC 6347 4.2)."""
    if kind == CLIENT_HELLO and len(body) > 35:
        cookie_at = 35 + body[34]
        if cookie_at < len(body):
            rest_at = cookie_at + 1 + body[cookie_at]
            length = max(0, length - (rest_at - cookie_at))
            body = (body[:cookie_at] + body[rest_at:])[:length]
    return bytes((kind,)) + length.to_bytes(3) + body
