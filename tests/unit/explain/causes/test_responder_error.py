"""When ``responder-error`` is claimed, and how sure."""

from __future__ import annotations

import pytest

from tests.unit.explain.facts_factory import (
    certificate,
    error,
    exchange,
    facts,
    handshake,
    verdict,
)

shop, other = certificate(), certificate("other.test")

visit = handshake("shop.test", shop)


@pytest.mark.parametrize("status", ["tryLater", "unauthorized", "internalError", "malformedRequest"])
def test_responder_error(status: str) -> None:
    found = verdict(facts(shop, visit, exchange(shop, error(status))))
    assert (found.presence, found.cause, found.confidence) == ("attempted", "responder-error", "confirmed")
    assert status in found.summary
    assert found.status is None
