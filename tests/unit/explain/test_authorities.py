"""Habits of authorities, at each border of the table."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import pytest

from ocsp_pcap.explain.authorities import (
    authorities,
    authority_of,
    limits,
    may_not_be_known_yet,
    outlives_the_rules,
    responders_are_off,
    short_lived_lifetime,
    why_no_url,
)
from ocsp_pcap.facts import CertificateFact
from tests.unit.explain.facts_factory import certificate

SECOND = 10**9
DAY = 86400 * SECOND
LETS_ENCRYPT = "CN=R12,O=Let's Encrypt,C=US"


def moment(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * SECOND


def issued(
    day: str, issuer: str = "CN=X", *, days: float = 90, seconds: int = -1, **other: Any
) -> CertificateFact:
    """A certificate whose validity counts both its ends: of so many days exactly."""
    start = moment(day)
    made = certificate("www.a.test", issuer, ocsp=other.pop("ocsp", ()))
    end = start + int(days * DAY) + seconds * SECOND
    return replace(made, **{"not_before": start, "not_after": end, **other})


@pytest.mark.parametrize(
    ("day", "issuer", "why"),
    [
        ("2025-05-06T23:59:59", LETS_ENCRYPT, None),
        (
            "2025-05-07T00:00:00",
            LETS_ENCRYPT,
            "Let's Encrypt ended OCSP on 2025-05-07: expected, nothing to fix",
        ),
        ("2025-06-30T23:59:59", "CN=WR2,O=Google Trust Services,C=US", None),
        (
            "2025-07-01T00:00:00",
            "CN=WR2,O=Google Trust Services,C=US",
            "Google Trust Services took OCSP out of most of its certificates in the second half of 2025",
        ),
        ("2026-03-01T23:59:59", "O=Hellenic Academic and Research Institutions CA", None),
        (
            "2026-03-02T00:00:00",
            "CN=X,O=Hellenic Academic and Research Institutions CA",
            "HARICA took OCSP out of most of its certificates on 2026-03-02",
        ),
        ("2026-06-01T00:00:00", "CN=X,O=Somebody", None),
        ("2026-06-01T00:00:00", "CN=Let's Encrypt", None),
    ],
)
def test_why_there_is_no_url(day: str, issuer: str, why: str | None) -> None:
    told = why_no_url(issued(day, issuer))
    assert (told is None) if why is None else (told is not None and told.startswith(why))


def test_its_crl_is_named() -> None:
    told = why_no_url(issued("2026-06-01", LETS_ENCRYPT, crl_urls=("http://r12.c.lencr.org/1.crl",)))
    assert told is not None
    assert told.endswith("; its CRL is http://r12.c.lencr.org/1.crl")
    assert why_no_url(issued("2026-06-01", LETS_ENCRYPT, ocsp=("http://o.test/",))) is None


def test_responders_that_are_off() -> None:
    leaf = issued("2025-05-01", LETS_ENCRYPT, ocsp=("http://r10.o.lencr.org",))
    assert responders_are_off(leaf, moment("2025-08-05T23:59:59")) is None
    off = responders_are_off(leaf, moment("2025-08-06"))
    assert off is not None
    assert off.name == "Let's Encrypt"
    assert responders_are_off(issued("2025-05-01", "O=Google Trust Services"), moment("2026-01-01")) is None


@pytest.mark.parametrize(
    ("day", "days"),
    [("2020-09-01", 398), ("2026-03-14", 398), ("2026-03-15", 200), ("2027-03-15", 100), ("2029-03-15", 47)],
)
def test_the_longest_validity(day: str, days: int) -> None:
    assert outlives_the_rules(issued(day, days=days)) is None
    assert outlives_the_rules(issued(day, days=days, seconds=0)) is None
    limit = outlives_the_rules(issued(day, days=days, seconds=1))
    assert limit is not None
    assert limit.days == days


def test_no_rule_for_what_is_older_or_an_authority() -> None:
    assert outlives_the_rules(issued("2020-08-31", days=800)) is None
    assert outlives_the_rules(issued("2026-06-01", days=3650, is_ca=True)) is None
    assert outlives_the_rules(issued("2026-06-01", not_before=None)) is None


@pytest.mark.parametrize(
    ("day", "days"),
    [
        ("2019-01-01", 10),
        ("2024-03-15", 10),
        ("2026-03-14T23:59:59", 10),
        ("2026-03-15", 7),
        ("2030-01-01", 7),
    ],
)
def test_short_lived(day: str, days: int) -> None:
    assert short_lived_lifetime(issued(day, days=days, seconds=0)) == days * DAY
    assert short_lived_lifetime(issued(day, days=days, seconds=1)) is None
    assert short_lived_lifetime(issued(day, days=days, not_after=None)) is None
    assert short_lived_lifetime(issued(day, days=0)) is None


def test_a_certificate_that_is_seconds_old() -> None:
    leaf = issued("2026-06-01")
    assert may_not_be_known_yet(leaf, moment("2026-06-01T00:14:59"))
    assert not may_not_be_known_yet(leaf, moment("2026-06-01T00:15:00"))
    assert not may_not_be_known_yet(leaf, moment("2026-05-31T23:59:59"))


def test_each_row_has_a_source() -> None:
    assert {authority.name for authority in authorities()} == {
        "Let's Encrypt",
        "Google Trust Services",
        "HARICA",
    }
    assert all(authority.source.startswith("https://") for authority in authorities())
    assert all(limit.source for limit in (*limits("maximum_validity"), *limits("short_lived")))
    text = resources.files("ocsp_pcap.explain.authorities").joinpath("authorities.toml").read_text("utf-8")
    table = tomllib.loads(text)["rules"]
    assert table["authoritative_source"]
    assert authority_of(issued("2026-06-01", LETS_ENCRYPT)) is authorities()[0]
