"""From TLS events to handshakes: which events belong together, and what they prove."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.tls.events import (
    Alert,
    ApplicationData,
    Certificate,
    CertificateStatus,
    ChangeCipherSpec,
    ClientHello,
    ClientKeyExchange,
    Damage,
    Decrypted,
    EncryptedExtensions,
    EncryptedHandshake,
    Finished,
    ServerHello,
    ServerHelloDone,
    TlsEvent,
)
from ocsp_pcap.tls.messages import is_tls13

TLS12 = 0x0303


class Handshake:
    """One handshake as far as the capture shows it; filled by :class:`HandshakeTracker`."""

    __slots__ = (
        "alerts",
        "alpn",
        "application_data_frame",
        "application_data_time",
        "certificate_frame",
        "certificates",
        "changed_cipher_server",
        "client_certificates",
        "client_data",
        "client_data_last",
        "client_finished",
        "client_hello",
        "client_hello_frame",
        "decrypted",
        "encrypted_client",
        "encrypted_server",
        "first_frame",
        "given_up",
        "key_exchange",
        "last_time",
        "missing_bytes",
        "server_damaged",
        "server_data_time",
        "server_finished",
        "server_hello",
        "server_hello_done",
        "staple_frame",
        "staples",
        "time",
    )

    def __init__(self, frame: int, time: int) -> None:
        self.first_frame = frame
        self.time = time
        self.last_time = time
        self.client_hello: ClientHello | None = None
        self.client_hello_frame: int | None = None
        self.server_hello: ServerHello | None = None
        self.certificates: tuple[bytes, ...] = ()
        self.certificate_frame: int | None = None
        self.client_certificates: tuple[bytes, ...] = ()
        self.staples: tuple[bytes, ...] = ()
        self.staple_frame: int | None = None
        self.alpn: str | None = None
        self.server_hello_done = False
        self.key_exchange = False
        self.changed_cipher_server = False
        self.client_finished: int | None = None
        self.server_finished: int | None = None
        self.encrypted_client: int | None = None
        self.encrypted_server: int | None = None
        self.application_data_frame: int | None = None
        self.application_data_time: int | None = None
        self.client_data: tuple[int, int] | None = None
        """Frame and time of the first application data that the client sent after its Finished."""
        self.client_data_last: tuple[int, int] | None = None
        """Of the last, as far as records were read."""
        self.server_data_time: int | None = None
        """Time of the first application data that the server sent after the client's Finished."""
        self.alerts: tuple[Alert, ...] = ()
        self.missing_bytes = 0
        self.server_damaged = False
        """Bytes of the server are missing or cannot be read."""
        self.given_up: str | None = None
        """The bound of this program at which a message of it was not read."""
        self.decrypted = False

    @property
    def version(self) -> int | None:
        """The negotiated protocol version; None where no ServerHello was seen."""
        hello = self.server_hello
        if hello is None or hello.hello_retry_request:
            return None
        if not hello.complete and hello.version == TLS12 and not self.certificates:
            # What is cut off may be supported_versions, where TLS 1.3 says what it is (RFC 8446 4.1.3).
            offer = self.client_hello
            if offer is None or not offer.complete or any(map(is_tls13, offer.supported_versions)):
                return None
        return hello.version

    @property
    def is_tls13(self) -> bool:
        """TLS 1.3, or one of its drafts, Facebook's and Google's too, was negotiated."""
        version = self.version
        return version is not None and is_tls13(version)

    @property
    def resumption(self) -> Literal["session-id", "ticket", "psk"] | None:
        """How the session was resumed (RFC 5246 7.3, RFC 5077 3.4, RFC 8446 2.2); None: it was not."""
        hello = self.server_hello
        if hello is None or self.certificates or hello.hello_retry_request:
            return None
        if self.is_tls13:
            return "psk" if hello.psk_selected and not hello.cert_with_extern_psk else None
        if not hello.complete:
            return None
        if self.server_hello_done or self.key_exchange or not self.changed_cipher_server:
            return None
        if self.server_damaged:
            return None
        offer = self.client_hello
        echoed = bool(hello.session_id) and (offer is None or offer.session_id == hello.session_id)
        if offer is not None and offer.session_ticket:
            return "ticket"
        return "session-id" if echoed else None

    @property
    def certificate_encrypted(self) -> bool:
        """A certificate was sent, but under record protection for which there are no keys."""
        return (
            self.is_tls13
            and not self.certificates
            and self.resumption is None
            and not self.psk_may_be_cut
            and not (self.decrypted and self.server_finished is not None)
        )

    @property
    def server_hello_cut(self) -> bool:
        """The capture holds only the beginning of ServerHello."""
        return self.server_hello is not None and not self.server_hello.complete

    @property
    def psk_may_be_cut(self) -> bool:
        """What is cut off of ServerHello may say that a PSK was used, and no certificate."""
        hello, offer = self.server_hello, self.client_hello
        if hello is None or hello.complete or hello.psk_selected:
            return False
        return offer is None or not offer.complete or offer.psk_identities > 0

    @property
    def psk_with_certificate(self) -> bool:
        """A PSK handshake that carries a certificate all the same was offered or negotiated (RFC 8773)."""
        offer, hello = self.client_hello, self.server_hello
        offered = offer is not None and offer.cert_with_extern_psk
        return offered or (hello is not None and hello.cert_with_extern_psk)

    @property
    def external_psk(self) -> bool:
        """The PSK in use is no session ticket: its obfuscated_ticket_age is 0 (RFC 8446 4.2.11).

        For a ticket a random number is added to the age.
        """
        hello, offer = self.server_hello, self.client_hello
        if hello is None or offer is None or hello.psk_identity is None:
            return False
        return offer.psk_ages[hello.psk_identity : hello.psk_identity + 1] == (0,)

    @property
    def complete(self) -> bool:
        """Both sides came to the end of the handshake, as far as records can tell."""
        if self.client_finished is not None and self.server_finished is not None:
            return True
        return self.is_tls13 and self.encrypted_server is not None and self.encrypted_client is not None

    @property
    def finished_frame(self) -> int | None:
        """The frame in which the later of the two Finished messages was complete."""
        client, server = self.client_finished, self.server_finished
        if client is None and server is None:
            return self.encrypted_client if self.is_tls13 else None
        return max(client or 0, server or 0)


