from __future__ import annotations

import hashlib
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.pki.certificate import parse_certificate
from ocsp_pcap.pki.model import ParsedCertificate

from .authority import END, FULL_EXTENSIONS, START, Authority, der, new_key, ns

AUTHORITY = Authority()
LEAF = der(AUTHORITY.issue(extensions=FULL_EXTENSIONS))


def check_full(certificate: ParsedCertificate) -> None:
    assert certificate.subject == "CN=plain.site.test,O=Test\\, Inc."
    assert certificate.issuer == "CN=Test CA,O=Test\\, Inc."
    assert certificate.not_before == ns(START)
    assert certificate.not_after == ns(END)
    assert certificate.sans == ("plain.site.test", "www.site.test", "2001:db8::1", "192.0.2.1")
    assert certificate.ocsp_urls == ("http://ocsp.site.test/a", "http://ocsp2.site.test")
    assert certificate.ca_issuers_urls == ("http://ca.site.test/ca.crt",)
    assert certificate.crl_urls == ("http://crl.site.test/1.crl", "ldap://crl.site.test/cn=1")
    assert certificate.must_staple
    assert certificate.no_check
    assert certificate.ocsp_signing
    assert not certificate.is_ca
    assert not certificate.self_signed
    assert certificate.authority_key_id == hashlib.sha1(parse_certificate(AUTHORITY.der).key_bits).hexdigest()
    assert certificate.parse_error is None


def test_every_field() -> None:
    certificate = parse_certificate(LEAF)
    check_full(certificate)
    assert certificate.serial == "a0b0c"
    assert certificate.serial_number == 0x0A0B0C
    assert certificate.sha256 == hashlib.sha256(LEAF).hexdigest()
    assert certificate.subject_key_id is None


def test_authority() -> None:
    certificate = parse_certificate(AUTHORITY.der)
    assert certificate.is_ca
    assert certificate.self_signed
    assert certificate.subject_der == certificate.issuer_der
    assert certificate.subject_key_id == hashlib.sha1(certificate.key_bits).hexdigest()


def test_self_issued_by_another_key_is_not_self_signed() -> None:
    other = Authority("plain.site.test")
    assert not parse_certificate(der(other.issue("plain.site.test"))).self_signed


@pytest.mark.parametrize("kind", ["rsa", "ec", "ed25519", "ed448"])
def test_self_signed_by_every_kind_of_key(kind: str) -> None:
    assert parse_certificate(Authority(key=new_key(kind)).der).self_signed


def test_bytes_behind_the_certificate_and_negative_serials_are_read() -> None:
    check_full(parse_certificate(LEAF + b"\0\0"))
    start = LEAF.index(bytes.fromhex("02030a0b0c"))
    negative = LEAF[:start] + bytes.fromhex("0203fa0b0c") + LEAF[start + 5 :]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        certificate = parse_certificate(negative)
    check_full(certificate)
    assert certificate.serial == "fa0b0c"
    assert certificate.serial_number == 0xFA0B0C - (1 << 24)


def test_not_a_certificate() -> None:
    certificate = parse_certificate(b"nothing of the kind")
    assert certificate.sha256 == hashlib.sha256(b"nothing of the kind").hexdigest()
    assert certificate.parse_error
    assert certificate.subject == ""
    assert parse_certificate(b"").parse_error


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(LEAF) - 1), st.integers(0, 255), st.integers(0, len(LEAF)))
def test_damage_never_raises(position: int, value: int, length: int) -> None:
    damaged = LEAF[:position] + bytes((value,)) + LEAF[position + 1 :]
    assert parse_certificate(damaged).sha256
    assert parse_certificate(damaged[:length]).sha256


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_never_raise(data: bytes) -> None:
    assert parse_certificate(data).parse_error
