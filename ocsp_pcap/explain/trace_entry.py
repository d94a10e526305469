"""The lines of policy traces, apart from how they are read: most explanations are given none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Action: TypeAlias = Literal["cached", "query"]


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One check of one host's certificate, as the proxy wrote it."""

    path: str
    line: int
    """1-based line of the action."""
    time: int | None
    """Nanoseconds since the epoch; None where the trace does not tell the day."""
    host: str
    action: Action
    url: str | None = None
    dated: bool = True
    """The time has its full date in the trace; without, nothing tells the day."""
    zone: bool = True
    """The time says its zone, or is a number of seconds since the epoch; without, it is read as UTC."""
    transaction: str | None = None
    """What holds the lines of one transaction together, where the trace tells transactions apart."""
    certain: bool = True
    """The trace leaves no doubt that this line is about this host's own certificate."""
    offset: int | None = None
    """Nanoseconds by which local time seems to be ahead of UTC, as the captures tell; ``time`` heeds it."""
