"""Interception CAs: the certificates in a file, or in a configuration that quotes them."""

from __future__ import annotations

from hashlib import sha256

from ocsp_pcap.explain.site.model import AuthorityCertificate, SiteError


def authorities_in(content: bytes, path: str) -> list[AuthorityCertificate]:
    """Return the certificates of a PEM or DER file; private keys beside them are passed over.

    Raises:
        SiteError: it holds none.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        if b"-----BEGIN" in content:
            certificates = x509.load_pem_x509_certificates(content)
        else:
            certificates = [x509.load_der_x509_certificate(content)]
    except ValueError as error:
        raise SiteError(f"ca {path!r} holds no certificate: {error}") from error
    ders = [certificate.public_bytes(Encoding.DER) for certificate in certificates]
    return [AuthorityCertificate(path, der, sha256(der).hexdigest()) for der in ders]
