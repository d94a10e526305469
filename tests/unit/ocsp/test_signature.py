from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.x509 import ocsp

from ocsp_pcap.ocsp.response import parse_response
from ocsp_pcap.ocsp.signature import verify
from ocsp_pcap.pki.certificate import parse_certificate
from tests.unit.pki.authority import NOW, Authority, new_key, ns

from .messages import error_der, openssl, response_der, signed_again, write_pem

AUTHORITY = Authority()
ISSUER = parse_certificate(AUTHORITY.der)
OTHER = Authority("Other CA")
NAMESAKE = Authority()
LEAF = AUTHORITY.issue()
SUBJECT = "CN=Test CA,O=Test\\, Inc."
RESPONDER_SUBJECT = "CN=OCSP Responder,O=Test\\, Inc."
KEY = new_key()


@pytest.mark.parametrize("kind", ["rsa", "ec", "ed25519", "ed448"])
@pytest.mark.parametrize("by_name", [True, False])
def test_by_the_issuer(kind: str, by_name: bool) -> None:
    authority = Authority(key=new_key(kind))
    response = parse_response(response_der(authority, authority.issue(), by_name=by_name))
    outcome = verify(response, [ISSUER, parse_certificate(authority.der)])
    assert (outcome.state, outcome.signer) == ("valid", SUBJECT)


def test_by_a_delegated_responder() -> None:
    responder = AUTHORITY.responder(KEY)
    for by_name in (True, False):
        der_ = response_der(AUTHORITY, LEAF, signer_key=KEY, responder=responder, by_name=by_name)
        outcome = verify(parse_response(der_), [ISSUER])
        assert (outcome.state, outcome.signer) == ("valid", RESPONDER_SUBJECT)


def test_tampered() -> None:
    der_ = response_der(AUTHORITY, LEAF)
    damaged = der_.replace(bytes.fromhex("02030a0b0c8000"), bytes.fromhex("02030a0b0d8000"))
    assert damaged != der_
    outcome = verify(parse_response(damaged), [ISSUER])
    assert outcome.state == "invalid"
    assert outcome.signer is None
    assert "rule 2" in outcome.note


def test_signed_by_someone_else_in_the_name_of_the_issuer() -> None:
    der_ = signed_again(response_der(AUTHORITY, LEAF, by_name=True), NAMESAKE.key)
    assert verify(parse_response(der_), [ISSUER]).state == "invalid"


def test_responder_id_names_someone_else() -> None:
    der_ = response_der(AUTHORITY, LEAF, signer_key=OTHER.key, responder=OTHER.certificate, embed=False)
    der_ = signed_again(der_, AUTHORITY.key)
    outcome = verify(parse_response(der_), [ISSUER])
    assert (outcome.state, outcome.signer) == ("invalid", SUBJECT)
    assert "4.2.2.3" in outcome.note


def test_responder_of_another_authority() -> None:
    responder = OTHER.responder(KEY)
    der_ = response_der(AUTHORITY, LEAF, signer_key=KEY, responder=responder)
    outcome = verify(parse_response(der_), [ISSUER, parse_certificate(OTHER.der)])
    assert (outcome.state, outcome.signer) == ("invalid", RESPONDER_SUBJECT)
    assert "4.2.2.2" in outcome.note


def test_responder_of_a_namesake_of_the_issuer() -> None:
    responder = NAMESAKE.responder(KEY)
    der_ = response_der(AUTHORITY, LEAF, signer_key=KEY, responder=responder)
    assert verify(parse_response(der_), [parse_certificate(NAMESAKE.der)]).state == "unverifiable"
    assert verify(parse_response(der_), [parse_certificate(NAMESAKE.der), ISSUER]).state == "invalid"


def test_without_ocsp_signing() -> None:
    responder = AUTHORITY.responder(KEY, eku=False)
    outcome = verify(
        parse_response(response_der(AUTHORITY, LEAF, signer_key=KEY, responder=responder)), [ISSUER]
    )
    assert outcome.state == "invalid"
    assert "id-kp-OCSPSigning" in outcome.note


def test_expired_and_not_yet_valid() -> None:
    responder = AUTHORITY.responder(KEY, not_before=NOW, not_after=NOW + timedelta(days=1))
    response = parse_response(response_der(AUTHORITY, LEAF, signer_key=KEY, responder=responder))
    assert verify(response, [ISSUER], at=ns(NOW)).state == "valid"
    late = verify(response, [ISSUER])
    early = verify(response, [ISSUER], at=ns(NOW) - 1)
    assert (late.state, early.state) == ("invalid", "invalid")
    assert "expired" in late.note
    assert "not yet" in early.note


