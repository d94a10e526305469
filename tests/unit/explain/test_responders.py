"""Responders that certificates name."""

from __future__ import annotations

from ocsp_pcap.explain.responders import names_responder

from .facts_factory import certificate


def test_an_address_is_the_same_responder_however_the_certificate_writes_it() -> None:
    named = certificate("shop.test", ocsp=("http://[2001:DB8:0:0:0::1]/",))
    assert names_responder(named, "2001:db8::1")
    assert not names_responder(named, "2001:db8::2")