class HandshakeTracker:
    """Assigns the events of one TLS connection to its handshakes (renegotiation makes several)."""

    __slots__ = ("handshakes",)

    def __init__(self) -> None:
        self.handshakes: list[Handshake] = []

    def receive(self, events: Iterable[TlsEvent]) -> None:
        """Take the next events of the connection."""
        handshakes = self.handshakes
        for event in events:
            if not handshakes:
                handshakes.append(Handshake(event.frame, event.time))
            current = handshakes[-1]
            kind = type(event)
            if (kind is ClientHello or kind is ServerHello) and _begins_another(current, kind):
                current = Handshake(event.frame, event.time)
                handshakes.append(current)
            if event.time > current.last_time:
                current.last_time = event.time
            _NOTE[kind](current, event)


def _begins_another(current: Handshake, hello: type[TlsEvent]) -> bool:
    """Tell whether a hello is that of another handshake."""
    if current.server_hello is None or current.server_hello.hello_retry_request:
        return False
    return hello is ServerHello or current.client_hello is not None


def _client_hello(handshake: Handshake, event: ClientHello) -> None:
    handshake.client_hello = event
    if handshake.client_hello_frame is None:
        handshake.client_hello_frame = event.frame


def _server_hello(handshake: Handshake, event: ServerHello) -> None:
    handshake.server_hello = event
    handshake.alpn = event.alpn or handshake.alpn


def _encrypted_extensions(handshake: Handshake, event: EncryptedExtensions) -> None:
    handshake.alpn = event.alpn or handshake.alpn


