from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

from ocsp_pcap.pki.cert_id import (
    HASH_ALGORITHMS,
    Match,
    hash_name,
    key_hash,
    key_hash_candidate,
    matches,
    name_hash,
)
from ocsp_pcap.pki.certificate import parse_certificate

from .authority import Authority, der

AUTHORITY = Authority()
ISSUER = parse_certificate(AUTHORITY.der)
LEAF_X509 = AUTHORITY.issue()
LEAF = parse_certificate(der(LEAF_X509))
ALGORITHMS = {
    "sha1": hashes.SHA1(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def cert_id(algorithm: str) -> tuple[str, str]:
    builder = ocsp.OCSPRequestBuilder()
    request = builder.add_certificate(LEAF_X509, AUTHORITY.certificate, ALGORITHMS[algorithm]).build()
    return request.issuer_name_hash.hex(), request.issuer_key_hash.hex()


@pytest.mark.parametrize("algorithm", HASH_ALGORITHMS)
def test_hashes_are_those_of_a_real_request(algorithm: str) -> None:
    name, key = cert_id(algorithm)
    assert name_hash(LEAF.issuer_der, algorithm) == name
    assert key_hash(ISSUER, algorithm) == key
    assert matches(LEAF, ISSUER, algorithm, name, key, "a0b0c") is Match.FULL


def test_without_issuer() -> None:
    name, key = cert_id("sha1")
    assert key_hash_candidate(LEAF) == key
    assert matches(LEAF, None, "sha1", name, key, "a0b0c") is Match.AKI
    assert matches(LEAF, None, "sha1", name, "00" * 20, "a0b0c") is Match.NAME_AND_SERIAL
    name, key = cert_id("sha256")
    assert matches(LEAF, None, "sha256", name, key, "a0b0c") is Match.NAME_AND_SERIAL


def test_no_match() -> None:
    name, key = cert_id("sha1")
    assert matches(LEAF, ISSUER, "sha1", name, "00" * 20, "a0b0c") is Match.NONE
    assert matches(LEAF, ISSUER, "sha1", "00" * 20, key, "a0b0c") is Match.NONE
    assert matches(LEAF, ISSUER, "sha1", name, key, "a0b0d") is Match.NONE
    assert matches(LEAF, ISSUER, "1.2.3", name, key, "a0b0c") is Match.NONE
    assert not matches(parse_certificate(b""), None, "sha1", name, key, "")
    assert Match.NAME_AND_SERIAL


def test_names() -> None:
    assert hash_name("1.3.14.3.2.26") == "sha1"
    assert hash_name("1.2.3") == "1.2.3"
    assert name_hash(b"", "sha1") is None


def test_key_identifier_of_another_form_is_no_candidate() -> None:
    identifier = x509.AuthorityKeyIdentifier(b"short", None, None)
    leaf = parse_certificate(der(AUTHORITY.issue(aki=False, extensions=(identifier,))))
    assert leaf.authority_key_id == b"short".hex()
    assert key_hash_candidate(leaf) is None
