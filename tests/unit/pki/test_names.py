from __future__ import annotations

from datetime import datetime

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from ocsp_pcap.pki.names import name_text, nanoseconds


@pytest.mark.parametrize("common_name", ["plain", 'a,b+c"d\\e;<f>', "#x ", "Zürich \N{SNOWMAN}"])
def test_name_text_is_that_of_cryptography(common_name: str) -> None:
    relative_name = x509.RelativeDistinguishedName(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@b.test"),
        ]
    )
    country = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COUNTRY_NAME, "CH")])
    name = x509.Name([country, relative_name])
    assert name_text(name.public_bytes()) == name.rfc4514_string()


def test_attribute_that_cannot_be_shown() -> None:
    # A country of three letters, which cryptography refuses to build.
    der = bytes.fromhex("300e310c300a0603550406130343484e")
    assert name_text(der) == "2.5.4.6=#130343484e"


def test_nanoseconds_of_far_years_are_exact() -> None:
    assert nanoseconds(datetime(9999, 12, 31, 23, 59, 59)) == 253_402_300_799 * 10**9
    assert nanoseconds(datetime(1950, 1, 1)) == -631_152_000 * 10**9
