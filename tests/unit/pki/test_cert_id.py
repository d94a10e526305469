from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

from ocsp_pcap.pki.cert_id import HASH_ALGORITHMS, hash_name, key_hash, name_hash
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


def test_names() -> None:
    assert hash_name("1.3.14.3.2.26") == "sha1"
    assert hash_name("1.2.3") == "1.2.3"
    assert name_hash(b"", "sha1") is None
