from __future__ import annotations

import pytest
from cryptography.x509 import ocsp
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.ocsp.outline import outline_response
from ocsp_pcap.pki.der import DerError
from tests.unit.pki.authority import Authority

from .messages import response_der

AUTHORITY = Authority()
DER = response_der(AUTHORITY, AUTHORITY.issue(), by_name=True)


def test_parts_are_those_of_the_encoding() -> None:
    outline = outline_response(DER + b"behind")
    parsed = ocsp.load_der_ocsp_response(DER)
    assert outline.tbs_der == parsed.tbs_response_bytes
    assert outline.signature == parsed.signature
    assert outline.responder_der == AUTHORITY.name.public_bytes()
    assert not outline.responder_by_key


def test_other_response_type() -> None:
    outline = outline_response(
        DER.replace(bytes.fromhex("2b0601050507300101"), bytes.fromhex("2b0601050507300177"))
    )
    assert outline.problem == "response type 1.3.6.1.5.5.7.48.1.119 is not id-pkix-ocsp-basic"


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(DER) - 1))
def test_cut_short(length: int) -> None:
    try:
        assert (
            outline_response(DER[:length]).problem == f"{len(DER) - length} bytes of the response are missing"
        )
    except DerError:
        assert length < 8


def test_no_response() -> None:
    with pytest.raises(DerError):
        outline_response(b"<html>")
