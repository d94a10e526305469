"""A certification authority for tests, made with `cryptography`."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID as Aia
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SECOND = 1_000_000_000
START = datetime(2025, 1, 1, tzinfo=UTC)
# Responses are dated by the real clock, which must stay within.
END = datetime(2090, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=30)


def ns(moment: datetime) -> int:
    return int(moment.timestamp()) * SECOND


def name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test, Inc."),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def hash_for(key: Any) -> hashes.HashAlgorithm | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey) else hashes.SHA256()


def new_key(kind: str = "ec") -> Any:
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "ed448":
        return ed448.Ed448PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1())


class Authority:
    """One CA with its key."""

    def __init__(self, common_name: str = "Test CA", key: Any = None) -> None:
        self.key = key or new_key()
        self.name = name(common_name)
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(self.name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(START)
            .not_valid_after(END)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
        )
        self.certificate = builder.sign(self.key, hash_for(self.key))

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    def issue(
        self,
        common_name: str = "plain.site.test",
        *,
        key: Any = None,
        serial: int = 0x0A0B0C,
        not_after: datetime = END,
        not_before: datetime = START,
        extensions: tuple[x509.ExtensionType, ...] = (),
        aki: bool = True,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(common_name))
            .issuer_name(self.name)
            .public_key((key or new_key()).public_key())
            .serial_number(serial)
            .not_valid_before(not_before)
            .not_valid_after(not_after)
        )
        if aki:
            identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
            builder = builder.add_extension(identifier, critical=False)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.key, hash_for(self.key))

    def responder(self, key: Any, *, eku: bool = True, **options: Any) -> x509.Certificate:
        usage = ExtendedKeyUsageOID.OCSP_SIGNING if eku else ExtendedKeyUsageOID.SERVER_AUTH
        extensions = (x509.ExtendedKeyUsage([usage]), x509.OCSPNoCheck())
        return self.issue("OCSP Responder", key=key, extensions=extensions, serial=77, **options)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


FULL_EXTENSIONS: tuple[x509.ExtensionType, ...] = (
    x509.SubjectAlternativeName(
        [
            x509.IPAddress(ipaddress.ip_address("2001:db8::1")),
            x509.DNSName("plain.site.test"),
            x509.RFC822Name("who@site.test"),
            x509.DNSName("www.site.test"),
            x509.IPAddress(ipaddress.ip_address("192.0.2.1")),
        ]
    ),
    x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(Aia.OCSP, x509.UniformResourceIdentifier("http://ocsp.site.test/a")),
            x509.AccessDescription(
                Aia.CA_ISSUERS, x509.UniformResourceIdentifier("http://ca.site.test/ca.crt")
            ),
            x509.AccessDescription(Aia.OCSP, x509.UniformResourceIdentifier("http://ocsp2.site.test")),
        ]
    ),
    x509.CRLDistributionPoints(
        [
            x509.DistributionPoint(
                [
                    x509.UniformResourceIdentifier("http://crl.site.test/1.crl"),
                    x509.UniformResourceIdentifier("ldap://crl.site.test/cn=1"),
                ],
                None,
                None,
                None,
            )
        ]
    ),
    x509.TLSFeature([x509.TLSFeatureType.status_request]),
    x509.OCSPNoCheck(),
    x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]),
)
