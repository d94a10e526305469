"""The frozen, typed record of what was seen in captures: the narrow waist of the program.

Everything below this module produces facts; everything above only reads them. Facts can be stored
as JSON lines, shipped between machines and explained later.

Conventions: frames are 1-based; ``stream`` is numbered as Wireshark numbers ``tcp.stream`` (or
``udp.stream`` where ``transport`` is ``"udp"``); times are integers, nanoseconds since the Unix
epoch, UTC (RFC 3339 in JSON); hashes and serial numbers are lower-case hex, serial numbers without
leading zeros; addresses are the text form of :mod:`ipaddress`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

from ocsp_pcap.facts.types import Frame, Hex, Port, Serial, Sha256, StatedTime, StreamNumber, Time

SignatureState: TypeAlias = Literal["valid", "invalid", "unverifiable"]
TcpOutcome: TypeAlias = Literal["established", "refused", "reset", "unanswered"]
Transport: TypeAlias = Literal["tcp", "udp"]
Side: TypeAlias = Literal["client", "server"]
CaptureRole: TypeAlias = Literal["child", "parent"]


@dataclass(frozen=True, slots=True)
class FileStream:
    """A stream of a rotated set and its number in one of the files."""

    stream: StreamNumber
    """In the set as a whole, as facts name it."""
    number: int
    """As Wireshark numbers it where it reads that file alone."""


@dataclass(frozen=True, slots=True)
class AmbiguousStream:
    """A TCP stream in which packets disagree about the same bytes, or that a receiver may not have taken."""

    stream: StreamNumber
    frames: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CaptureFile:
    """One file of a rotated set. Its first frame follows the last of the file before it."""

    path: str
    packets: int
    first_time: Time | None
    last_time: Time | None
    damage: str | None
    tcp_streams: tuple[FileStream, ...] = ()
    """The streams that facts mention, as far as this file has packets of them."""
    udp_streams: tuple[FileStream, ...] = ()


@dataclass(frozen=True, slots=True)
class UndecodedFact:
    """Packets of one kind that could not be understood."""

    name: str
    """What they are: ``EtherType 0x88e5 (MACsec)``, ``IP protocol 50 (ESP, encrypted)``, ``DTLS``."""
    packets: int


@dataclass(frozen=True, slots=True)
class CaptureFact:
    """One capture, a file or a rotated set of files, and what limits its testimony."""

    kind: ClassVar[str] = "capture"
    path: str
    """Of the file; of a set, a glob that its files match."""
    packets: int
    first_time: Time | None
    last_time: Time | None
    link_types: tuple[str, ...]
    snaplen: int | None
    truncated_packets: int
    dropped: int | None
    """Packets the capturing system reports as dropped; None where it reports nothing."""
    undecoded_packets: int
    tcp_gaps: int
    one_sided_streams: int
    damage: str | None
    ports_seen: tuple[Port, ...]
    """TCP and UDP ports, the lower port of each conversation, that carried packets (bounded)."""
    size: int = 0
    """Bytes of the capture file as decompressed."""
    tcp_streams: int = 0
    notes: tuple[str, ...] = ()
    """Other limits in words: a key log that opened nothing, memory bounds that were reached."""
    ambiguous_streams: tuple[AmbiguousStream, ...] = ()
    """Streams in which packets disagree about bytes of no handshake, OCSP exchange or CRL download; frames
    that disagree about those stand under ``ambiguous`` of their facts."""
    files: tuple[CaptureFile, ...] = ()
    """The files of a rotated set in order of time; frames and streams are counted through all of them.
    Empty where the capture is one file."""
    step_back: int = 0
    """Nanoseconds by which the time of a packet is before that of the one before it in the file, at most; 0:
    times never go back. Small steps are usual where several interfaces or processors capture side by side."""
    undecoded: tuple[UndecodedFact, ...] = ()
    """What the undecoded packets are, the most frequent first."""
    role: CaptureRole | None = None
    """The proxy whose outer side it shows, where the capture says so itself, as evidence captures do."""


@dataclass(frozen=True, slots=True)
class CertificateFact:
    """One distinct certificate (RFC 5280)."""

    kind: ClassVar[str] = "certificate"
    sha256: Sha256
    subject: str
    issuer: str
    serial: Serial
    not_before: StatedTime | None
    not_after: StatedTime | None
    sans: tuple[str, ...]
    ocsp_urls: tuple[str, ...]
    crl_urls: tuple[str, ...]
    must_staple: bool
    is_ca: bool
    self_signed: bool
    parse_error: str | None
    issuer_name_hashes: tuple[tuple[str, str], ...] = ()
    """(hash algorithm, hash of the issuer's DER name) for every CertID hash seen (RFC 6960 4.1.1)."""
    issuer_key_hashes: tuple[tuple[str, str], ...] = ()
    """(hash algorithm, hash of the issuer's key), where the issuer certificate is in the captures."""
    authority_key_id: Hex | None = None
    subject_key_id: Hex | None = None
    issuer_sha256: Sha256 | None = None
    """The issuer certificate, where a certificate in the captures verifies this one's signature."""
    no_check: bool = False
    """id-pkix-ocsp-nocheck is present (RFC 6960 4.2.2.2.1)."""
    public_key_sha256: str | None = None
    """Of the SubjectPublicKeyInfo: interception proxies reuse one key for many names."""
    ca_issuers_urls: tuple[str, ...] = ()
    """Where the issuer's certificate can be fetched (id-ad-caIssuers, RFC 5280 4.2.2.1)."""
    scts: int = 0
    """Signed certificate timestamps embedded by the CA (RFC 6962 3.3); no interception proxy can make any."""


@dataclass(frozen=True, slots=True)
class CertIdFact:
    """The CertID of one Request (RFC 6960 4.1.1)."""

    hash_algorithm: str
    issuer_name_hash: Hex
    issuer_key_hash: Hex
    serial: Serial


@dataclass(frozen=True, slots=True)
class SingleFact:
    """One SingleResponse (RFC 6960 4.2.1)."""

    serial: Serial
    issuer_name_hash: Hex
    issuer_key_hash: Hex
    status: Literal["good", "revoked", "unknown"]
    this_update: StatedTime
    next_update: StatedTime | None
    revocation_time: StatedTime | None
    revocation_reason: str | None
    hash_algorithm: str = "sha1"

    @property
    def cert_id(self) -> CertIdFact:
        """Of which certificate it speaks."""
        return CertIdFact(self.hash_algorithm, self.issuer_name_hash, self.issuer_key_hash, self.serial)


@dataclass(frozen=True, slots=True)
class ResponseFact:
    """One OCSPResponse (RFC 6960 4.2.1), from HTTP or from a handshake."""

    response_status: str | None
    """successful, malformedRequest, internalError, tryLater, sigRequired, unauthorized; None: unparsable."""
    responder_id: str | None
    produced_at: StatedTime | None
    hash_algorithm: str | None
    signature: SignatureState
    signer: str | None
    """Subject of the certificate whose key made the signature, where known."""
    singles: tuple[SingleFact, ...]
    parse_error: str | None
    sha256: Sha256 = ""
    """Of the response's DER bytes: the same response seen twice has the same hash."""
    signature_note: str | None = None
    """Why the signature is invalid or unverifiable, in words."""
    nonce: Hex | None = None
    signer_not_after: StatedTime | None = None
    """When the certificate of a delegated responder ends (RFC 6960 4.2.2.2); None: none, or not known."""


@dataclass(frozen=True, slots=True)
class HandshakeFrames:
    """Where in the capture each part of a handshake was complete; None where it was not seen."""

    client_hello: Frame | None = None
    server_hello: Frame | None = None
    certificate: Frame | None = None
    certificate_status: Frame | None = None
    finished: Frame | None = None
    client_finished: Frame | None = None
    """The client's own Finished, which is not always the later of the two that ``finished`` tells of."""


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
    closed_by: Side | None = None
    """Who first ended the connection, by FIN or RST; None: the capture shows no end."""
    closed_time: Time | None = None
    """When that was."""
    server_hello_cut: bool = False
    """Only the beginning of ServerHello is in the capture: what it does not show may be there. Neither
    ``resumed`` nor ``certificate_encrypted`` is said then unless what is there proves it."""
    psk_with_certificate: bool = False
    """tls_cert_with_extern_psk was offered or negotiated: a certificate is sent although a PSK is used
    (RFC 8773). Negotiated, the handshake counts as ``certificate_encrypted`` and not as ``resumed``."""
    external_psk: bool = False
    """The PSK in use was agreed on elsewhere and is no session ticket: its obfuscated_ticket_age is 0
    (RFC 8446 4.2.11)."""
    client_ttl: int | None = None
    """Time to live, or hop limit, of the first packet that the client sent on this connection: hosts behind
    one address (RFC 3022) often differ in it. None: the client sent nothing that the capture holds."""
    hello_fingerprint: str | None = None
    """Hash of what the ClientHello tells of the software that sent it, the same from visit to visit:
    versions, cipher suites, extension types (sorted, as JA4 does), groups, point formats; without GREASE.
    None: there is no whole ClientHello."""
    ambiguous: tuple[int, ...] = ()
    """Frames that disagree about its bytes (retransmissions and overlaps that differ), or of which a receiver
    may have dropped one (checksum, hop limit, RST, urgent data): another message may have been received."""


@dataclass(frozen=True, slots=True)
class ExchangeFrames:
    """Frames in which a request and its answer were complete."""

    request: Frame | None = None
    response: Frame | None = None


@dataclass(frozen=True, slots=True)
class OcspExchangeFact:
    """One OCSP request with its answer; either may be missing (RFC 6960 appendix A)."""

    kind: ClassVar[str] = "ocsp_exchange"
    capture: str
    stream: StreamNumber
    time: Time
    frames: ExchangeFrames
    client: str
    server: str
    method: str | None
    url: str | None
    via_proxy: bool
    requests: tuple[CertIdFact, ...]
    nonce: Hex | None
    http_status: int | None
    response: ResponseFact | None
    client_port: Port = 0
    server_port: Port = 0
    response_time: Time | None = None
    request_error: str | None = None
    """Why the body of something sent as OCSP request could not be read."""
    content_type: str | None = None
    location: str | None = None
    """Location header of a redirect."""
    max_age: int | None = None
    """Seconds, from Cache-Control of the answer (RFC 9111)."""
    missing_bytes: int = 0
    """Bytes of the answer that the capture lost or never held."""
    closed: Literal["fin", "rst"] | None = None
    decrypted: bool = False
    """It travelled inside TLS and was read with keys."""
    expires: StatedTime | None = None
    """Time of the Expires header of the answer (RFC 9111 5.3), where max-age does not overrule it."""
    relayed_for: str | None = None
    """For whom a proxy relayed the request: the first address of X-Forwarded-For or of Forwarded (RFC 7239),
    else the value of Via (RFC 9110 7.6.3); None: the request names no other asker."""
    answered_by: str | None = None
    """Header by which the answer shows a proxy. It wrote the answer itself: ``squid: X-Squid-Error …``,
    ``Proxy-Authenticate: …``, ``Proxy-Status: …`` with ``error=``, ``Server: …``. A proxy, or a content
    delivery network, handed it on: ``Via: …``, ``X-Cache: …``, other ``Proxy-Status: …``. None: nothing tells
    of one."""
    date: StatedTime | None = None
    """Time of the Date header of the answer (RFC 9110 6.6.1)."""
    user_agent: str | None = None
    closed_by: Side | None = None
    """Who first ended the connection, by FIN or RST; None: the capture shows no end."""
    closed_time: Time | None = None
    """When that was."""
    client_ttl: int | None = None
    """As in :class:`HandshakeFact`."""
    unread_request: bool = False
    """Something was asked of OCSP that cannot be read: cut by the snaplen, lost, or damaged. ``requests`` is
    empty then, and ``request_error`` says why. Not so where the request is none (``GET /``), nor where it is
    not in the capture at all."""
    ambiguous: tuple[int, ...] = ()
    """Frames that disagree about its bytes (retransmissions and overlaps that differ), or of which a receiver
    may have dropped one (checksum, hop limit, RST, urgent data): another message may have been received."""


@dataclass(frozen=True, slots=True)
class CrlFetchFact:
    """One HTTP request for a certificate revocation list (RFC 5280 5)."""

    kind: ClassVar[str] = "crl_fetch"
    capture: str
    stream: StreamNumber
    time: Time
    frames: ExchangeFrames
    client: str
    server: str
    via_proxy: bool
    url: str | None
    http_status: int | None
    issuer: str | None
    this_update: StatedTime | None
    next_update: StatedTime | None
    client_port: Port = 0
    server_port: Port = 0
    revoked_serials: int | None = None
    """Number of entries of the list."""
    parse_error: str | None = None
    relayed_for: str | None = None
    """For whom a proxy relayed the request: the first address of X-Forwarded-For or of Forwarded (RFC 7239),
    else the value of Via (RFC 9110 7.6.3); None: the request names no other asker."""
    answered_by: str | None = None
    """Header by which the answer shows a proxy. It wrote the answer itself: ``squid: X-Squid-Error …``,
    ``Proxy-Authenticate: …``, ``Proxy-Status: …`` with ``error=``, ``Server: …``. A proxy, or a content
    delivery network, handed it on: ``Via: …``, ``X-Cache: …``, other ``Proxy-Status: …``. None: nothing tells
    of one."""
    date: StatedTime | None = None
    """Time of the Date header of the answer (RFC 9110 6.6.1)."""
    user_agent: str | None = None
    closed_by: Side | None = None
    """Who first ended the connection, by FIN or RST; None: the capture shows no end."""
    closed_time: Time | None = None
    """When that was."""
    client_ttl: int | None = None
    """As in :class:`HandshakeFact`."""
    ambiguous: tuple[int, ...] = ()
    """Frames that disagree about its bytes (retransmissions and overlaps that differ), or of which a receiver
    may have dropped one (checksum, hop limit, RST, urgent data): another message may have been received."""


@dataclass(frozen=True, slots=True)
class DnsLookupFact:
    """One DNS question about a host that matters, with its answer where there was one (RFC 1035)."""

    kind: ClassVar[str] = "dns_lookup"
    capture: str
    stream: StreamNumber
    time: Time
    frames: ExchangeFrames
    client: str
    server: str
    name: str
    type: str
    rcode: str | None
    answers: tuple[str, ...]
    """Addresses and CNAME targets, in the order of the answer section."""
    transport: Transport = "udp"
    truncated: bool = False
    """The answer was cut to fit a datagram (TC bit): the client asks again over TCP (RFC 7766 5)."""
    client_ttl: int | None = None
    """As in :class:`HandshakeFact`."""


@dataclass(frozen=True, slots=True)
class TcpAttemptFact:
    """One attempt to open a TCP connection to a host that matters (RFC 9293)."""

    kind: ClassVar[str] = "tcp_attempt"
    capture: str
    stream: StreamNumber
    time: Time
    frames: ExchangeFrames
    client: str
    server: str
    outcome: TcpOutcome
    client_port: Port = 0
    server_port: Port = 0
    attempts: int = 1
    """SYN segments sent."""
    client_ttl: int | None = None
    """As in :class:`HandshakeFact`."""
    tunnel: Literal["connect", "socks"] | None = None
    """A proxy, ``server``, was asked by CONNECT or SOCKS for a connection to ``host``, and opened none.
    ``frames`` are those of the request and its answer; outcome ``refused``: it answered; ``reset``: it ended
    the connection by RST instead; ``unanswered``: neither. None: this is a TCP connection to ``server``
    itself."""
    host: str | None = None
    """What the proxy was asked for; None as ``tunnel`` is."""
    port: int | None = None
    status: int | None = None
    """HTTP status of the answer to CONNECT, or SOCKS reply code (RFC 1928 6, in SOCKS 4: 91 to 93)."""


Fact: TypeAlias = (
    CaptureFact
    | CertificateFact
    | HandshakeFact
    | OcspExchangeFact
    | CrlFetchFact
    | DnsLookupFact
    | TcpAttemptFact
)


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts of a run, each kind in the order of capture and time."""

    captures: tuple[CaptureFact, ...] = ()
    certificates: dict[Sha256, CertificateFact] = field(default_factory=dict)
    """By SHA-256."""
    handshakes: tuple[HandshakeFact, ...] = ()
    ocsp_exchanges: tuple[OcspExchangeFact, ...] = ()
    crl_fetches: tuple[CrlFetchFact, ...] = ()
    dns_lookups: tuple[DnsLookupFact, ...] = ()
    tcp_attempts: tuple[TcpAttemptFact, ...] = ()

    def __iter__(self) -> Iterator[Fact]:
        """Yield every fact, captures first."""
        yield from self.captures
        yield from self.certificates.values()
        yield from self.handshakes
        yield from self.ocsp_exchanges
        yield from self.crl_fetches
        yield from self.dns_lookups
        yield from self.tcp_attempts
