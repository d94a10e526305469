from __future__ import annotations

import pytest

from ocsp_pcap.http.tunnel import authority


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("site.test:443", ("site.test", 443)),
        ("[2001:db8::1]:8443", ("2001:db8::1", 8443)),
        ("site.test", ("site.test", None)),
        ("[2001:db8::1]", ("2001:db8::1", None)),
        ("site.test:http", ("site.test:http", None)),
        ("", (None, None)),
    ],
)
def test_authority(target: str, expected: tuple[str | None, int | None]) -> None:
    assert authority(target) == expected
