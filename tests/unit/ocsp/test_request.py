from __future__ import annotations

import base64
import contextlib
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ocsp_pcap.ocsp.request import OcspParseError, parse_request, request_from_path
from ocsp_pcap.pki.cert_id import key_hash, name_hash
from ocsp_pcap.pki.certificate import parse_certificate
from tests.unit.pki.authority import Authority

from .messages import openssl, request_der, write_pem

AUTHORITY = Authority()
ISSUER = parse_certificate(AUTHORITY.der)
LEAF = AUTHORITY.issue(serial=0x00C0FFEE00)
DER = request_der(AUTHORITY, LEAF)
# Its base64 holds "+" and ends in "/".
OTHER = request_der(AUTHORITY, AUTHORITY.issue(serial=0xFBEFBE77FFFF), algorithm=hashes.SHA256())


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_one_entry(algorithm: hashes.HashAlgorithm) -> None:
    request = parse_request(request_der(AUTHORITY, LEAF, nonce=b"\x01" * 16, algorithm=algorithm))
    (entry,) = request.entries
    assert entry.hash_algorithm == algorithm.name
    assert entry.issuer_name_hash == name_hash(ISSUER.subject_der, algorithm.name)
    assert entry.issuer_key_hash == key_hash(ISSUER, algorithm.name)
    assert entry.serial == "c0ffee00"
    assert request.nonce == "01" * 16


def test_several_entries_signed_with_requestor(tmp_path: Path) -> None:
    write_pem(tmp_path / "ca.pem", AUTHORITY.certificate, AUTHORITY.key)
    serials = ["-serial", "0x11", "-serial", "0x2200", "-sha256", "-serial", "3"]
    signer = ["-signer", "ca.pem", "-signkey", "ca.pem"]
    arguments = ["ocsp", "-issuer", "ca.pem", *serials, *signer, "-reqout", "request.der"]
    openssl(*arguments, directory=tmp_path)
    request = parse_request((tmp_path / "request.der").read_bytes())
    assert [entry.serial for entry in request.entries] == ["11", "2200", "3"]
    assert [entry.hash_algorithm for entry in request.entries][:2] == ["sha1", "sha1"]
    assert request.nonce is not None
    assert len(request.nonce) == 32


def test_bare_nonce_of_old_software() -> None:
    der = request_der(AUTHORITY, LEAF, nonce=b"\x05" * 8)
    wrapped = bytes.fromhex("040a0408") + b"\x05" * 8
    bare = bytes.fromhex("040a0506") + b"\x05" * 8
    assert parse_request(der.replace(wrapped, bare)).nonce == "0506" + "05" * 8


@pytest.mark.parametrize("data", [b"", b"\x30\x00", b"\x30\x02\x30\x00", b"<html>", AUTHORITY.der])
def test_something_else(data: bytes) -> None:
    with pytest.raises(OcspParseError):
        parse_request(data)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(DER) - 1), st.integers(0, 255), st.integers(0, len(DER)))
def test_damage_raises_nothing_else(position: int, value: int, length: int) -> None:
    with contextlib.suppress(OcspParseError):
        parse_request((DER[:position] + bytes((value,)) + DER[position + 1 :])[:length])


@pytest.mark.parametrize("der", [DER, OTHER])
@pytest.mark.parametrize(
    "prefix", ["/", "//", "/ocsp/", "/MAIN/MA/", "http://ocsp.site.test/", "http://h/a//"]
)
@pytest.mark.parametrize("form", ["raw", "quoted", "twice", "lower", "unpadded", "url", "space", "query"])
def test_path(der: bytes, prefix: str, form: str) -> None:
    text = base64.b64encode(der).decode()
    spelled = {
        "raw": text,
        "quoted": quote(text, safe=""),
        "twice": quote(quote(text, safe=""), safe=""),
        "lower": quote(text, safe="").replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d"),
        "unpadded": text.rstrip("="),
        "url": base64.urlsafe_b64encode(der).decode(),
        "space": text.replace("+", "%20"),
        "query": text + "?x=1",
    }[form]
    assert request_from_path(prefix + spelled) == der


@pytest.mark.parametrize("path", ["", "/", "/index.html", "/MAIN/MENU", "*", "/MA==", "/" + "MA/" * 20_000])
def test_path_without_request(path: str) -> None:
    assert request_from_path(path) is None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
@example("/M%4")
@example("/MÄ")
def test_any_path(path: str) -> None:
    assert request_from_path("/M" + path) is None
