"""One TLS connection: the bytes of its two directions to handshake events.

Without keys a direction is of interest until the handshake is over in it. Up to TLS 1.2 that is
after ChangeCipherSpec, the encrypted Finished and the first record that follows; whatever comes
later (renegotiation too) travels encrypted. In TLS 1.3 flights, tickets and application data look
alike, so what counts as application data is a judgement:

- what a client that offers early data sends before ServerHello is application data (0-RTT);
- a protected record of exactly the size of an alert, before application data, is an Alert;
- a client's protected record of exactly the size of a Finished message, among its first few, is its
  Finished; the record after it, or after the server went on sending, or the fifth in any case, is
  application data;
- a server's records count as application data once the client's do and the client had finished
  before them (tickets come earlier), or when there are more than a first flight can have.
"""

from __future__ import annotations

from typing import Final

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
from ocsp_pcap.tls.handshake import HandshakeParser, plausible_message
from ocsp_pcap.tls.messages import is_tls13
from ocsp_pcap.tls.records import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    SSLV2_HELLO,
    Record,
    RecordReader,
    State,
)
from ocsp_pcap.tls.sslv2 import read_hello

_CLIENT_FLIGHT: Final = 4
"""Most records of a TLS 1.3 client's second flight: EndOfEarlyData, certificate messages, Finished."""
_SERVER_FLIGHT: Final = 24
"""More protected records than a TLS 1.3 server's first flight and its tickets have in practice."""

_SENT_BY_CLIENT: Final = frozenset((1, 16))
_SENT_BY_SERVER: Final = frozenset((2, 12, 14, 22))
_AES_CCM_8: Final = 0x1305
_SHA384_SUITES: Final = frozenset((0x1302, 0x00C6))


class _Direction:
    """What is known of one direction."""

    __slots__ = (
        "application_data",
        "change_cipher_spec",
        "damaged",
        "done",
        "finished",
        "frame",
        "from_client",
        "parser",
        "protected",
        "protected_records",
        "reader",
        "time",
    )

    def __init__(self, from_client: bool) -> None:
        self.from_client = from_client
        self.reader = RecordReader()
        self.parser = HandshakeParser(from_client)
        self.change_cipher_spec = False
        self.protected = False
        self.protected_records = 0
        self.finished = False
        self.application_data = False
        self.damaged = False
        self.done = False
        self.frame = 0
        self.time = 0


