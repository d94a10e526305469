from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from ocsp_pcap.ocsp.lenient import read_leniently
from ocsp_pcap.ocsp.response import parse_response
from tests.unit.pki.authority import Authority

from .messages import response_der

AUTHORITY = Authority()
LEAF = AUTHORITY.issue(serial=0xC0FFEE)


@pytest.mark.parametrize("by_name", [True, False])
@pytest.mark.parametrize("reason", [None, x509.ReasonFlags.key_compromise, x509.ReasonFlags.superseded])
@pytest.mark.parametrize("status", list(ocsp.OCSPCertStatus))
def test_both_parsers_agree(
    by_name: bool, reason: x509.ReasonFlags | None, status: ocsp.OCSPCertStatus
) -> None:
    if status is not ocsp.OCSPCertStatus.REVOKED:
        reason = None
    direct = parse_response(
        response_der(AUTHORITY, LEAF, by_name=by_name, status=status, reason=reason, nonce=b"\x01" * 4)
    )
    blank = direct._replace(singles=(), produced_at=None)
    assert read_leniently(blank, "refused") == direct


def test_unknown_hash_algorithm_is_read() -> None:
    der = response_der(AUTHORITY, LEAF)
    # id-sha1 1.3.14.3.2.26 becomes 1.3.14.3.2.99.
    response = parse_response(der.replace(bytes.fromhex("2b0e03021a"), bytes.fromhex("2b0e030263")))
    assert response.parse_error is None
    assert response.singles[0].cert_id.hash_algorithm == "1.3.14.3.2.99"
    assert response.singles[0].cert_id.serial == "c0ffee"


def test_refusal_of_both() -> None:
    direct = parse_response(response_der(AUTHORITY, LEAF))
    assert read_leniently(direct._replace(tbs_der=b"\x30\x00"), "refused").parse_error == "refused"
