"""When ``short-lived`` is claimed, and how sure."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ocsp_pcap.explain.authorities import limits
from tests.unit.explain.facts_factory import (
    BEGIN,
    DAY,
    SECOND,
    alternatives,
    authority,
    certificate,
    exchange,
    facts,
    handshake,
    outcome,
    verdict,
)


@pytest.mark.parametrize(
    ("days", "since_2026", "cause"),
    [
        (10, False, "short-lived"),
        (10.01, False, "no-ocsp-url"),
        (10, True, "no-ocsp-url"),
        (7, True, "short-lived"),
        (7.01, True, "no-ocsp-url"),
        (6.7, True, "short-lived"),
    ],
)
def test_the_limit_of_short_lived_changed_in_2026(days: float, since_2026: bool, cause: str) -> None:
    day = limits("short_lived")[-1].start
    change = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() - BEGIN / SECOND
    short = certificate(ocsp=(), days=days, not_before=change if since_2026 else change - 1)
    assert outcome(facts(short, handshake("shop.test", short))) == (cause, "confirmed")


def test_a_short_lived_certificate_that_names_a_responder_may_be_asked_about() -> None:
    short = certificate(days=6)
    found = verdict(facts(short, handshake("shop.test", short)))
    assert found.cause == "unexplained"
    assert "short-lived" in alternatives(found)
    assert outcome(facts(short, handshake("shop.test", short), exchange(short)))[0] == "queried"


def test_a_short_lived_authority_is_no_subscriber_certificate() -> None:
    short = authority(ocsp=(), not_after=BEGIN, not_before=BEGIN - 3 * DAY * SECOND)
    assert outcome(facts(short, handshake("shop.test", short)))[0] == "no-ocsp-url"
