"""When the next query is due, as verdicts say it."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.windows import utc

from .facts_factory import (
    DAY,
    SECOND,
    at,
    certificate,
    exchange,
    facts,
    handshake,
    response,
    single,
    site,
    verdict,
)

SHOP = certificate()
VISITS = [handshake("shop.test", SHOP, time=time) for time in (0, 100)]


def told(next_update: float | None = DAY, *, visits: int = 1, status: str = "good", **context: Any) -> Any:
    http = {key: context.pop(key) for key in ("max_age", "expires") if key in context}
    answer = response(single(SHOP, status, next_update=next_update))
    return verdict(facts(SHOP, *VISITS[:visits], exchange(SHOP, answer, **http)), **context)


def steps_about(found: Any, moment: str) -> list[str]:
    return [step for step in found.next_steps if moment in step]


def test_a_good_answer_says_until_when() -> None:
    found = told()
    assert found.cause == "queried"
    assert f"the answer good, good until {utc(at(DAY))} (its nextUpdate)" in found.summary
    (step,) = steps_about(found, utc(at(DAY)))
    assert "next query is due" in step


@pytest.mark.parametrize("status", ["revoked", "unknown"])
def test_no_other_answer_is_good_until_then(status: str) -> None:
    found = told(status=status)
    assert (found.cause, found.status) == ("queried", status)
    assert f"got the answer {status}." in found.summary
    assert "good until" not in found.summary


def test_a_ttl_override_of_the_site_file() -> None:
    found = told(site=site(parent={"cache_ttl": 60 * SECOND}))
    assert f"good until {utc(at(61.1))} (the TTL override of the site file)" in found.summary


@pytest.mark.parametrize(
    ("http", "end", "basis"),
    [({"max_age": 600}, 601.1, "its Cache-Control"), ({"expires": at(900)}, 900, "its Expires header")],
)
def test_http_freshness(http: dict[str, int], end: float, basis: str) -> None:
    assert f"good until {utc(at(end))} ({basis})" in told(None, **http).summary


def test_nothing_says_how_long() -> None:
    found = told(None)
    assert "neither nextUpdate nor HTTP freshness" in found.summary
    assert not any("good until" in step for step in found.next_steps)


def test_a_cached_answer_says_when_the_next_query_is_due() -> None:
    again = handshake("again.shop.test", SHOP, time=100)
    seen = facts(SHOP, VISITS[0], exchange(SHOP), again)
    sightings = verdict(seen).sightings
    assert [sighting.cause for sighting in sightings] == ["queried", "cached"]
    before = exchange(SHOP, time=1)
    found = verdict(facts(SHOP, before, handshake("shop.test", SHOP, time=100)))
    assert found.cause == "cached"
    assert f"good until {utc(at(DAY))} (its nextUpdate)" in found.summary
    assert "next query is due" in steps_about(found, utc(at(DAY)))[0]


def test_an_answer_from_before_the_capture_has_no_moment_but_a_length() -> None:
    other = certificate("news.test")
    seen = facts(SHOP, other, VISITS[0], handshake("news.test", other, time=5), exchange(other, time=6))
    found = verdict(seen)
    assert (found.cause, found.confidence) == ("cached", "likely")
    assert any("longer than" in step for step in found.next_steps)
    assert not any("good until" in step for step in found.next_steps)
