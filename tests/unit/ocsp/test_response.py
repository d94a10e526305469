from __future__ import annotations

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.ocsp.response import parse_response
from ocsp_pcap.pki.cert_id import key_hash
from ocsp_pcap.pki.certificate import parse_certificate
from tests.unit.pki.authority import NOW, Authority, der, new_key, ns

from .messages import NEXT, error_der, response_der

AUTHORITY = Authority()
ISSUER = parse_certificate(AUTHORITY.der)
LEAF = AUTHORITY.issue(serial=0xC0FFEE)
KEY = new_key()
RESPONDER = AUTHORITY.responder(KEY)
DER = response_der(AUTHORITY, LEAF, signer_key=KEY, responder=RESPONDER, nonce=b"\x07" * 8)


def test_good() -> None:
    response = parse_response(DER)
    assert response.parse_error is None
    assert response.sha256 == hashlib.sha256(DER).hexdigest()
    assert response.response_status == "successful"
    assert response.responder_id == response.responder_key_hash
    assert response.nonce == "07" * 8
    assert response.certificates == (der(RESPONDER),)
    (single,) = response.singles
    assert single.cert_id.serial == "c0ffee"
    assert single.cert_id.hash_algorithm == "sha1"
    assert single.cert_id.issuer_key_hash == key_hash(ISSUER, "sha1")
    assert (single.status, single.this_update, single.next_update) == ("good", ns(NOW), ns(NEXT))
    assert (single.revocation_time, single.revocation_reason) == (None, None)


def test_by_name_without_next_update() -> None:
    der_ = response_der(AUTHORITY, LEAF, by_name=True, next_update=None, algorithm=hashes.SHA256())
    response = parse_response(der_)
    assert response.responder_id == "CN=Test CA,O=Test\\, Inc."
    assert response.responder_name_der == AUTHORITY.name.public_bytes()
    assert response.singles[0].next_update is None
    assert response.singles[0].cert_id.hash_algorithm == "sha256"
    assert response.nonce is None


@pytest.mark.parametrize("reason", [None, *(r for r in x509.ReasonFlags if r.value != "aACompromise")])
def test_revoked(reason: x509.ReasonFlags | None) -> None:
    status = ocsp.OCSPCertStatus.REVOKED
    (single,) = parse_response(response_der(AUTHORITY, LEAF, status=status, reason=reason)).singles
    assert single.status == "revoked"
    assert single.revocation_time == ns(NOW)
    assert single.revocation_reason == (None if reason is None else reason.value)


def test_unknown() -> None:
    der_ = response_der(AUTHORITY, LEAF, status=ocsp.OCSPCertStatus.UNKNOWN)
    assert parse_response(der_).singles[0].status == "unknown"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (ocsp.OCSPResponseStatus.MALFORMED_REQUEST, "malformedRequest"),
        (ocsp.OCSPResponseStatus.INTERNAL_ERROR, "internalError"),
        (ocsp.OCSPResponseStatus.TRY_LATER, "tryLater"),
        (ocsp.OCSPResponseStatus.SIG_REQUIRED, "sigRequired"),
        (ocsp.OCSPResponseStatus.UNAUTHORIZED, "unauthorized"),
    ],
)
def test_errors(status: ocsp.OCSPResponseStatus, text: str) -> None:
    response = parse_response(error_der(status))
    assert response.response_status == text
    assert response.parse_error is None
    assert response.singles == ()


def test_undefined_status_and_empty_success() -> None:
    assert parse_response(bytes.fromhex("30030a0104")).response_status == "4"
    response = parse_response(bytes.fromhex("30030a0100"))
    assert response.response_status == "successful"
    assert response.parse_error == "successful, yet without responseBytes"


@pytest.mark.parametrize("data", [b"", b"<html>captive</html>", AUTHORITY.der])
def test_something_else(data: bytes) -> None:
    response = parse_response(data)
    assert response.response_status is None
    assert response.parse_error is not None
    assert response.parse_error.startswith("not an OCSPResponse")


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(DER) - 1), st.integers(0, 255), st.integers(0, len(DER)))
def test_damage_never_raises(position: int, value: int, length: int) -> None:
    damaged = DER[:position] + bytes((value,)) + DER[position + 1 :]
    parse_response(damaged)
    parse_response(damaged[:length])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is empty"),
        (b"\xef\xbb\xbf \r\n<!DOCTYPE html><html>", "a web page (HTML)"),
        (b"<HTML><body>log in", "a web page (HTML)"),
        (b"<?xml version='1.0'?>", "a document with markup, such as XML"),
        (b"Service unavailable\n", "plain text"),
        (b"\x31\x03\x0a\x01\x03", "tag 0x31 where 0x30 was expected at offset 0"),
    ],
)
def test_what_stands_where_a_response_was_expected(body: bytes, words: str) -> None:
    response = parse_response(body)
    assert (response.response_status, response.parse_error) == (None, f"not an OCSPResponse: {words}")
