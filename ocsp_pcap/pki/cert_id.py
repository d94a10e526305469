"""The CertID of RFC 6960 4.1.1: hashes that name a certificate's issuer."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from ocsp_pcap.pki.model import ParsedCertificate

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


def key_hash(issuer: ParsedCertificate, algorithm: str) -> str | None:
    """Return the hex hash of the issuer's subjectPublicKey bits, without tag, length and unused bits."""
    return _digest(algorithm, issuer.key_bits) if issuer.key_bits else None
