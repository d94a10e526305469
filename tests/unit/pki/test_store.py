from __future__ import annotations

from collections.abc import Sequence

from ocsp_pcap.pki.cert_id import key_hash, name_hash
from ocsp_pcap.pki.certificate import parse_certificate
from ocsp_pcap.pki.model import ParsedCertificate
from ocsp_pcap.pki.store import CertificateStore, issued_by

from .authority import Authority, der


def test_parsed_once() -> None:
    store = CertificateStore()
    octets = Authority().der
    assert store.add(octets) is store.add(bytes(bytearray(octets)))
    assert len(store) == 1


def test_issuer_by_signature_and_not_by_name_alone() -> None:
    right, wrong = Authority(), Authority()
    leaf = parse_certificate(der(right.issue()))
    store = CertificateStore()
    impostor = store.add(wrong.der)
    assert store.issuer(leaf) is None
    issuer = store.add(right.der)
    assert store.issuers_of(leaf) == [issuer, impostor]
    assert store.issuer(leaf) is issuer
    assert store.issued_by(leaf, impostor) is False
    assert store.issuer(issuer) is issuer


def test_issuer_without_authority_key_identifier() -> None:
    authority = Authority()
    store = CertificateStore()
    store.add(Authority().der)
    issuer = store.add(authority.der)
    assert store.issuer(store.add(der(authority.issue(aki=False)))) is issuer


def test_issued_by_needs_the_name() -> None:
    key_holder = Authority("One")
    same_key = Authority("Two", key=key_holder.key)
    leaf = parse_certificate(der(key_holder.issue()))
    assert issued_by(leaf, parse_certificate(key_holder.der)) is True
    assert issued_by(leaf, parse_certificate(same_key.der)) is False


def test_unreadable_parts_prove_nothing() -> None:
    leaf = parse_certificate(der(Authority().issue()))
    broken = parse_certificate(b"junk")
    assert issued_by(leaf, broken) is False
    assert issued_by(broken, leaf) is False


def test_authorities_are_found_by_name_and_key_also_those_that_came_later() -> None:
    store = CertificateStore()

    def meant(issuer: ParsedCertificate, algorithm: str = "sha1") -> Sequence[ParsedCertificate]:
        name = name_hash(issuer.subject_der, algorithm) or ""
        return store.authorities(algorithm, name, key_hash(issuer, algorithm) or "")

    first = store.add(Authority("One").der)
    assert meant(first) == (first,)
    key = Authority("Two").key
    second = store.add(Authority("Two", key=key).der)
    third = store.add(Authority("Two").der)
    assert (meant(second), meant(third)) == ((second,), (third,))
    assert meant(second, "sha256") == (second,)
    again = store.add(Authority("Two", key=key).der)
    assert again is not second
    assert meant(again) == (second,), "one of several with one key"
    assert store.authorities("gost", "00", "00") == ()
    assert store.authorities("sha1", name_hash(first.subject_der, "sha1") or "", "00") == ()


def test_bound() -> None:
    store = CertificateStore(max_bytes=10)
    assert store.add(Authority().der).is_ca
    assert len(store) == 0
