"""OCSP messages for tests: made with `cryptography`, and with `openssl` or asn1crypto where that cannot."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from asn1crypto import core as asn1_core
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp

from tests.unit.pki.authority import NOW, Authority, hash_for

NEXT = NOW + timedelta(days=4)


def request_der(
    authority: Authority,
    leaf: x509.Certificate,
    *,
    nonce: bytes | None = None,
    algorithm: hashes.HashAlgorithm | None = None,
) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        leaf, authority.certificate, algorithm or hashes.SHA1()
    )
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def openssl(*arguments: str, directory: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True, timeout=60)


def write_pem(path: Path, certificate: x509.Certificate, key: Any = None) -> None:
    octets = certificate.public_bytes(Encoding.PEM)
    if key is not None:
        octets += key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(octets)


def response_der(
    authority: Authority,
    leaf: x509.Certificate,
    *,
    signer_key: Any = None,
    responder: x509.Certificate | None = None,
    by_name: bool = False,
    embed: bool = True,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    next_update: datetime | None = NEXT,
    reason: x509.ReasonFlags | None = None,
    nonce: bytes | None = None,
    algorithm: hashes.HashAlgorithm | None = None,
    issuer: x509.Certificate | None = None,
) -> bytes:
    """A response, signed by the CA itself or by a responder whose certificate it carries."""
    key = signer_key or authority.key
    encoding = ocsp.OCSPResponderEncoding.NAME if by_name else ocsp.OCSPResponderEncoding.HASH
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=leaf,
        issuer=issuer or authority.certificate,
        algorithm=algorithm or hashes.SHA1(),
        cert_status=status,
        this_update=NOW,
        next_update=next_update,
        revocation_time=NOW if status is ocsp.OCSPCertStatus.REVOKED else None,
        revocation_reason=reason,
    )
    builder = builder.responder_id(encoding, responder or authority.certificate)
    if responder is not None and embed:
        builder = builder.certificates([responder])
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.sign(key, hash_for(key)).public_bytes(Encoding.DER)


def signed_again(der: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The response with the signature of another key: `cryptography` refuses to make such a response."""
    response = asn1_ocsp.OCSPResponse.load(der)
    basic = response["response_bytes"]["response"].parsed
    basic["signature"] = key.sign(basic["tbs_response_data"].dump(), ec.ECDSA(hashes.SHA256()))
    response["response_bytes"]["response"] = asn1_core.ParsableOctetString(basic.dump(force=True))
    return response.dump(force=True)


def error_der(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
