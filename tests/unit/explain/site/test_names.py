"""Names of issuers as people write them."""

from __future__ import annotations

import pytest

from ocsp_pcap.explain.site import Proxy
from ocsp_pcap.explain.site.names import name_within
from tests.unit.explain.facts_factory import certificate

ISSUER = "CN=Corp CA\\, West,OU=Security,O=Corp & Sons,C=DE"


@pytest.mark.parametrize(
    "told",
    [
        "CN=Corp CA\\, West,OU=Security,O=Corp & Sons,C=DE",
        "C=DE, O=Corp & Sons, OU=Security, CN=Corp CA\\, West",
        "cn=corp ca\\2C west",
        "commonName = Corp  CA\\, West ; c=de",
        "/C=DE/O=Corp & Sons/CN=Corp CA, West",
        "Corp CA\\, West",
    ],
)
def test_the_same_name(told: str) -> None:
    assert name_within(told, ISSUER)


@pytest.mark.parametrize("told", ["CN=Corp CA", "CN=Corp CA\\, West,O=Other", "O=DE", "", " , ", "CN="])
def test_another_name(told: str) -> None:
    assert not name_within(told, ISSUER)


def test_a_value_in_utf_8() -> None:
    assert name_within("CN=caf\\C3\\A9", "CN=Café")


def test_responders_that_cover_some_issuers_only() -> None:
    leaf = certificate("www.a.test", issuer="CN=Corp CA,O=Corp")
    assert Proxy("parent").covers(leaf)
    assert Proxy("parent", issuers=("CN=Other", "O=corp, CN=corp ca")).covers(leaf)
    assert not Proxy("parent", issuers=("CN=Other",)).covers(leaf)
