"""One distinct certificate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ocsp_pcap.facts.types import Hex, Serial, Sha256, StatedTime


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
