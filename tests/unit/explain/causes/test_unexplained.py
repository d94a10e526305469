"""When ``unexplained`` is claimed, and how sure."""

from __future__ import annotations

from tests.unit.explain.facts_factory import (
    alternatives,
    capture,
    certificate,
    facts,
    handshake,
    verdict,
)

shop = certificate()

visit = handshake("shop.test", shop)


def test_unexplained_names_what_remains() -> None:
    found = verdict(facts(capture(ports_seen=(53, 443)), shop, visit))
    assert (found.presence, found.cause, found.confidence) == ("absent", "unexplained", "possible")
    assert alternatives(found) == {"capture-filtered", "ocsp-disabled", "cached"}
    assert "could have asked http://ocsp.ca.test/" in found.summary
    assert all(alternative.why for alternative in found.alternatives)
