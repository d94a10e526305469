from __future__ import annotations

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.pki.crl import read_crl

from .authority import NOW, Authority, hash_for, ns

AUTHORITY = Authority()


def build(entries: int) -> x509.CertificateRevocationList:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(AUTHORITY.name)
        .last_update(NOW)
        .next_update(NOW + timedelta(days=7))
    )
    for serial in range(1, entries + 1):
        revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW).build()
        builder = builder.add_revoked_certificate(revoked)
    return builder.sign(AUTHORITY.key, hash_for(AUTHORITY.key))


CRL = build(20)
DER = CRL.public_bytes(Encoding.DER)


def test_whole_in_both_forms() -> None:
    for data in (DER, CRL.public_bytes(Encoding.PEM), b"\r\n" + CRL.public_bytes(Encoding.PEM)):
        summary = read_crl(data)
        assert summary.issuer == "CN=Test CA,O=Test\\, Inc."
        assert summary.this_update == ns(NOW)
        assert summary.next_update == ns(NOW + timedelta(days=7))
        assert summary.entries == 20
        assert summary.parse_error is None
    assert read_crl(build(0).public_bytes(Encoding.DER)).entries == 0


def test_prefix() -> None:
    for data in (DER[:300], CRL.public_bytes(Encoding.PEM)[:400]):
        summary = read_crl(data)
        assert summary.issuer == "CN=Test CA,O=Test\\, Inc."
        assert summary.this_update == ns(NOW)
        assert summary.next_update == ns(NOW + timedelta(days=7))
        assert summary.entries is None
        assert summary.parse_error == "the list is cut short"


def test_something_else() -> None:
    assert read_crl(b"<html>").parse_error
    assert read_crl(AUTHORITY.der).this_update is None


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(DER) - 1), st.integers(0, 255), st.integers(0, len(DER)))
def test_damage_never_raises(position: int, value: int, length: int) -> None:
    read_crl((DER[:position] + bytes((value,)) + DER[position + 1 :])[:length])
