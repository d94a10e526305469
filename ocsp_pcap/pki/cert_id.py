"""The CertID of RFC 6960 4.1.1: hashes that name a certificate's issuer, and matching by them."""

from __future__ import annotations

import hashlib
from enum import Enum
from functools import lru_cache

from ocsp_pcap.pki.certificate import Certificate

HASH_ALGORITHMS = ("sha1", "sha256", "sha384", "sha512")
"""The hash algorithms that responders use; others are recognised by name where hashlib has them."""

_HASH_NAMES = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "1.2.840.113549.2.5": "md5",
}
_COMPUTABLE = frozenset(_HASH_NAMES.values())
_SHA1_HEX_LENGTH = 40


class Match(Enum):
    """How far a CertID is proven to name a certificate."""

    FULL = "full"
    """Name hash, key hash of the issuer's certificate, and serial number agree."""
    AKI = "aki"
    """The issuer's certificate is absent; name hash and serial number agree, and the key hash is
    the certificate's authorityKeyIdentifier."""
    NAME_AND_SERIAL = "name-and-serial"
    """The issuer's certificate is absent; name hash and serial number agree, the key is not proven."""
    NONE = "none"

    def __bool__(self) -> bool:
        return self is not Match.NONE


def hash_name(oid: str) -> str:
    """Return the usual name ("sha1", "sha256", ...) of a hash algorithm, or its dotted identifier."""
    return _HASH_NAMES.get(oid, oid)


@lru_cache(maxsize=8192)
def _digest(algorithm: str, data: bytes) -> str | None:
    if algorithm not in _COMPUTABLE:
        return None
    return hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()


def name_hash(name_der: bytes, algorithm: str) -> str | None:
    """Return the hex hash of a DER Name (a certificate's ``issuer_der``, an issuer's ``subject_der``).

    None where the name is unknown (empty) or the algorithm is not one of those known here.
    """
    return _digest(algorithm, name_der) if name_der else None


def key_hash(issuer: Certificate, algorithm: str) -> str | None:
    """Return the hex hash of the issuer's subjectPublicKey bits, without tag, length and unused bits."""
    return _digest(algorithm, issuer.key_bits) if issuer.key_bits else None


def key_hash_candidate(certificate: Certificate) -> str | None:
    """Return what is probably the SHA-1 hash of the issuer's key: a 20-byte authorityKeyIdentifier.

    RFC 5280 4.2.1.2 recommends that form without requiring it, so it supports a match and cannot
    refute one.
    """
    identifier = certificate.authority_key_id
    return identifier if identifier is not None and len(identifier) == _SHA1_HEX_LENGTH else None


def matches(
    certificate: Certificate,
    issuer: Certificate | None,
    hash_algorithm: str,
    issuer_name_hash: str,
    issuer_key_hash: str,
    serial: str,
) -> Match:
    """Tell how far a CertID names this certificate.

    ``issuer`` is the certificate whose key is known to have signed ``certificate``, or None where
    no such certificate was seen. Hashes and serial are lower-case hex, the serial without leading zeros.
    """
    if serial != certificate.serial or not serial:
        return Match.NONE
    if name_hash(certificate.issuer_der, hash_algorithm) != issuer_name_hash:
        return Match.NONE
    if issuer is not None:
        proven = key_hash(issuer, hash_algorithm) == issuer_key_hash
        return Match.FULL if proven else Match.NONE
    if hash_algorithm == "sha1" and key_hash_candidate(certificate) == issuer_key_hash:
        return Match.AKI
    return Match.NAME_AND_SERIAL
