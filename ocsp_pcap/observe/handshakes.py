"""From TLS events to handshakes: which events belong together, and what they prove."""

from __future__ import annotations

from typing import Literal

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

TLS13 = 0x0304
DTLS13 = 0xFEFC
MAX_ALERTS = 8
MAX_CERTIFICATES = 64


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
        "client_finished",
        "client_hello",
        "client_hello_frame",
        "damaged",
        "decrypted",
        "encrypted_client",
        "encrypted_server",
        "first_frame",
        "key_exchange",
        "last_time",
        "missing_bytes",
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
        self.staples: list[bytes] = []
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
        self.alerts: list[Alert] = []
        self.damaged: list[str] = []
        self.missing_bytes = 0
        self.decrypted = False

    @property
    def version(self) -> int | None:
        """The negotiated protocol version; None where no ServerHello was seen."""
        hello = self.server_hello
        return None if hello is None or hello.hello_retry_request else hello.version

    @property
    def is_tls13(self) -> bool:
        """TLS 1.3, one of its drafts (numbered 0x7f00 and up) or DTLS 1.3 was negotiated."""
        version = self.version
        return version is not None and (version in (TLS13, DTLS13) or version >> 8 == 0x7F)

    @property
    def resumption(self) -> Literal["session-id", "ticket", "psk"] | None:
        """How the session was resumed (RFC 5246 7.3, RFC 5077 3.4, RFC 8446 2.2); None: it was not."""
        hello = self.server_hello
        if hello is None or self.certificates or hello.hello_retry_request:
            return None
        if self.is_tls13:
            return "psk" if hello.psk_selected else None
        if self.server_hello_done or self.key_exchange or not self.changed_cipher_server:
            return None
        if self.missing_bytes or self.damaged:
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
            and not (self.decrypted and self.server_finished is not None)
        )

    @property
    def complete(self) -> bool:
        """Both sides came to the end of the handshake, as far as records can tell."""
        if self.client_finished is not None and self.server_finished is not None:
            return True
        return self.is_tls13 and self.encrypted_server is not None and self.encrypted_client is not None

    @property
    def finished_frame(self) -> int | None:
        """The frame in which the later of the two Finished messages was complete."""
        frames = [frame for frame in (self.client_finished, self.server_finished) if frame is not None]
        if not frames and self.is_tls13 and self.encrypted_client is not None:
            return self.encrypted_client
        return max(frames, default=None)


class HandshakeTracker:
    """Assigns the events of one TLS connection to its handshakes (renegotiation makes several)."""

    __slots__ = ("handshakes",)

    def __init__(self) -> None:
        self.handshakes: list[Handshake] = []

    def receive(self, event: TlsEvent) -> None:
        """Take the next event of the connection."""
        current = self._handshake_for(event)
        if event.time > current.last_time:
            current.last_time = event.time
        match event:
            case ClientHello():
                current.client_hello = event
                if current.client_hello_frame is None:
                    current.client_hello_frame = event.frame
            case ServerHello():
                current.server_hello = event
                current.alpn = event.alpn or current.alpn
            case EncryptedExtensions():
                current.alpn = event.alpn or current.alpn
            case Certificate(from_client=True):
                current.client_certificates = event.certificates[:MAX_CERTIFICATES]
            case Certificate():
                current.certificates = event.certificates[:MAX_CERTIFICATES]
                current.certificate_frame = event.frame
                if event.staples:
                    current.staples = [der for _, der in event.staples[:MAX_CERTIFICATES]]
                    current.staple_frame = event.frame
            case CertificateStatus():
                current.staples = [der for der in event.responses[:MAX_CERTIFICATES] if der]
                current.staple_frame = event.frame
            case _:
                self._progress(current, event)

    def _handshake_for(self, event: TlsEvent) -> Handshake:
        if not self.handshakes:
            self.handshakes.append(Handshake(event.frame, event.time))
        current = self.handshakes[-1]
        hello = current.server_hello
        if isinstance(event, ClientHello | ServerHello) and hello is not None:
            again = isinstance(event, ServerHello) or current.client_hello is not None
            if again and not hello.hello_retry_request:
                current = Handshake(event.frame, event.time)
                self.handshakes.append(current)
        return current

    def _progress(self, current: Handshake, event: TlsEvent) -> None:
        match event:
            case ServerHelloDone():
                current.server_hello_done = True
            case ClientKeyExchange():
                current.key_exchange = True
            case ChangeCipherSpec(from_client=False):
                current.changed_cipher_server = True
            case Finished(from_client=True):
                current.client_finished = event.frame
            case Finished():
                current.server_finished = event.frame
            case EncryptedHandshake(from_client=True):
                current.encrypted_client = current.encrypted_client or event.frame
            case EncryptedHandshake():
                current.encrypted_server = current.encrypted_server or event.frame
            case ApplicationData() if current.application_data_frame is None:
                current.application_data_frame, current.application_data_time = event.frame, event.time
            case Alert():
                if len(current.alerts) < MAX_ALERTS:
                    current.alerts.append(event)
            case Decrypted():
                current.decrypted = True
            case Damage():
                current.missing_bytes += event.missing
                if len(current.damaged) < MAX_ALERTS:
                    current.damaged.append(event.reason)
