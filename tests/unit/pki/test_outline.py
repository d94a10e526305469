from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.pki.der import DerError
from ocsp_pcap.pki.outline import outline_certificate

from .authority import Authority, der

AUTHORITY = Authority()
CERTIFICATE = AUTHORITY.issue()
DER = der(CERTIFICATE)


def test_parts_are_those_of_the_encoding() -> None:
    outline = outline_certificate(DER + b"behind")
    assert outline.tbs_der == CERTIFICATE.tbs_certificate_bytes
    assert outline.signature == CERTIFICATE.signature
    assert outline.issuer_der == CERTIFICATE.issuer.public_bytes()
    assert outline.subject_der == CERTIFICATE.subject.public_bytes()
    assert outline.serial == bytes.fromhex("0a0b0c")


@given(st.integers(0, len(DER) - 1))
def test_cut_short(length: int) -> None:
    with pytest.raises(DerError):
        outline_certificate(DER[:length])
