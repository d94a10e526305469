"""The state of a TLS connection: what its records have shown, and what the next one means in that light.

Records that nobody can open tell something all the same: by their type, their size and their place. Up to
TLS 1.2 the first handshake record behind ChangeCipherSpec is Finished (RFC 5246 7.4.9); for TLS 1.3 see
:mod:`ocsp_pcap.tls.opaque`. How records were found does not matter here: :mod:`ocsp_pcap.tls.connection` and
:mod:`ocsp_pcap.tls.shapes` share this state.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from ocsp_pcap.tls.direction import Direction
from ocsp_pcap.tls.events import (
    Alert,
    ApplicationData,
    ChangeCipherSpec,
    ClientHello,
    EncryptedHandshake,
    Finished,
    ServerHello,
    TlsEvent,
)
from ocsp_pcap.tls.messages import is_tls13
from ocsp_pcap.tls.opaque import judge

D = TypeVar("D", bound=Direction)


class ConnectionState(Generic[D]):
    """The state of both directions. Methods append the events of one record."""

    __slots__ = ("client", "early_data", "hello_seen", "legacy", "offers_tls13", "server", "server_hello")

    def __init__(self, client: D, server: D) -> None:
        self.client = client
        self.server = server
        self.server_hello: ServerHello | None = None
        self.hello_seen = False
        self.offers_tls13 = False
        self.early_data = False
        self.legacy = False
        """Records showed that it is TLS 1.2 or before."""

    def copied(self) -> ConnectionState[Direction]:
        """Return a state of its own."""
        state = ConnectionState(self.client.copied(), self.server.copied())
        state.server_hello, state.hello_seen = self.server_hello, self.hello_seen
        state.offers_tls13, state.early_data, state.legacy = self.offers_tls13, self.early_data, self.legacy
        return state

    def mute(self, direction: D) -> None:
        """Note that no later byte of a direction can yield an event."""
        direction.done = True

    def take(self, found: list[TlsEvent], events: list[TlsEvent]) -> None:
        """Append the events of messages, remembering what hellos say."""
        events += found
        for event in found:
            if isinstance(event, ServerHello | ClientHello):
                self.note(event)

    def note(self, hello: ClientHello | ServerHello) -> None:
        """Remember what a hello says."""
        self.hello_seen = True
        if isinstance(hello, ServerHello):
            self.server_hello = hello
            if is_tls13(hello.version):
                self.client.protected = self.server.protected = False
        else:
            self.offers_tls13 = any(is_tls13(version) for version in hello.supported_versions)
            self.early_data = hello.early_data

    def protected_handshake(self, direction: D, frame: int, time: int, events: list[TlsEvent]) -> None:
        """Take a handshake record behind ChangeCipherSpec: the first is Finished (RFC 5246 7.4.9)."""
        self.legacy = True
        if not direction.finished and not direction.damaged:
            direction.finished = True
            events.append(Finished(frame, time, direction.from_client, True))
        elif not direction.protected_records:
            direction.finished = True
            events.append(EncryptedHandshake(frame, time, direction.from_client))
        direction.protected_records += 1

    def change_cipher_spec(self, direction: D, frame: int, time: int, events: list[TlsEvent]) -> None:
        """Take ChangeCipherSpec, which in TLS 1.3 means nothing (RFC 8446 D.4)."""
        if not direction.change_cipher_spec:
            direction.change_cipher_spec = True
            events.append(ChangeCipherSpec(frame, time, direction.from_client))
        direction.damaged = False
        hello = self.server_hello
        if hello is None or not is_tls13(hello.version):
            direction.protected = True

    def alert(self, direction: D, fragment: bytes, frame: int, time: int, events: list[TlsEvent]) -> None:
        """Take an alert; one under protection ends its direction."""
        if len(fragment) == 2 and not direction.protected:
            events.append(Alert(frame, time, direction.from_client, fragment[0], fragment[1]))
        else:
            events.append(Alert(frame, time, direction.from_client, None, None))
            self.mute(direction)

    def data(self, direction: D, size: int, frame: int, time: int, events: list[TlsEvent]) -> None:
        """Take a record of application data, ``size`` bytes without its header, that is not opened."""
        hello = self.server_hello
        if is_tls13(hello.version) if hello is not None else self.offers_tls13 and not self.legacy:
            events += judge(direction, self.client, hello, self.early_data, size, frame, time)
            if direction.done:
                self.mute(direction)
        elif not direction.application_data:
            direction.application_data = True
            events.append(ApplicationData(frame, time, direction.from_client, b""))
            self.mute(direction)
