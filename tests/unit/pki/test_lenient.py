from __future__ import annotations

import pytest

from ocsp_pcap.pki.certificate import parse_certificate

from .test_certificate import LEAF, check_full

AIA_OID = bytes.fromhex("06082b06010505070101")
SAN_OID = bytes.fromhex("0603551d11")


def test_both_parsers_agree() -> None:
    direct = parse_certificate(LEAF)
    # A version that does not exist makes cryptography refuse a certificate that is otherwise sound.
    odd = LEAF.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020101"), 1)
    lenient = parse_certificate(odd)
    check_full(direct)
    assert lenient.extensions == direct.extensions
    assert lenient.subject == direct.subject
    assert lenient.not_after == direct.not_after


def test_one_bad_extension_leaves_the_others() -> None:
    start = LEAF.index(SAN_OID) + len(SAN_OID)
    # The tag inside the extension's OCTET STRING: no SEQUENCE any more.
    broken = LEAF[: start + 2] + b"\x04" + LEAF[start + 3 :]
    certificate = parse_certificate(broken)
    assert certificate.sans == ()
    assert certificate.ocsp_urls == ("http://ocsp.site.test/a", "http://ocsp2.site.test")
    assert certificate.parse_error is not None
    assert "2.5.29.17" in certificate.parse_error


@pytest.mark.parametrize("oid", [SAN_OID, AIA_OID])
def test_extensions_are_found_where_the_test_cuts(oid: bytes) -> None:
    assert LEAF.count(oid) == 1
