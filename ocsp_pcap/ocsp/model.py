"""OCSP (RFC 6960 4): the identifier of a certificate, and a response, as far as the program needs them."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

CertificateStatus: TypeAlias = Literal["good", "revoked", "unknown"]

STATUS_NAMES = {
    0: "successful",
    1: "malformedRequest",
    2: "internalError",
    3: "tryLater",
    5: "sigRequired",
    6: "unauthorized",
}
"""OCSPResponseStatus (RFC 6960 4.2.1)."""

MAX_SINGLES = 1024
"""Single responses of one response that are read."""


class CertId(NamedTuple):
    """A CertID (RFC 6960 4.1.1): hashes and serial in lower-case hex, serial without leading zeros."""

    hash_algorithm: str
    """"sha1", "sha256", ..., or the dotted identifier of an algorithm without a usual name."""
    issuer_name_hash: str
    issuer_key_hash: str
    serial: str


class SingleResponse(NamedTuple):
    """One SingleResponse (RFC 6960 4.2.1). Times are nanoseconds since the epoch."""

    cert_id: CertId
    status: CertificateStatus
    this_update: int
    next_update: int | None
    revocation_time: int | None
    revocation_reason: str | None
    """By its name in RFC 5280 5.3.1."""


class OcspResponse(NamedTuple):
    """One OCSPResponse. What could not be read is empty or None and ``parse_error`` says so."""

    der: bytes
    sha256: str
    response_status: str | None = None
    """successful, malformedRequest, internalError, tryLater, sigRequired, unauthorized, or the
    number of a status that RFC 6960 does not define; None: unparsable."""
    responder_id: str | None = None
    """The responder's name (RFC 4514) or the hex SHA-1 hash of its key."""
    responder_name_der: bytes | None = None
    responder_key_hash: str | None = None
    produced_at: int | None = None
    singles: tuple[SingleResponse, ...] = ()
    nonce: str | None = None
    certificates: tuple[bytes, ...] = ()
    """DER of the certificates that the response carries."""
    signature_algorithm_der: bytes = b""
    """AlgorithmIdentifier."""
    tbs_der: bytes = b""
    """The ResponseData that is signed."""
    signature: bytes = b""
    parse_error: str | None = None
