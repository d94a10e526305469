"""One OCSP response (RFC 6960 4.2), as far as the program needs it."""

# No postponed annotations: named tuples would compile each of theirs, at every start.
from typing import NamedTuple

from ocsp_pcap.facts import SingleFact

STATUS_NAMES = {
    0: "successful",
    1: "malformedRequest",
    2: "internalError",
    3: "tryLater",
    5: "sigRequired",
    6: "unauthorized",
}
"""OCSPResponseStatus (RFC 6960 4.2.1)."""


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
    singles: tuple[SingleFact, ...] = ()
    nonce: str | None = None
    certificates: tuple[bytes, ...] = ()
    """DER of the certificates that the response carries."""
    signature_algorithm_der: bytes = b""
    """AlgorithmIdentifier."""
    tbs_der: bytes = b""
    """The ResponseData that is signed."""
    signature: bytes = b""
    parse_error: str | None = None