class TlsConnection:
    """Both directions of one TLS connection, of which either may be missing or start in mid-stream."""

    __slots__ = (
        "_client",
        "_early_data",
        "_hello_seen",
        "_legacy",
        "_offers_tls13",
        "_server",
        "_server_hello",
        "swapped",
    )

    def __init__(self) -> None:
        self._client = _Direction(True)
        self._server = _Direction(False)
        self._hello_seen = False
        self._offers_tls13 = False
        self._legacy = False
        self._early_data = False
        self._server_hello: ServerHello | None = None
        self.swapped = False
        """The first handshake message shows that the caller's client is the server: events tell it right."""

    def receive(
        self, from_client: bool, data: bytes, frame: int, time: int, *, segment_start: bool = False
    ) -> list[TlsEvent]:
        """Take the next bytes of one direction and return the events that they complete.

        ``frame`` and ``time`` are those of the packet that brought them. The event of a message
        bears those of the packet that completed its record, as Wireshark shows it.
        ``segment_start`` says that the bytes begin where a TCP segment began: after a loss, records
        are looked for there.
        """
        direction = self._client if from_client is not self.swapped else self._server
        events: list[TlsEvent] = []
        if direction.done:
            return events
        reader = direction.reader
        records = reader.receive(data, segment_start)
        for record in records:
            self._record(direction, record, frame, time, events)
            if direction.from_client is not (from_client is not self.swapped):
                direction = self._client if from_client is not self.swapped else self._server
        direction.frame = frame
        direction.time = time
        if reader.fault is not None:
            events.append(Damage(frame, time, direction.from_client, reader.fault))
            reader.fault = None
            direction.damaged = True
            self._lost_handshake(direction, None, frame, time, events)
        return events

    def gap(self, from_client: bool, length: int, frame: int, time: int) -> list[TlsEvent]:
        """Note that ``length`` bytes of one direction are missing; ``frame`` is the first after them."""
        direction = self._client if from_client is not self.swapped else self._server
        events: list[TlsEvent] = []
        if direction.done:
            return events
        synchronised = direction.reader.state is State.SYNCHRONISED
        part, inside = direction.reader.gap(length)
        if part is not None and part.fragment:
            self._part(direction, part, events)
        events.append(
            Damage(frame, time, direction.from_client, "bytes are missing from the capture", length)
        )
        direction.damaged = True
        if synchronised:
            self._lost_handshake(direction, inside, direction.frame, direction.time, events)
        return events

    def finish(self, from_client: bool) -> list[TlsEvent]:
        """Note the end of one direction; returns what can be read of a record cut short there."""
        direction = self._client if from_client is not self.swapped else self._server
        events: list[TlsEvent] = []
        if direction.done:
            return events
        part = direction.reader.flush()
        direction.done = True
        if part is not None:
            self._part(direction, part, events)
        events += direction.parser.salvage(direction.frame, direction.time)
        return events

    def wants(self, from_client: bool) -> bool:
        """Tell whether further bytes of this direction can yield an event.

        True until the first application data, or an alert under protection, was seen in it: without
        keys nothing that comes later can be read.
        """
        direction = self._client if from_client is not self.swapped else self._server
        return not direction.done and direction.reader.state is not State.DEAD

    def _record(
        self, direction: _Direction, record: Record, frame: int, time: int, events: list[TlsEvent]
    ) -> None:
        kind, _, fragment, whole = record
        if not whole:
            if kind == HANDSHAKE and not direction.protected:
                events += direction.parser.receive(fragment, frame, time)
        elif kind == HANDSHAKE:
            self._handshake(direction, fragment, frame, time, events)
        elif kind == APPLICATION_DATA:
            self._application_data(direction, fragment, frame, time, events)
        elif kind == CHANGE_CIPHER_SPEC:
            self._change_cipher_spec(direction, frame, time, events)
        elif kind == ALERT:
            self._alert(direction, fragment, frame, time, events)
        elif kind == SSLV2_HELLO:
            for event in read_hello(fragment, frame, time):
                self._note(event)
                events.append(event)

    def _handshake(
        self, direction: _Direction, fragment: bytes, frame: int, time: int, events: list[TlsEvent]
    ) -> None:
        if direction.protected:
            if (
                self._server_hello is None
                and len(fragment) > 4
                and fragment[0] == 1
                and plausible_message(fragment)
            ):
                # The second ClientHello of TLS 1.3 comes after a dummy ChangeCipherSpec (RFC 8446 D.4).
                direction.protected = False
            else:
                self._protected_handshake(direction, frame, time, events)
                return
        parser = direction.parser
        if parser.idle or parser.unsynchronised:
            plausible = len(fragment) < 4 or plausible_message(fragment)
            if parser.unsynchronised:
                if not plausible:
                    return
                parser.resume()
            elif not plausible and direction.damaged:
                direction.protected = True
                self._protected_handshake(direction, frame, time, events)
                return
            if not self._hello_seen and fragment:
                if fragment[0] in (_SENT_BY_SERVER if direction.from_client else _SENT_BY_CLIENT):
                    self._swap()
                self._hello_seen = True
        for event in parser.receive(fragment, frame, time):
            self._note(event)
            events.append(event)

    def _protected_handshake(
        self, direction: _Direction, frame: int, time: int, events: list[TlsEvent]
    ) -> None:
        """A handshake record after ChangeCipherSpec: the first is Finished (RFC 5246 7.4.9)."""
        self._legacy = True
        if not direction.finished and not direction.damaged:
            direction.finished = True
            events.append(Finished(frame, time, direction.from_client, True))
        elif not direction.protected_records:
            direction.finished = True
            events.append(EncryptedHandshake(frame, time, direction.from_client))
        direction.protected_records += 1

    def _change_cipher_spec(
        self, direction: _Direction, frame: int, time: int, events: list[TlsEvent]
    ) -> None:
        if not direction.change_cipher_spec:
            direction.change_cipher_spec = True
            events.append(ChangeCipherSpec(frame, time, direction.from_client))
        direction.damaged = False
        direction.protected = not self._tls13()

    def _alert(
        self, direction: _Direction, fragment: bytes, frame: int, time: int, events: list[TlsEvent]
    ) -> None:
        if len(fragment) == 2 and not direction.protected:
            events.append(Alert(frame, time, direction.from_client, fragment[0], fragment[1]))
        else:
            events.append(Alert(frame, time, direction.from_client, None, None))
            direction.done = True

    def _tls13(self) -> bool:
        hello = self._server_hello
        return hello is not None and is_tls13(hello.version)

    def _application_data(
        self, direction: _Direction, fragment: bytes, frame: int, time: int, events: list[TlsEvent]
    ) -> None:
        hello = self._server_hello
        if is_tls13(hello.version) if hello is not None else self._offers_tls13 and not self._legacy:
            self._protected_tls13(direction, len(fragment), frame, time, events)
        elif not direction.application_data:
            direction.application_data = direction.done = True
            events.append(ApplicationData(frame, time, direction.from_client, b""))

    def _protected_tls13(
        self, direction: _Direction, size: int, frame: int, time: int, events: list[TlsEvent]
    ) -> None:
        """Judge a protected record of TLS 1.3 for which there are no keys: see the module's text."""
        hello = self._server_hello
        from_client = direction.from_client
        if from_client and self._early_data and (hello is None or hello.hello_retry_request):
            if not direction.application_data:
                direction.application_data = True
                events.append(ApplicationData(frame, time, True, b""))
            return
        suite = hello.cipher_suite if hello is not None else 0
        overhead = 9 if suite == _AES_CCM_8 else 17
        if size == overhead + 2:
            events.append(Alert(frame, time, from_client, None, None))
            direction.done = True
            return
        direction.protected_records = count = direction.protected_records + 1
        client = self._client
        if direction.finished if from_client else client.finished and client.application_data:
            over = True
        else:
            over = count > (_CLIENT_FLIGHT if from_client else _SERVER_FLIGHT)
        if over:
            if not direction.application_data:
                direction.application_data = True
                events.append(ApplicationData(frame, time, from_client, b""))
            direction.done = True
            return
        if count == 1:
            events.append(EncryptedHandshake(frame, time, from_client))
        if from_client:
            if size in self._finished_sizes(suite, overhead):
                direction.finished = True
                events.append(Finished(frame, time, True, True))
        elif client.protected_records:
            client.finished = True

    @staticmethod
    def _finished_sizes(suite: int, overhead: int) -> tuple[int, ...]:
        """Return the sizes of a record that holds nothing but Finished, for a suite (0: not known)."""
        if not suite:
            return (4 + 32 + overhead, 4 + 48 + overhead)
        return (4 + (48 if suite in _SHA384_SUITES else 32) + overhead,)

    def _note(self, event: TlsEvent) -> None:
        """Remember what hellos say."""
        if isinstance(event, ServerHello):
            self._server_hello = event
            self._hello_seen = True
            if is_tls13(event.version):
                self._client.protected = self._server.protected = False
        elif isinstance(event, ClientHello):
            self._hello_seen = True
            self._offers_tls13 = any(is_tls13(version) for version in event.supported_versions)
            self._early_data = event.early_data

    def _swap(self) -> None:
        self.swapped = not self.swapped
        self._client, self._server = self._server, self._client
        for direction, from_client in ((self._client, True), (self._server, False)):
            direction.from_client = direction.parser.from_client = from_client

    def _part(self, direction: _Direction, part: Record, events: list[TlsEvent]) -> None:
        """Read the beginning of a record whose end is missing."""
        if part.content_type == APPLICATION_DATA:
            self._application_data(direction, part.fragment, direction.frame, direction.time, events)
            return
        if part.content_type != HANDSHAKE:
            return
        if direction.protected:
            self._protected_handshake(direction, direction.frame, direction.time, events)
            return
        parser = direction.parser
        if parser.unsynchronised or (
            parser.idle and not (len(part.fragment) >= 4 and plausible_message(part.fragment))
        ):
            return
        for event in parser.receive(part.fragment, direction.frame, direction.time):
            self._note(event)
            events.append(event)

    def _lost_handshake(
        self, direction: _Direction, length: int | None, frame: int, time: int, events: list[TlsEvent]
    ) -> None:
        """Tell the handshake parser that bytes are missing, unless they were no handshake bytes."""
        if not direction.protected:
            for event in direction.parser.lost(length, frame, time):
                self._note(event)
                events.append(event)
