"""Events of the TLS parsers: immutable, each with the frame that completed it.

``from_client`` tells the sender; ``frame`` and ``time`` (nanoseconds since the epoch) are those of
the packet that held the last byte of the message. They are named tuples because a handshake makes a
dozen: tell them apart by class, not by comparison.
"""

# No postponed annotations: named tuples would compile each of theirs, at every start.
from typing import NamedTuple, TypeAlias


class ClientHello(NamedTuple):
    """RFC 8446 4.1.2 and RFC 5246 7.4.1.2."""

    frame: int
    time: int
    random: bytes
    session_id: bytes
    legacy_version: int
    supported_versions: tuple[int, ...]
    """Empty where the extension is absent; GREASE values removed."""
    cipher_suites: tuple[int, ...]
    server_name: str | None
    alpn: tuple[str, ...]
    status_request: bool
    """status_request (RFC 6066 8) or status_request_v2 (RFC 6961) was offered."""
    session_ticket: int | None
    """Length in bytes of the session ticket offered (RFC 5077), 0: extension empty, None: absent."""
    psk_identities: int
    early_data: bool
    encrypted_client_hello: bool
    complete: bool = True
    """False: the capture holds only the beginning, so an absent extension is not proven absent."""
    psk_ages: tuple[int, ...] = ()
    """obfuscated_ticket_age of each identity offered (RFC 8446 4.2.11)."""
    cert_with_extern_psk: bool = False
    """tls_cert_with_extern_psk was offered (RFC 8773)."""
    extensions: tuple[int, ...] = ()
    """Types of the extensions, in order of their first occurrence."""
    groups: tuple[int, ...] = ()
    """supported_groups (RFC 8422 5.1.1)."""
    point_formats: tuple[int, ...] = ()
    """ec_point_formats (RFC 8422 5.1.2)."""


class ServerHello(NamedTuple):
    """RFC 8446 4.1.3 and RFC 5246 7.4.1.3."""

    frame: int
    time: int
    random: bytes
    session_id: bytes
    version: int
    """The negotiated version: supported_versions where present, else legacy_version."""
    cipher_suite: int
    alpn: str | None
    psk_selected: bool
    status_request: bool
    """The server announced a CertificateStatus message (RFC 6066 8)."""
    hello_retry_request: bool
    complete: bool = True
    """False: the capture holds only the beginning, so an absent extension is not proven absent."""
    psk_identity: int | None = None
    """Number of the identity that the server selected (RFC 8446 4.2.11)."""
    cert_with_extern_psk: bool = False
    """A certificate is sent although a PSK is used (RFC 8773)."""


class Certificate(NamedTuple):
    """A Certificate message (RFC 8446 4.4.2, RFC 5246 7.4.2), decompressed where RFC 8879 was used."""

    frame: int
    time: int
    from_client: bool
    certificates: tuple[bytes, ...]
    """DER, leaf first."""
    staples: tuple[tuple[int, bytes], ...]
    """TLS 1.3: (index of the certificate, DER of its OCSPResponse)."""
    encrypted: bool
    """It travelled under record protection and was decrypted."""
    complete: bool = True
    """False: only the certificates before a fault or a loss are given."""


class EncryptedExtensions(NamedTuple):
    """RFC 8446 4.3.1, decrypted."""

    frame: int
    time: int
    alpn: str | None
    early_data: bool
    """The server accepts 0-RTT data."""


class CertificateStatus(NamedTuple):
    """CertificateStatus (RFC 6066 8), or its ocsp_multi form (RFC 6961 2.2)."""

    frame: int
    time: int
    responses: tuple[bytes | None, ...]
    """DER of one OCSPResponse a certificate, leaf first; None for an empty place."""
    encrypted: bool


class ChangeCipherSpec(NamedTuple):
    """RFC 5246 7.1."""

    frame: int
    time: int
    from_client: bool


class ServerHelloDone(NamedTuple):
    """RFC 5246 7.4.5: the server's first flight of a full handshake is complete."""

    frame: int
    time: int


class ClientKeyExchange(NamedTuple):
    """RFC 5246 7.4.7."""

    frame: int
    time: int


class Finished(NamedTuple):
    """Finished, read or (``encrypted``) inferred from the first handshake record under protection."""

    frame: int
    time: int
    from_client: bool
    encrypted: bool


class EncryptedHandshake(NamedTuple):
    """Handshake records under protection for which there are no keys: TLS 1.3 flights, renegotiation."""

    frame: int
    time: int
    from_client: bool


class Alert(NamedTuple):
    """RFC 8446 6; ``level`` and ``description`` are None where the alert is encrypted."""

    frame: int
    time: int
    from_client: bool
    level: int | None
    description: int | None


class ApplicationData(NamedTuple):
    """Application data: decrypted bytes, or empty where there are no keys (reported once a direction)."""

    frame: int
    time: int
    from_client: bool
    data: bytes


class Decrypted(NamedTuple):
    """Keys were found for this connection and open its handshake records."""

    frame: int
    time: int


class Damage(NamedTuple):
    """Something in one direction cannot be read: lost bytes, a malformed message, a bound reached."""

    frame: int
    time: int
    from_client: bool
    reason: str
    missing: int = 0
    """Bytes known to be missing from the capture."""
    bound: str | None = None
    """The bound of this program that was reached."""


TlsEvent: TypeAlias = (
    ClientHello
    | ServerHello
    | EncryptedExtensions
    | Certificate
    | CertificateStatus
    | ChangeCipherSpec
    | ServerHelloDone
    | ClientKeyExchange
    | Finished
    | EncryptedHandshake
    | Alert
    | ApplicationData
    | Decrypted
    | Damage
)
