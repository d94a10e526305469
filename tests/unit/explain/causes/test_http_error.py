"""When ``http-error`` is claimed, and how sure."""

from __future__ import annotations

import pytest

from tests.unit.explain.facts_factory import (
    certificate,
    exchange,
    facts,
    frames,
    handshake,
    outcome,
    verdict,
)

shop, other = certificate(), certificate("other.test")

visit = handshake("shop.test", shop)


@pytest.mark.parametrize("status", [503, 404, 302, 407, 511])
def test_http_error(status: int) -> None:
    query = exchange(shop, None, http_status=status)
    found = verdict(facts(shop, visit, query))
    assert (found.presence, found.cause, found.confidence) == ("attempted", "http-error", "confirmed")
    assert f"HTTP {status}" in found.summary
    assert {query.frames.request, query.frames.response} <= frames(found)


def test_an_answer_under_an_http_error_is_no_answer() -> None:
    assert outcome(facts(shop, visit, exchange(shop, http_status=500)))[0] == "http-error"


def test_a_redirect_that_leads_to_an_answer() -> None:
    moved = exchange(shop, None, http_status=302, location="http://ocsp2.ca.test/")
    assert outcome(facts(shop, visit, moved, exchange(shop, time=1.5))) == ("queried", "confirmed")


def test_a_redirect_to_where_nobody_can_look_may_have_been_followed() -> None:
    moved = exchange(shop, None, http_status=301, location="https://ocsp.ca.test/")
    assert outcome(facts(shop, visit, moved)) == ("http-error", "likely")
