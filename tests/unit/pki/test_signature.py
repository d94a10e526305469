from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ocsp_pcap.pki.outline import outline_certificate
from ocsp_pcap.pki.signature import algorithm_name, verify_signature

from .authority import END, START, Authority, der, name, new_key


def spki(key: object) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        ("rsa", "sha256WithRSAEncryption"),
        ("ec", "ecdsa-with-SHA256"),
        ("ed25519", "Ed25519"),
        ("ed448", "Ed448"),
    ],
)
def test_good_tampered_and_foreign(kind: str, algorithm: str) -> None:
    key = new_key(kind)
    parts = outline_certificate(der(Authority(key=key).issue()))
    assert algorithm_name(parts.signature_algorithm_der) == algorithm
    arguments = (parts.signature_algorithm_der, parts.signature)
    assert verify_signature(spki(key), *arguments, parts.tbs_der) is True
    assert verify_signature(spki(key), *arguments, parts.tbs_der + b"x") is False
    assert verify_signature(spki(new_key(kind)), *arguments, parts.tbs_der) is False
    foreign = new_key("ec" if kind == "rsa" else "rsa")
    assert verify_signature(spki(foreign), *arguments, parts.tbs_der) is False


@pytest.mark.parametrize("digest", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_rsassa_pss(digest: hashes.HashAlgorithm) -> None:
    key = new_key("rsa")
    builder = x509.CertificateBuilder(name("a"), name("a"), key.public_key(), 5, START, END)
    scheme = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)
    parts = outline_certificate(der(builder.sign(key, digest, rsa_padding=scheme)))
    assert algorithm_name(parts.signature_algorithm_der) == "RSASSA-PSS"
    arguments = (parts.signature_algorithm_der, parts.signature)
    assert verify_signature(spki(key), *arguments, parts.tbs_der) is True
    assert verify_signature(spki(key), *arguments, parts.tbs_der[:-1]) is False


def test_sha1_still_verifies() -> None:
    key = new_key("rsa")
    signature = key.sign(b"message", padding.PKCS1v15(), hashes.SHA1())
    algorithm = bytes.fromhex("300d06092a864886f70d0101050500")
    assert verify_signature(spki(key), algorithm, signature, b"message") is True


def test_dsa() -> None:
    key = dsa.generate_private_key(2048)
    algorithm = bytes.fromhex("300b0609608648016503040302")
    assert verify_signature(spki(key), algorithm, key.sign(b"m", hashes.SHA256()), b"m") is True
    assert verify_signature(spki(key), algorithm, key.sign(b"m", hashes.SHA256()), b"n") is False


def test_what_is_not_supported_proves_nothing() -> None:
    key = spki(new_key())
    unknown = bytes.fromhex("300506032a0304")
    assert verify_signature(key, unknown, b"", b"") is None
    assert verify_signature(b"no key", unknown, b"", b"") is None
    assert verify_signature(key, b"no algorithm", b"", b"") is None
