"""The zone of local times: told, or the offset that fits what was seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ocsp_pcap import bounds
from ocsp_pcap.explain.annotate import log_notes
from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.logs import LogEntry
from ocsp_pcap.explain.trace_entry import TraceEntry
from ocsp_pcap.explain.zones import (
    ZoneError,
    fitting_offset,
    in_fitting_zones,
    in_zone,
    offset_words,
    zone_named,
)

from .facts_factory import at, capture, certificate, facts, handshake, site, verdict

SECOND = 10**9
HOUR = 3600 * SECOND
shop, other = certificate(), certificate("other.test")
visits = (handshake("shop.test", shop), handshake("other.test", other, time=7))


def line(host: str, time: int, zone: bool = False, path: str = "error.log") -> LogEntry:
    return LogEntry(path, 1, "apache", "checked", time, zone, "text", host=host)


def utc(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * SECOND  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("name", "summer", "winter"),
    [
        ("+02:00", -2, -2),
        ("-0330", 3.5, 3.5),
        ("UTC+2", -2, -2),
        ("utc", 0, 0),
        ("Europe/Berlin", -2, -1),
        ("America/New_York", 4, 5),
    ],
)
def test_a_zone_that_is_told(name: str, summer: float, winter: float) -> None:
    for month, hours in ((7, summer), (1, winter)):
        local = utc(2026, month, 1, 12)
        (read,) = in_zone([line("shop.test", local)], zone_named(name))
        assert (read.time, read.zone) == (local + int(hours * HOUR), True)


def test_an_hour_that_comes_twice_stays_open() -> None:
    (read,) = in_zone([line("shop.test", utc(2026, 10, 25, 2, 30))], zone_named("Europe/Berlin"))
    assert not read.zone


def test_a_zone_that_a_line_names_counts() -> None:
    entry = line("shop.test", at(0), zone=True)
    assert in_zone([entry], zone_named("+02:00")) == (entry,)
    assert in_fitting_zones([entry], {("host", "shop.test"): [at(0) - 2 * HOUR]}) == (entry,)


@pytest.mark.parametrize(
    "text", ["", "CEST", "+99:00", "Mars/Olympus", "../../etc/passwd", "+2:99", "x" * 300]
)
def test_what_is_no_zone(text: str) -> None:
    with pytest.raises(ZoneError, match="is no time zone"):
        zone_named(text)


def test_the_offset_at_which_most_lines_fit() -> None:
    seen = {("host", "shop.test"): [at(0)], ("host", "other.test"): [at(70)]}
    east = [line("shop.test", at(1) + 2 * HOUR), line("other.test", at(72) + 2 * HOUR)]
    assert fitting_offset(east, seen) == 2 * HOUR
    assert fitting_offset([line("shop.test", at(1) - 3 * HOUR)], seen) == -3 * HOUR
    assert fitting_offset([line("shop.test", at(1))], seen) == 0
    assert fitting_offset([line("shop.test", at(1) + HOUR + 60 * SECOND)], seen) is None
    assert fitting_offset([line("else.test", at(1))], seen) is None
    # Visits an hour apart: two offsets fit as well, and nothing decides.
    hourly = {("host", "shop.test"): [at(0), at(3600)]}
    assert fitting_offset([line("shop.test", at(7200))], hourly) is None
    assert [entry.offset for entry in in_fitting_zones(east, seen)] == [2 * HOUR] * 2


@pytest.mark.reaches("zone_lines")
def test_some_lines_tell_the_offset_of_a_long_log() -> None:
    lines = [line("shop.test", at(0) + 2 * HOUR), line("shop.test", at(0) - 5 * HOUR)]
    seen = {("host", "shop.test"): [at(0)]}
    assert fitting_offset(lines, seen) is None
    bounds.adjust({"zone_lines": 1})
    assert fitting_offset(lines, seen) == 2 * HOUR


def test_an_offset_is_found_among_thousands_of_visits_at_other_times() -> None:
    often = sorted({at(n / 10 + 60) for n in range(5000)} | {at(7000)})
    assert fitting_offset([line("shop.test", at(7000) + HOUR)], {("host", "shop.test"): often}) == HOUR
    every = sorted(at(n * 4) for n in range(-20_000, 20_000))
    assert fitting_offset([line("shop.test", at(0) + HOUR)], {("host", "shop.test"): every}) == 0


def test_a_log_in_local_time_is_quoted_with_the_offset_that_fits() -> None:
    logs = tuple(line(visit.sni or "", visit.time + SECOND + 2 * HOUR) for visit in visits)
    found = explain(facts(shop, other, *visits, capture()), Context(logs=logs))
    quotes = [e.note for v in found.verdicts for e in v.evidence if e.capture == "error.log"]
    assert quotes == ["line 1 (no time zone; read as UTC+02:00, which fits the packets): text"] * 2
    assert any("fit the packets as UTC+02:00, which is a sign and no proof" in note for note in found.notes)


def test_a_trace_in_local_time_never_proves() -> None:
    told = TraceEntry("t", 2, visits[0].time + SECOND, "shop.test", "cached")
    known = site(parent={"ocsp": True})

    def seen(entry: TraceEntry) -> tuple[str, str, set[str]]:
        found = verdict(facts(shop, visits[0]), site=known, trace=(entry,))
        return found.cause, found.confidence, {doubt.code for doubt in found.doubts}

    assert seen(told) == ("cached", "confirmed", set())
    assert told.time is not None
    local = replace(told, time=told.time + 2 * HOUR, zone=False)
    assert seen(local) == ("cached", "likely", {"clock"})
    (read,) = in_zone([local], zone_named("+02:00"))
    assert seen(read) == ("cached", "confirmed", set())


def test_what_is_said_of_other_times() -> None:
    captures = [capture()]

    def note(entry: LogEntry) -> str:
        return " ".join(log_notes([entry], captures))

    assert note(line("shop.test", at(0))) == ""
    assert "none of them is about these connections" in note(line("shop.test", at(0) + 48 * HOUR))
    assert "none of them is about these connections" in note(line("shop.test", at(0) + 20 * HOUR, zone=True))
    assert "read as UTC none of its lines is of the time of the captures; --zone" in note(
        line("shop.test", at(0) + 10 * HOUR)
    )
    assert "have no date" in note(replace(line("shop.test", 0), time=None))


def test_how_an_offset_is_written() -> None:
    assert [offset_words(hours * HOUR // 2) for hours in (4, 0, -7)] == [
        "UTC+02:00",
        "UTC+00:00",
        "UTC-03:30",
    ]
