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


def test_a_decrypted_certificate_is_a_certificate() -> None:
    visit = handshake("shop.test", shop, version="TLS 1.3", decrypted=True)
    assert outcome(facts(shop, visit, exchange(shop))) == ("queried", "confirmed")
