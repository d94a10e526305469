"""X.509 certificates (RFC 5280) as the program needs them: parsed once, never raising."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from ocsp_pcap.pki.der import DerError, serial_text
from ocsp_pcap.pki.model import Extensions, ParsedCertificate
from ocsp_pcap.pki.names import nanoseconds
from ocsp_pcap.pki.outline import CertificateOutline, outline_certificate
from ocsp_pcap.pki.signature import verify_signature


def parse_certificate(der: bytes) -> ParsedCertificate:
    """Parse one DER certificate. Never raises: see :attr:`ParsedCertificate.parse_error`."""
    certificate = ParsedCertificate(der=der, sha256=hashlib.sha256(der).hexdigest())
    outline: CertificateOutline | None = None
    problem: str | None = None
    try:
        outline = outline_certificate(der)
    except DerError as error:
        problem = str(error)
    else:
        certificate = certificate._replace(
            subject_der=outline.subject_der,
            issuer_der=outline.issuer_der,
            serial=serial_text(outline.serial),
            serial_number=int.from_bytes(outline.serial, "big", signed=True),
            key_bits=outline.key_bits,
            key_info_der=outline.key_info_der,
        )
    try:
        certificate = _by_cryptography(certificate)
    except MemoryError:
        raise
    except Exception as error:
        # cryptography raises ValueError, TypeError, UnsupportedAlgorithm and exceptions of its own
        # Rust layer; whichever it was, the second parser decides.
        from ocsp_pcap.pki.lenient import read_leniently

        certificate = read_leniently(certificate, problem or str(error) or type(error).__name__)
    if outline is not None and certificate.subject_der == certificate.issuer_der:
        own = verify_signature(
            outline.key_info_der, outline.signature_algorithm_der, outline.signature, outline.tbs_der
        )
        certificate = certificate._replace(own_signature=own)
    return certificate


def _by_cryptography(certificate: ParsedCertificate) -> ParsedCertificate:
    with warnings.catch_warnings():
        # It warns of serial numbers and encodings that RFC 5280 forbids and that it still reads.
        warnings.simplefilter("ignore")
        parsed = x509.load_der_x509_certificate(certificate.der)
        subject = parsed.subject.rfc4514_string()
        # Names of a self-signed certificate are read once.
        same = certificate.subject_der == certificate.issuer_der
        issuer = subject if same else parsed.issuer.rfc4514_string()
        return certificate._replace(
            subject=subject,
            issuer=issuer,
            not_before=nanoseconds(parsed.not_valid_before_utc),
            not_after=nanoseconds(parsed.not_valid_after_utc),
            extensions=_extensions(parsed),
        )


def _extensions(parsed: x509.Certificate) -> Extensions:
    found: dict[str, object] = {}
    for extension in parsed.extensions:
        reader = _READERS.get(type(extension.value))
        if reader is not None:
            found.update(reader(extension.value))
    return Extensions(**found)  # type: ignore[arg-type]


def _read_sans(value: x509.SubjectAlternativeName) -> dict[str, object]:
    names = value.get_values_for_type(x509.DNSName)
    addresses = value.get_values_for_type(x509.IPAddress)
    return {"sans": (*names, *map(str, addresses))}


def _read_aia(value: x509.AuthorityInformationAccess) -> dict[str, object]:
    urls: dict[x509.ObjectIdentifier, list[str]] = {}
    for access in value:
        if isinstance(access.access_location, x509.UniformResourceIdentifier):
            urls.setdefault(access.access_method, []).append(access.access_location.value)
    return {
        "ocsp_urls": tuple(urls.get(AuthorityInformationAccessOID.OCSP, ())),
        "ca_issuers_urls": tuple(urls.get(AuthorityInformationAccessOID.CA_ISSUERS, ())),
    }


def _read_crl_points(value: x509.CRLDistributionPoints) -> dict[str, object]:
    urls = [
        name.value
        for point in value
        for name in point.full_name or ()
        if isinstance(name, x509.UniformResourceIdentifier)
    ]
    return {"crl_urls": tuple(urls)}


def _read_tls_feature(value: x509.TLSFeature) -> dict[str, object]:
    wanted = (x509.TLSFeatureType.status_request, x509.TLSFeatureType.status_request_v2)
    return {"must_staple": any(feature in wanted for feature in value)}


def _read_authority_key(value: x509.AuthorityKeyIdentifier) -> dict[str, object]:
    return {"authority_key_id": value.key_identifier.hex() if value.key_identifier else None}


_READERS: dict[type[x509.ExtensionType], Callable[[Any], dict[str, object]]] = {
    x509.SubjectAlternativeName: _read_sans,
    x509.AuthorityInformationAccess: _read_aia,
    x509.CRLDistributionPoints: _read_crl_points,
    x509.TLSFeature: _read_tls_feature,
    x509.BasicConstraints: lambda value: {"is_ca": value.ca},
    x509.SubjectKeyIdentifier: lambda value: {"subject_key_id": value.digest.hex()},
    x509.AuthorityKeyIdentifier: _read_authority_key,
    x509.OCSPNoCheck: lambda value: {"no_check": True},
    x509.ExtendedKeyUsage: lambda value: {"ocsp_signing": ExtendedKeyUsageOID.OCSP_SIGNING in value},
    x509.PrecertificateSignedCertificateTimestamps: lambda value: {"scts": len(value)},
}