def _certificate(handshake: Handshake, event: Certificate) -> None:
    certificates = event.certificates
    if event.from_client:
        handshake.client_certificates = certificates
        return
    handshake.certificates = certificates
    handshake.certificate_frame = event.frame
    if event.staples:
        handshake.staples = tuple([der for _, der in event.staples])
        handshake.staple_frame = event.frame


def _certificate_status(handshake: Handshake, event: CertificateStatus) -> None:
    handshake.staples = tuple([der for der in event.responses if der])
    handshake.staple_frame = event.frame


def _server_hello_done(handshake: Handshake, _: ServerHelloDone) -> None:
    handshake.server_hello_done = True


def _client_key_exchange(handshake: Handshake, _: ClientKeyExchange) -> None:
    handshake.key_exchange = True


def _change_cipher_spec(handshake: Handshake, event: ChangeCipherSpec) -> None:
    if not event.from_client:
        handshake.changed_cipher_server = True


def _finished(handshake: Handshake, event: Finished) -> None:
    if event.from_client:
        handshake.client_finished = event.frame
    else:
        handshake.server_finished = event.frame


def _encrypted_handshake(handshake: Handshake, event: EncryptedHandshake) -> None:
    if event.from_client:
        handshake.encrypted_client = handshake.encrypted_client or event.frame
    else:
        handshake.encrypted_server = handshake.encrypted_server or event.frame


def _application_data(handshake: Handshake, event: ApplicationData) -> None:
    if handshake.application_data_frame is None:
        handshake.application_data_frame, handshake.application_data_time = event.frame, event.time
    if event.from_client and _after_finished(handshake):
        handshake.client_data_last = event.frame, event.time
        handshake.client_data = handshake.client_data or handshake.client_data_last
    elif handshake.server_data_time is None and _after_client_finished(handshake):
        handshake.server_data_time = event.time


def _after_finished(handshake: Handshake) -> bool:
    """Tell whether application data of the client comes after its Finished, and is no early data."""
    if handshake.client_finished is not None:
        return True
    if handshake.server_hello is None or handshake.server_hello.hello_retry_request:
        # A capture that begins later: what TLS 1.2 and before protect comes after Finished.
        return handshake.client_hello is None
    return not (handshake.is_tls13 and handshake.decrypted)


def _after_client_finished(handshake: Handshake) -> bool:
    """Tell whether application data of the server comes after the client's Finished.

    In TLS 1.3 it may come before (RFC 8446 2), and without keys it may be session tickets.
    """
    if handshake.is_tls13:
        return handshake.decrypted and handshake.client_finished is not None
    return handshake.version is not None


def _alert(handshake: Handshake, event: Alert) -> None:
    if len(handshake.alerts) < BOUNDS.alerts:
        handshake.alerts = (*handshake.alerts, event)
    else:
        reached("alerts")


def _decrypted(handshake: Handshake, _: Decrypted) -> None:
    handshake.decrypted = True


def _damage(handshake: Handshake, event: Damage) -> None:
    handshake.missing_bytes += event.missing
    handshake.server_damaged |= not event.from_client
    handshake.given_up = handshake.given_up or event.bound


_NOTE: Final[dict[type, Callable[[Handshake, Any], None]]] = {
    ClientHello: _client_hello,
    ServerHello: _server_hello,
    EncryptedExtensions: _encrypted_extensions,
    Certificate: _certificate,
    CertificateStatus: _certificate_status,
    ServerHelloDone: _server_hello_done,
    ClientKeyExchange: _client_key_exchange,
    ChangeCipherSpec: _change_cipher_spec,
    Finished: _finished,
    EncryptedHandshake: _encrypted_handshake,
    ApplicationData: _application_data,
    Alert: _alert,
    Decrypted: _decrypted,
    Damage: _damage,
}
"""What each event proves of the handshake it belongs to."""
