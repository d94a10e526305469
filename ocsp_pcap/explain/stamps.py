"""Times as traces and logs write them, and how much of a time each one is."""

from __future__ import annotations

import re
from calendar import month_abbr
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

MONTHS = {month: number for number, month in enumerate(month_abbr) if month}
ZONES = {"z": 0, "utc": 0, "gmt": 0}
"""Zone names that mean one offset everywhere; other abbreviations have several meanings."""

CLOCK = r"(?P<clock>\d\d:\d\d:\d\d)(?:[.,](?P<fraction>\d{1,9}))?"
ZONE = r"(?:\s?(?P<zone>Z\b|[+-]\d\d:?\d\d|(?:UTC|GMT)\b))?"
WEEKDAY = r"(?:[A-Z][a-z]{2},?\s)?"
MONTH = r"(?P<month>[A-Z][a-z]{2})"
FORMS = tuple(
    re.compile(form, re.ASCII)
    for form in (
        rf"(?P<year>\d{{4}})[-/](?P<month>\d\d)[-/](?P<day>\d\d)[T ]{CLOCK}{ZONE}",
        rf"{WEEKDAY}(?P<day>\d{{1,2}})[ /-]{MONTH}[ /-](?P<year>\d{{4}})[ :]{CLOCK}{ZONE}",
        rf"{WEEKDAY}{MONTH}\s+(?P<day>\d{{1,2}})\s{CLOCK}\s(?P<year>\d{{4}}){ZONE}",
        rf"{MONTH}\s+(?P<day>\d{{1,2}})[, ]\s?(?P<year>\d{{4}})\s{CLOCK}{ZONE}",
        r"(?P<epoch>[12]\d{9})(?:\.(?P<fraction>\d{1,9}))?(?![\d.:])",
        rf"(?:[A-Z][a-z]{{2}}\s+\d{{1,2}}\s)?{CLOCK}",
    )
)
"""ISO 8601, RFC 1123 and common log format, asctime (with fraction), month first, epoch, time of day."""


class Stamp(NamedTuple):
    """A time as it is written."""

    time: int | None
    """Nanoseconds since the epoch, read as UTC where no zone is named; None where the day is not."""
    zone: bool
    """It names its offset from UTC, or counts from the epoch."""

    @property
    def dated(self) -> bool:
        """It names the day with its year."""
        return self.time is not None


def read_stamp(text: str, start: int = 0) -> Stamp | None:
    """Read the time that stands at a position of a text; None: none stands there."""
    for form in FORMS:
        match = form.match(text, start)
        if match is not None and (stamp := _stamp(match)) is not None:
            return stamp
    return None


def leading_stamp(line: str) -> Stamp | None:
    """Read the time with which a line begins, brackets and the like before it left out."""
    start = re.match(r"\W{0,8}", line)
    return read_stamp(line, start.end() if start is not None else 0)


def _stamp(match: re.Match[str]) -> Stamp | None:
    found = match.groupdict()
    fraction = int((found.get("fraction") or "").ljust(9, "0") or 0)
    if found.get("epoch"):
        return Stamp(int(found["epoch"]) * 10**9 + fraction, True)
    if not found.get("year"):
        return Stamp(None, False)
    month = found["month"]
    number = int(month) if month.isdigit() else MONTHS.get(month, 0)
    hour, minute, second = (int(part) for part in found["clock"].split(":"))
    offset = _offset(found["zone"])
    try:
        # A leap second counts as the one before it.
        moment = datetime(int(found["year"]), number, int(found["day"]), hour, minute, min(second, 59))
    except ValueError:
        return None
    if offset is not None:
        try:
            moment = moment.replace(tzinfo=timezone(offset)).astimezone(UTC)
        except (ValueError, OverflowError):
            return None
    seconds = (moment.replace(tzinfo=None) - datetime(1970, 1, 1)) // timedelta(seconds=1)
    return Stamp(seconds * 10**9 + fraction, offset is not None)


def _offset(zone: str | None) -> timedelta | None:
    if zone is None:
        return None
    if zone.lower() in ZONES:
        return timedelta()
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    return timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
