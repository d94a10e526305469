"""One OCSP response, from HTTP or from a handshake, and the CertIDs that it speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ocsp_pcap.facts.types import Hex, Serial, Sha256, SignatureState, StatedTime


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
