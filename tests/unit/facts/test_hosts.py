"""Hosts of URLs, however they are written."""

from __future__ import annotations

import pytest

from ocsp_pcap.facts.hosts import host_of


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://OCSP.Site.Test.:8080/a", "ocsp.site.test"),
        ("http://192.0.2.7/", "192.0.2.7"),
        ("http://[2001:DB8:0:0:0::1]:80/", "2001:db8::1"),
        ("http://[2001:0db8::0001]/", "2001:db8::1"),
        ("http://[2001:db8::zz]/", None),
        ("ocsp.site.test", None),
        (None, None),
    ],
)
def test_the_host_of_a_url(url: str | None, host: str | None) -> None:
    assert host_of(url) == host