def test_nothing_is_valid_without_the_issuer() -> None:
    responder = AUTHORITY.responder(KEY)
    delegated = parse_response(response_der(AUTHORITY, LEAF, signer_key=KEY, responder=responder))
    outcome = verify(delegated, [])
    assert (outcome.state, outcome.signer) == ("unverifiable", RESPONDER_SUBJECT)
    assert "not in the capture" in outcome.note
    itself = parse_response(response_der(AUTHORITY, LEAF, responder=AUTHORITY.certificate))
    assert itself.certificates == (AUTHORITY.der,)
    assert verify(itself, []).state == "unverifiable"
    assert verify(parse_response(response_der(AUTHORITY, LEAF)), []).state == "unverifiable"


def test_responder_certificate_absent() -> None:
    responder = AUTHORITY.responder(KEY)
    der_ = response_der(AUTHORITY, LEAF, signer_key=KEY, responder=responder, embed=False)
    outcome = verify(parse_response(der_), [ISSUER])
    assert (outcome.state, outcome.note) == (
        "unverifiable",
        "the certificate of the responder is not in the capture",
    )


def test_wrong_key_inside_is_invalid_even_without_the_issuer() -> None:
    responder = AUTHORITY.responder(KEY)
    der_ = response_der(AUTHORITY, LEAF, signer_key=KEY, responder=responder)
    der_ = signed_again(der_, new_key())
    assert verify(parse_response(der_), []).state == "invalid"


def test_issuer_key_under_another_name_is_no_issuer() -> None:
    renamed = Authority("Renamed CA", key=AUTHORITY.key)
    response = parse_response(response_der(AUTHORITY, LEAF))
    assert verify(response, [parse_certificate(renamed.der)]).state == "unverifiable"


def test_unsigned() -> None:
    outcome = verify(parse_response(error_der(ocsp.OCSPResponseStatus.TRY_LATER)), [ISSUER])
    assert (outcome.state, outcome.note) == ("unverifiable", "a tryLater response is not signed")
    assert verify(parse_response(b"junk"), [ISSUER]).state == "unverifiable"


def test_unsupported_algorithm_proves_nothing() -> None:
    der_ = response_der(AUTHORITY, LEAF)
    # ecdsa-with-SHA256 becomes an arc that does not exist.
    odd = der_.replace(bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d04037f"))
    outcome = verify(parse_response(odd), [ISSUER])
    assert outcome.state == "unverifiable"
    assert "1.2.840.10045.4.3.127" in outcome.note


def test_what_openssl_signs(tmp_path: Path) -> None:
    authority = Authority(key=new_key("rsa"))
    responder_key = new_key("rsa")
    responder = authority.responder(responder_key)
    write_pem(tmp_path / "ca.pem", authority.certificate, authority.key)
    write_pem(tmp_path / "responder.pem", responder, responder_key)
    (tmp_path / "index.txt").write_text(
        "V\t351231235959Z\t\t11\tunknown\t/CN=a\nR\t351231235959Z\t250105000000Z,keyCompromise\t22\tunknown\t/CN=b\n"
    )
    ask = ["ocsp", "-issuer", "ca.pem", "-serial", "0x11", "-serial", "0x22", "-serial", "0x33"]
    openssl(*ask, "-reqout", "request.der", directory=tmp_path)
    for signer, digest in (("ca.pem", "sha1"), ("responder.pem", "sha1"), ("responder.pem", "sha512")):
        answer = ["ocsp", "-index", "index.txt", "-CA", "ca.pem", "-reqin", "request.der", "-rsigner", signer]
        openssl(*answer, f"-rmd={digest}", "-respout", "response.der", directory=tmp_path)
        response = parse_response((tmp_path / "response.der").read_bytes())
        assert response.parse_error is None
        found = [(single.cert_id.serial, single.status) for single in response.singles]
        assert found == [("11", "good"), ("22", "revoked"), ("33", "unknown")]
        assert response.singles[1].revocation_reason == "keyCompromise"
        assert response.nonce is not None
        outcome = verify(response, [parse_certificate(authority.der)])
        assert outcome.state == "valid"
