"""When ``certificate-encrypted`` is claimed, and how sure."""

from __future__ import annotations

import pytest

from tests.unit.explain.facts_factory import (
    certificate,
    exchange,
    facts,
    handshake,
    outcome,
    verdict,
)

shop, other = certificate(), certificate("other.test")


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_certificate_encrypted(transport: str) -> None:
    visit = handshake("shop.test", version="TLS 1.3", certificate_encrypted=True, transport=transport)
    found = verdict(facts(visit))
    assert (found.presence, found.cause, found.confidence) == (
        "unknown",
        "certificate-encrypted",
        "confirmed",
    )
    assert ("QUIC" in found.summary) == (transport == "udp")


def test_where_the_connection_is_cut_off_keys_are_not_what_is_missing() -> None:
    cut = {"version": "TLS 1.3", "certificate_encrypted": True, "complete": False, "application_data": False}
    visit = handshake("shop.test", **cut)
    assert "no keys" not in verdict(facts(visit)).summary
    assert outcome(facts(visit)) == ("certificate-encrypted", "likely")
    opened = handshake("shop.test", decrypted=True, **cut)
    assert outcome(facts(opened))[0] == "capture-incomplete"
    unopened = handshake("shop.test", decrypted=True, version="TLS 1.3", certificate_encrypted=True)
    assert "do not open" in verdict(facts(unopened)).summary


def test_a_decrypted_certificate_is_a_certificate() -> None:
    visit = handshake("shop.test", shop, version="TLS 1.3", decrypted=True)
    assert outcome(facts(shop, visit, exchange(shop))) == ("queried", "confirmed")
