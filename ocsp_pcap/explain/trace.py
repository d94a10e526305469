"""Policy traces: what a proxy itself wrote about its OCSP checks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

Action: TypeAlias = Literal["cached", "query"]

VALIDATING = re.compile(r"Validating certificate for (?P<host>[^\s,;]+)")
CACHED = re.compile(r"OCSP: using cached response")
QUERY = re.compile(r"OCSP: querying responder (?P<url>\S+)")
TIMESTAMP = re.compile(
    r"^\W*(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)"
    r"|^\W*(?P<epoch>\d{9,10}(?:\.\d{1,9})?)\b"
)
MAX_SIZE = 256 << 20


class TraceError(Exception):
    """The file is no policy trace; the message says why."""


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One check of one host's certificate, as the proxy wrote it."""

    path: str
    line: int
    """1-based line of the action."""
    time: int | None
    """Nanoseconds since the epoch; None where the trace has no timestamps."""
    host: str
    action: Action
    url: str | None = None
    dated: bool = True
    """The time has its full date in the trace; without, nothing tells the day."""
    zone: bool = True
    """The time says its zone, or is a number of seconds since the epoch; without, it is read as UTC."""
    transaction: str | None = None
    """What holds the lines of one transaction together, where the trace tells transactions apart."""


def load_trace(path: Path) -> tuple[TraceEntry, ...]:
    """Read a policy trace.

    Raises:
        TraceError: the file cannot be read, or holds no line of the kind a policy trace has.
    """
    try:
        if path.stat().st_size > MAX_SIZE:
            raise TraceError(f"{path}: larger than {MAX_SIZE >> 20} MiB, too large for a policy trace")
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise TraceError(f"{path}: cannot be read: {error.strerror}") from error
    entries, validating = parse_trace(text, str(path))
    if not validating:
        raise TraceError(
            f'{path}: is no policy trace: it has no line "Validating certificate for HOST", which a '
            "policy trace has for each certificate that the proxy checks"
        )
    return entries


def parse_trace(text: str, path: str) -> tuple[tuple[TraceEntry, ...], int]:
    """Return the entries of a trace, and how many certificate checks it mentions at all."""
    entries: list[TraceEntry] = []
    host: str | None = None
    host_time: int | None = None
    validating = 0
    for number, line in enumerate(text.splitlines(), 1):
        time = _timestamp(line)
        if match := VALIDATING.search(line):
            host, host_time = match["host"].strip("\"'").rstrip(".").lower(), time
            validating += 1
        elif host is not None and CACHED.search(line):
            entries.append(TraceEntry(path, number, time or host_time, host, "cached"))
        elif host is not None and (match := QUERY.search(line)):
            entries.append(TraceEntry(path, number, time or host_time, host, "query", match["url"]))
    return tuple(entries), validating


def _timestamp(line: str) -> int | None:
    match = TIMESTAMP.match(line)
    if match is None:
        return None
    if match["epoch"]:
        seconds, _, fraction = match["epoch"].partition(".")
        return int(seconds) * 10**9 + int(fraction.ljust(9, "0") or 0)
    text = match["iso"].replace(",", ".")
    whole, _, rest = text.partition(".")
    fraction, zone = "", ""
    if rest:
        digits = re.match(r"\d+", rest)
        fraction = digits[0] if digits else ""
        zone = rest[len(fraction) :]
    try:
        moment = datetime.fromisoformat(whole + zone)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 10**9 + int(fraction.ljust(9, "0") or 0)
