"""One TLS handshake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from ocsp_pcap.facts.frames import HandshakeFrames
from ocsp_pcap.facts.ocsp_response import ResponseFact
from ocsp_pcap.facts.types import (
    AmbiguousFrames,
    Ender,
    Frame,
    Hex,
    HopLimit,
    Port,
    Sha256,
    StreamNumber,
    Time,
    Transport,
)


@dataclass(frozen=True, slots=True)
class AlertFact:
    """One TLS alert (RFC 8446 6); level and description are None where it is encrypted."""

    frame: Frame
    sender: Literal["client", "server"]
    level: str | None
    description: str | None


@dataclass(frozen=True, slots=True)
class HandshakeFact:
    """One TLS handshake, as one host saw it."""

    kind: ClassVar[str] = "handshake"
    capture: str
    stream: StreamNumber
    transport: Transport
    time: Time
    frames: HandshakeFrames
    client: str
    server: str
    sni: str | None
    connect_host: str | None
    """Host of the CONNECT (or SOCKS) request this handshake travels behind, without the port."""
    alpn: tuple[str, ...]
    """What the server selected where that is readable, else what the client offered."""
    version: str | None
    cipher: str | None
    resumed: bool
    status_request: bool
    client_random: Hex | None
    server_random: Hex | None
    certificates: tuple[Sha256, ...]
    staples: tuple[ResponseFact, ...]
    client_certificates: tuple[Sha256, ...]
    certificate_encrypted: bool
    decrypted: bool
    complete: bool
    alerts: tuple[AlertFact, ...]
    client_port: Port = 0
    server_port: Port = 0
    connect_frame: Frame | None = None
    connect_port: Port | None = None
    connect_status: int | None = None
    """HTTP status of the answer to CONNECT."""
    connect_via: bool = False
    """The CONNECT request bore Via or X-Forwarded-For: a proxy sent it (RFC 9110 7.6.3)."""
    tunnel: str | None = None
    """What the handshake travels behind: connect, socks, proxy-protocol, starttls; None: nothing."""
    resumption: Literal["session-id", "ticket", "psk"] | None = None
    offered_resumption: bool = False
    encrypted_client_hello: bool = False
    client_hello_cut: bool = False
    """Only its beginning is in the capture: what it does not show (SNI, status_request) may be there."""
    missing_bytes: int = 0
    """Bytes of the handshake that the capture lost or never held."""
    one_sided: bool = False
    started_mid_stream: bool = False
    end_time: Time | None = None
    """Time of the last handshake event."""
    application_data: bool = False
    """Application data followed the handshake."""
    closed: Literal["fin", "rst"] | None = None
    early_end: bool = False
    """The connection ended, by FIN or RST, before the handshake was over."""
    application_data_frame: Frame | None = None
    application_data_time: Time | None = None
    """Time of the first application data; None: none was seen."""
    client_data_time: Time | None = None
    """Time of the first application data that the client sent after its Finished: it went on with what it
    knew by then. Early data (0-RTT) does not count. None: none was seen."""
    client_data_frame: Frame | None = None
    client_data_last_time: Time | None = None
    """Time of the last of it; without keys, that of the last new bytes of the client that are no alert."""
    client_data_last_frame: Frame | None = None
    server_data_time: Time | None = None
    """Time of the first application data that the server sent after the client's Finished: it went on with
    what it knew by then. None: none was seen, or TLS 1.3 hides what it is."""
    closed_by: Ender = None
    closed_time: Time | None = None
    server_hello_cut: bool = False
    """Only the beginning of ServerHello is in the capture: what it does not show may be there. Neither
    ``resumed`` nor ``certificate_encrypted`` is said then unless what is there proves it."""
    psk_with_certificate: bool = False
    """tls_cert_with_extern_psk was offered or negotiated: a certificate is sent although a PSK is used
    (RFC 8773). Negotiated, the handshake counts as ``certificate_encrypted`` and not as ``resumed``."""
    external_psk: bool = False
    """The PSK in use was agreed on elsewhere and is no session ticket: its obfuscated_ticket_age is 0
    (RFC 8446 4.2.11)."""
    client_ttl: HopLimit = None
    hello_fingerprint: str | None = None
    """Hash of what the ClientHello tells of the software that sent it, the same from visit to visit:
    versions, cipher suites, extension types (sorted, as JA4 does), groups, point formats; without GREASE.
    None: there is no whole ClientHello."""
    given_up: str | None = None
    """The bound of this program (``--bound``) at which a message of it was not read, or not whole."""
    ambiguous: AmbiguousFrames = ()
