"""One TLS connection: the bytes of its two directions to handshake events.

Without keys a direction is of interest until the handshake is over in it. Up to TLS 1.2 that is
after ChangeCipherSpec, the encrypted Finished and the first record that follows; whatever comes
later (renegotiation too) travels encrypted. For TLS 1.3 see :mod:`ocsp_pcap.tls.opaque`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ocsp_pcap.tls.direction import Direction
from ocsp_pcap.tls.events import (
    Alert,
    ApplicationData,
    Certificate,
    ChangeCipherSpec,
    ClientKeyExchange,
    Damage,
    Decrypted,
    Finished,
    TlsEvent,
)
from ocsp_pcap.tls.handshake import HandshakeParser, plausible_message
from ocsp_pcap.tls.messages import is_tls13
from ocsp_pcap.tls.records import (
    ALERT,
    APPLICATION_DATA,
    BOUNDARY_LOST,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    SSLV2_HELLO,
    Record,
    RecordReader,
    RecordsState,
)
from ocsp_pcap.tls.sslv2 import read_hello
from ocsp_pcap.tls.state import ConnectionState

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from ocsp_pcap.tls.decryption import Decryption
    from ocsp_pcap.tls.keys import KeyLog

_SENT_BY_CLIENT: Final = frozenset((1, 16))
_SENT_BY_SERVER: Final = frozenset((2, 12, 14, 22))


def _begins_with_client(found: Sequence[TlsEvent]) -> bool:
    """Tell whether only a client sends one of these messages."""
    return any(isinstance(event, ClientKeyExchange) for event in found)


def _by_client(event: TlsEvent) -> TlsEvent:
    return event._replace(from_client=True) if isinstance(event, Certificate) else event


class ParsedDirection(Direction):
    """One direction with its parsers."""

    __slots__ = ("frame", "parser", "reader", "time")

    def __init__(self, from_client: bool) -> None:
        super().__init__(from_client)
        self.reader = RecordReader()
        self.parser = HandshakeParser(from_client)
        self.frame = 0
        self.time = 0
        """Frame and time of the last bytes."""


class TlsConnection(ConnectionState[ParsedDirection]):
    """Both directions of one TLS connection, of which either may be missing or start in mid-stream.

    With ``keys`` or ``rsa_keys`` that fit, protected records are decrypted: handshake messages in
    them give their events, and application data is reported in order as it comes. ``keys`` may
    gain secrets meanwhile.
    """

    __slots__ = ("_decrypted_reported", "_decryption", "swapped")

    def __init__(self, keys: KeyLog | None = None, rsa_keys: Sequence[RSAPrivateKey] = ()) -> None:
        super().__init__(ParsedDirection(True), ParsedDirection(False))
        self._decryption: Decryption | None = None
        self._decrypted_reported = False
        self.swapped = False
        """The side that the caller named the client is the server; events name the sides rightly."""
        if keys is not None or rsa_keys:
            self._use_keys(keys, rsa_keys)

    @property
    def held(self) -> int:
        """Bytes of both directions that wait for the rest of a record or message."""
        client, server = self.client, self.server
        return client.reader.held + client.parser.held + server.reader.held + server.parser.held

    def receive(
        self, from_client: bool, data: bytes, frame: int, time: int, *, segment_start: bool = False
    ) -> list[TlsEvent]:
        """Take the next bytes of one direction and return the events that they complete.

        ``frame`` and ``time`` are those of the packet that brought them. The event of a message
        bears those of the packet that completed its record, as Wireshark shows it.
        ``segment_start`` says that the bytes begin where a TCP segment began: after a loss, records
        are looked for there.
        """
        direction = self.client if from_client is not self.swapped else self.server
        events: list[TlsEvent] = []
        if direction.done or not data:
            return events
        for record in direction.reader.receive(data, segment_start):
            self._record(direction, record, frame, time, events)
            if direction.done:
                break
        direction.frame = frame
        direction.time = time
        return events

    def gap(self, from_client: bool, length: int, frame: int, time: int) -> list[TlsEvent]:
        """Note that ``length`` bytes of one direction are missing; ``frame`` is the first after them."""
        direction = self.client if from_client is not self.swapped else self.server
        events: list[TlsEvent] = []
        if direction.done:
            return events
        part, inside = direction.reader.gap(length)
        if part is not None and part.fragment:
            self._part(direction, part, events)
        events.append(
            Damage(frame, time, direction.from_client, "bytes are missing from the capture", length)
        )
        self._lost(direction, inside, direction.frame, direction.time, events)
        return events

    def finish(self, from_client: bool) -> list[TlsEvent]:
        """Note the end of one direction; returns what can be read of a record cut short there."""
        direction = self.client if from_client is not self.swapped else self.server
        events: list[TlsEvent] = []
        if direction.done:
            return events
        part = direction.reader.flush()
        direction.done = True
        if part is not None:
            self._part(direction, part, events)
        self.take(direction.parser.salvage(direction.frame, direction.time), events)
        return events

    def wants(self, from_client: bool) -> bool:
        """Tell whether further bytes of this direction can yield an event.

        Without keys it is True until the first application data, or an alert under protection, was
        seen in this direction: nothing that comes later can be read. With keys that fit it stays True.
        """
        direction = self.client if from_client is not self.swapped else self.server
        return not direction.done and direction.reader.state is not RecordsState.DEAD

    def _use_keys(self, keys: KeyLog | None, rsa_keys: Sequence[RSAPrivateKey]) -> None:
        from ocsp_pcap.tls.decryption import Decryption

        decryption = self._decryption = Decryption(keys, rsa_keys)
        for direction in (self.client, self.server):
            direction.parser.on_message = decryption.message

    def _record(
        self, direction: ParsedDirection, record: Record, frame: int, time: int, events: list[TlsEvent]
    ) -> None:
        kind, _, fragment, whole = record
        if not whole:
            if kind == HANDSHAKE and not direction.protected:
                self.take(direction.parser.receive(fragment, frame, time), events)
            elif kind == BOUNDARY_LOST:
                events.append(Damage(frame, time, direction.from_client, fragment.decode()))
                self._lost(direction, None, frame, time, events)
        elif self._decryption is not None and self._decrypt(
            self._decryption, direction, record, frame, time, events
        ):
            return
        elif kind == HANDSHAKE:
            self._handshake(direction, fragment, frame, time, events)
        elif kind == APPLICATION_DATA:
            self.data(direction, len(fragment), frame, time, events)
        elif kind == CHANGE_CIPHER_SPEC:
            self.change_cipher_spec(direction, frame, time, events)
        elif kind == ALERT:
            self.alert(direction, fragment, frame, time, events)
        elif kind == SSLV2_HELLO:
            self.take(read_hello(fragment, frame, time), events)

    def _handshake(
        self, direction: ParsedDirection, fragment: bytes, frame: int, time: int, events: list[TlsEvent]
    ) -> None:
        if direction.protected:
            if (
                self.server_hello is not None
                or len(fragment) < 4
                or fragment[0] != 1
                or not plausible_message(fragment)
            ):
                self.protected_handshake(direction, frame, time, events)
                return
            # The second ClientHello of TLS 1.3 comes after a dummy ChangeCipherSpec (RFC 8446 D.4).
            direction.protected = False
        parser = direction.parser
        if parser.unsynchronised or (direction.damaged and parser.idle):
            plausible = len(fragment) < 4 or plausible_message(fragment)
            if parser.unsynchronised:
                if not plausible:
                    return
                parser.resume()
            elif not plausible:
                self._missed_change_cipher_spec(direction)
                self.protected_handshake(direction, frame, time, events)
                return
        if not self.hello_seen and fragment and parser.idle:
            if fragment[0] in (_SENT_BY_SERVER if direction.from_client else _SENT_BY_CLIENT):
                self._swap()
            self.hello_seen = True
        found = parser.receive(fragment, frame, time)
        if not direction.from_client and self.server_hello is None and _begins_with_client(found):
            # Seen from the middle, and what looked like the server's certificate is the client's.
            self._swap()
            events[:] = map(_by_client, events)
            found = list(map(_by_client, found))
        self.take(found, events)

    def change_cipher_spec(
        self, direction: ParsedDirection, frame: int, time: int, events: list[TlsEvent]
    ) -> None:
        """Take ChangeCipherSpec: the keys that come next are in use from here on."""
        before = direction.protected
        super().change_cipher_spec(direction, frame, time, events)
        if self._decryption is not None and direction.protected and not before:
            self._decryption.change_cipher_spec(direction.from_client)

    def mute(self, direction: ParsedDirection) -> None:
        """End a direction in which no later byte can yield an event, unless keys may yet open it."""
        direction.done = self._decryption is None or not self._decryption.hopeful(direction.from_client)

    def _decrypt(
        self,
        decryption: Decryption,
        direction: ParsedDirection,
        record: Record,
        frame: int,
        time: int,
        events: list[TlsEvent],
    ) -> bool:
        """Read a protected record with keys; False where it is to be judged without."""
        kind, version, fragment, _ = record
        from_client = direction.from_client
        if kind == SSLV2_HELLO:
            return False
        if not direction.protected:
            if kind != APPLICATION_DATA:
                return False
            if self._legacy_seen():
                if not direction.damaged:
                    return False
                self._missed_change_cipher_spec(direction)
        opened_before = decryption.has_opened(from_client)
        opened = decryption.open(from_client, kind, version, fragment)
        parser = direction.parser
        if opened is not None:
            if not opened_before:
                parser.encrypted = True
                if not parser.idle:
                    parser.resume()
            if decryption.handshake_opened and not self._decrypted_reported:
                self._decrypted_reported = True
                events.append(Decrypted(frame, time))
            self._opened(decryption, direction, opened[0], opened[1], frame, time, events)
        elif opened_before:
            self.take(parser.lost(None, frame, time), events)
        if decryption.problem is not None:
            events.append(Damage(frame, time, from_client, decryption.problem))
            decryption.problem = None
        return opened is not None or opened_before

    def _missed_change_cipher_spec(self, direction: ParsedDirection) -> None:
        """Note that ChangeCipherSpec was among bytes that are missing."""
        direction.protected = True
        if self._decryption is not None:
            self._decryption.change_cipher_spec(direction.from_client)
            self._decryption.lost(direction.from_client)

    def _legacy_seen(self) -> bool:
        """Tell whether TLS 1.2 or an older version is in use."""
        return self.legacy or (self.server_hello is not None and not is_tls13(self.server_hello.version))

    def _opened(
        self,
        decryption: Decryption,
        direction: ParsedDirection,
        kind: int,
        content: bytes,
        frame: int,
        time: int,
        events: list[TlsEvent],
    ) -> None:
        """Report the content of a record that was decrypted."""
        from_client = direction.from_client
        if kind == APPLICATION_DATA:
            if content:
                direction.application_data = True
                events.append(ApplicationData(frame, time, from_client, content))
        elif kind == HANDSHAKE:
            parser = direction.parser
            if parser.unsynchronised:
                if len(content) < 4 or not plausible_message(content):
                    return
                parser.resume()
            found = parser.receive(content, frame, time)
            if not direction.finished and any(isinstance(event, Finished) for event in found):
                direction.finished = True
                direction.protected_records += 1
            self.take(found, events)
        elif kind == ALERT and len(content) == 2:
            events.append(Alert(frame, time, from_client, content[0], content[1]))
        elif kind == CHANGE_CIPHER_SPEC:
            events.append(ChangeCipherSpec(frame, time, from_client))
            decryption.change_cipher_spec(from_client)

    def _swap(self) -> None:
        self.swapped = not self.swapped
        self.client, self.server = self.server, self.client
        for direction, from_client in ((self.client, True), (self.server, False)):
            direction.from_client = direction.parser.from_client = from_client

    def _part(self, direction: ParsedDirection, part: Record, events: list[TlsEvent]) -> None:
        """Read the beginning of a record whose end is missing."""
        frame, time = direction.frame, direction.time
        protected = direction.protected or part.content_type == APPLICATION_DATA
        if protected and self._decryption is not None and self._decryption.hopeful(direction.from_client):
            return
        if part.content_type == APPLICATION_DATA:
            self.data(direction, len(part.fragment), frame, time, events)
        elif part.content_type == HANDSHAKE and direction.protected:
            self.protected_handshake(direction, frame, time, events)
        elif part.content_type == HANDSHAKE:
            parser = direction.parser
            begins = len(part.fragment) >= 4 and plausible_message(part.fragment)
            if not parser.unsynchronised and (begins or not parser.idle):
                self.take(parser.receive(part.fragment, frame, time), events)

    def _lost(
        self, direction: ParsedDirection, length: int | None, frame: int, time: int, events: list[TlsEvent]
    ) -> None:
        """Note missing bytes, ``length`` of them inside the record begun (None: boundaries are lost too)."""
        direction.damaged = True
        if self._decryption is not None:
            self._decryption.lost(direction.from_client)
        if not direction.protected:
            self.take(direction.parser.lost(length, frame, time), events)
