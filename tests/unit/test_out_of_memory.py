"""Memory that runs out is no fault of the bytes that were being read."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import pytest

from ocsp_pcap.http.encoding import decode_body
from ocsp_pcap.pki.certificate import parse_certificate
from ocsp_pcap.pki.crl import read_crl
from ocsp_pcap.pki.lenient import read_leniently
from ocsp_pcap.pki.model import ParsedCertificate
from tests.unit.pki.test_crl import DER


@pytest.mark.parametrize(
    ("within", "read"),
    [
        ("ocsp_pcap.pki.certificate.x509.load_der_x509_certificate", lambda: parse_certificate(b"")),
        ("asn1crypto.x509.Certificate.load", lambda: read_leniently(ParsedCertificate(b"", ""), "")),
        ("cryptography.x509.load_der_x509_crl", lambda: read_crl(DER)),
        ("ocsp_pcap.pki.crl.name_text", lambda: read_crl(DER)),
        ("zlib.decompressobj", lambda: decode_body((("content-encoding", "gzip"),), b"abc", 9)),
    ],
    ids=["certificate", "lenient", "crl", "name", "body"],
)
def test_no_parser_takes_it_for_damage(
    within: str, read: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise MemoryError

    monkeypatch.setattr(within, fail)
    with pytest.raises(MemoryError):
        read()
