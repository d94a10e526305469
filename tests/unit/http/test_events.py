from __future__ import annotations

from ocsp_pcap.http.events import header


def test_header_gives_the_first_value() -> None:
    headers = (("host", "a"), ("via", "b"), ("via", "c"))
    assert header(headers, "via") == "b"
    assert header(headers, "date") is None
