"""Verifies signatures of certificates and OCSP responses, by algorithm identifier."""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ocsp_pcap.pki.der import OBJECT_IDENTIFIER as OID_TAG
from ocsp_pcap.pki.der import SEQUENCE, DerError, content_of, dotted, expect

_RSA_PSS = "1.2.840.113549.1.1.10"
_RSA: dict[str, type[hashes.HashAlgorithm]] = {
    "1.2.840.113549.1.1.4": hashes.MD5,
    "1.2.840.113549.1.1.5": hashes.SHA1,
    "1.3.14.3.2.29": hashes.SHA1,
    "1.2.840.113549.1.1.14": hashes.SHA224,
    "1.2.840.113549.1.1.11": hashes.SHA256,
    "1.2.840.113549.1.1.12": hashes.SHA384,
    "1.2.840.113549.1.1.13": hashes.SHA512,
}
_ECDSA: dict[str, type[hashes.HashAlgorithm]] = {
    "1.2.840.10045.4.1": hashes.SHA1,
    "1.2.840.10045.4.3.1": hashes.SHA224,
    "1.2.840.10045.4.3.2": hashes.SHA256,
    "1.2.840.10045.4.3.3": hashes.SHA384,
    "1.2.840.10045.4.3.4": hashes.SHA512,
}
_DSA: dict[str, type[hashes.HashAlgorithm]] = {
    "1.2.840.10040.4.3": hashes.SHA1,
    "2.16.840.1.101.3.4.3.1": hashes.SHA224,
    "2.16.840.1.101.3.4.3.2": hashes.SHA256,
}
_ED25519, _ED448 = "1.3.101.112", "1.3.101.113"
_PSS_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
_NAMES = {
    **{oid: f"{algorithm().name}WithRSAEncryption" for oid, algorithm in _RSA.items()},
    **{oid: f"ecdsa-with-{algorithm().name.upper()}" for oid, algorithm in _ECDSA.items()},
    **{oid: f"dsa-with-{algorithm().name}" for oid, algorithm in _DSA.items()},
    _RSA_PSS: "RSASSA-PSS",
    _ED25519: "Ed25519",
    _ED448: "Ed448",
}


# Few keys sign much, and one that has verified before does it in less time.
_public_key = lru_cache(maxsize=1024)(load_der_public_key)


def algorithm_oid(algorithm_der: bytes) -> str:
    """Return the dotted identifier inside an AlgorithmIdentifier (RFC 5280 4.1.1.2). Raises DerError."""
    outer = expect(algorithm_der, 0, len(algorithm_der), SEQUENCE)
    return dotted(content_of(algorithm_der, expect(algorithm_der, outer.content, outer.end, OID_TAG)))


def algorithm_name(algorithm_der: bytes) -> str:
    """Return a readable name of a signature algorithm, or its dotted identifier. Raises DerError."""
    oid = algorithm_oid(algorithm_der)
    return _NAMES.get(oid, oid)


def verify_signature(
    key_info_der: bytes, algorithm_der: bytes, signature: bytes, message: bytes
) -> bool | None:
    """Tell whether the key (SubjectPublicKeyInfo) made this signature over the message.

    False: it did not, or the algorithm is one that a key of this kind cannot have made. None: the
    key or the algorithm is not supported, so nothing is proven. Never raises.
    """
    try:
        oid = algorithm_oid(algorithm_der)
        key = _public_key(key_info_der)
        if isinstance(key, rsa.RSAPublicKey):
            return _verify_rsa(key, oid, algorithm_der, signature, message)
        if isinstance(key, ec.EllipticCurvePublicKey):
            if oid not in _ECDSA:
                return _other_family(oid)
            key.verify(signature, message, ec.ECDSA(_ECDSA[oid]()))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            if oid != _ED25519:
                return _other_family(oid)
            key.verify(signature, message)
        elif isinstance(key, ed448.Ed448PublicKey):
            if oid != _ED448:
                return _other_family(oid)
            key.verify(signature, message)
        elif isinstance(key, dsa.DSAPublicKey):
            if oid not in _DSA:
                return _other_family(oid)
            key.verify(signature, message, _DSA[oid]())
        else:
            return None
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError, TypeError, OverflowError, DerError):
        return None
    return True


def _other_family(oid: str) -> bool | None:
    """False for an algorithm that is known and needs another kind of key, None for an unknown one."""
    return False if oid in _NAMES else None


def _verify_rsa(
    key: rsa.RSAPublicKey, oid: str, algorithm_der: bytes, signature: bytes, message: bytes
) -> bool | None:
    if oid == _RSA_PSS:
        digest, mask_digest = _pss_hashes(algorithm_der)
        scheme = padding.PSS(mgf=padding.MGF1(mask_digest), salt_length=padding.PSS.AUTO)
        key.verify(signature, message, scheme, digest)
        return True
    if oid not in _RSA:
        return _other_family(oid)
    key.verify(signature, message, padding.PKCS1v15(), _RSA[oid]())
    return True


def _pss_hashes(algorithm_der: bytes) -> tuple[hashes.HashAlgorithm, hashes.HashAlgorithm]:
    """Return the hash of the message and of the mask (RFC 4055 3.1). Raises ValueError."""
    from asn1crypto.algos import SignedDigestAlgorithm

    parameters = SignedDigestAlgorithm.load(algorithm_der)["parameters"]
    digest = parameters["hash_algorithm"]["algorithm"].native
    mask_digest = parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native
    if digest not in _PSS_HASHES or mask_digest not in _PSS_HASHES:
        raise ValueError(f"RSASSA-PSS with {digest}")
    return _PSS_HASHES[digest](), _PSS_HASHES[mask_digest]()
