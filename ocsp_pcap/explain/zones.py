"""Lines of logs and traces whose local time names no zone: the zone that the user gave, or one that fits.

A zone that is given counts as if the lines named it. Where none is given, the offset from UTC is looked for
at which most lines lie beside the packets that they would speak of: a sign and never a proof, so such a
line goes on to count as one of an unknown zone.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final, TypeAlias, TypeVar

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.logs.model import LogEntry
from ocsp_pcap.explain.trace_entry import TraceEntry

Line = TypeVar("Line", LogEntry, TraceEntry)
Subject: TypeAlias = tuple[str, str]
"""What a line may be about: ``("host", NAME)``, ``("serial", HEX)`` or ``("responder", NAME)``."""

STEP: Final = 15 * 60 * SECOND
"""Offsets from UTC are multiples of a quarter of an hour."""
EAST, WEST = 14 * 3600 * SECOND, 12 * 3600 * SECOND
"""The offsets that are in use (UTC+14 to UTC-12)."""
NEAR: Final = 5 * SECOND
OFFSET: Final = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d\d))?", re.ASCII)


class ZoneError(ValueError):
    """A text names no time zone."""


def zone_named(text: str) -> tzinfo:
    """Return the zone that a text names: an offset such as ``+02:00``, ``UTC``, or a name of the tz database.

    Raises:
        ZoneError: it names none.
    """
    import zoneinfo

    text = text.strip()
    if text.upper() in ("Z", "UTC", "GMT"):
        return UTC
    if match := OFFSET.fullmatch(text):
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        if minutes <= 14 * 60 and int(match[3] or 0) < 60:
            return timezone(timedelta(minutes=minutes) * (-1 if match[1] == "-" else 1))
    try:
        return zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ZoneError(
            f"{text[:60]!r} is no time zone: give an offset such as +02:00, or a name such as Europe/Berlin"
        ) from None


def in_zone(entries: Iterable[Line], zone: tzinfo) -> tuple[Line, ...]:
    """Read the local times of lines that name no zone in this one; an hour that comes twice stays open."""
    return tuple(_in_zone(entry, zone) for entry in entries)


def _in_zone(entry: Line, zone: tzinfo) -> Line:
    if entry.zone or entry.time is None:
        return entry
    seconds, rest = divmod(entry.time, SECOND)
    local = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=zone)
    first, second = (int(local.replace(fold=fold).timestamp()) for fold in (0, 1))
    return replace(entry, time=first * SECOND + rest, zone=first == second)


def in_fitting_zones(entries: Sequence[Line], seen: Mapping[Subject, Sequence[int]]) -> tuple[Line, ...]:
    """Move lines that name no zone, file by file, by the offset at which most lie beside what was seen.

    Args:
        entries: lines of logs, or of traces.
        seen: for what a line may be about, the times at which packets show that, sorted, in nanoseconds.
    """
    files: dict[str, list[Line]] = defaultdict(list)
    for entry in entries:
        if not entry.zone and entry.time is not None:
            files[entry.path].append(entry)
    offsets = {path: fitting_offset(lines, seen) for path, lines in files.items()}
    if not any(offsets.values()):
        return tuple(entries)
    return tuple(_moved(entry, offsets.get(entry.path)) for entry in entries)


def _moved(entry: Line, offset: int | None) -> Line:
    if not offset or entry.zone or entry.time is None:
        return entry
    return replace(entry, time=entry.time - offset, offset=offset)


def fitting_offset(entries: Sequence[Line], seen: Mapping[Subject, Sequence[int]]) -> int | None:
    """Return the offset from UTC, in nanoseconds, at which most lines lie beside what was seen.

    None where no offset fits, or several fit as well; UTC counts first.
    """
    fits: Counter[int] = Counter()
    if len(entries) > BOUNDS.zone_lines:
        reached("zone_lines")
    for entry in entries[: BOUNDS.zone_lines]:
        assert entry.time is not None
        fits.update({offset for key in subjects(entry) for offset in _offsets(entry.time, seen.get(key, ()))})
    best = max(fits.values(), default=0)
    offsets = [offset for offset, count in fits.items() if count == best]
    if 0 in offsets:
        return 0
    return offsets[0] if len(offsets) == 1 else None


def _offsets(local: int, times: Sequence[int]) -> Iterator[int]:
    """Yield the offsets at which a local time lies beside one of some times, which are sorted."""
    position = bisect_left(times, local - EAST - NEAR)
    end = bisect_right(times, local + WEST + NEAR)
    while position < end:
        offset = round((local - times[position]) / STEP) * STEP
        if times[position] < local - offset - NEAR:
            position = bisect_left(times, local - offset - NEAR, position, end)
            continue
        if times[position] <= local - offset + NEAR:
            yield offset
        position = bisect_left(times, local - offset + STEP - NEAR, position, end)


def subjects(entry: LogEntry | TraceEntry) -> list[Subject]:
    """Return what a line may be about, as it is looked up among what was seen."""
    if isinstance(entry, TraceEntry):
        return [("host", entry.host)]
    named = (("host", entry.host), ("serial", entry.serial), ("responder", entry.responder_name))
    return [(kind, value) for kind, value in named if value is not None]


def offset_words(offset: int) -> str:
    """Say an offset as it is written, such as ``UTC+02:00``."""
    minutes = abs(offset) // (60 * SECOND)
    return f"UTC{'-' if offset < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
