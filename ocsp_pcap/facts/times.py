"""Times of facts as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND: Final = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)
_LAST_SECOND: Final = (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)


def time_text(time: int) -> str:
    """Return nanoseconds since the Unix epoch as RFC 3339 in UTC with nanoseconds.

    RFC 3339 knows the years 1 to 9999 only; times outside become the first or last moment of them.
    """
    seconds, nanoseconds = divmod(time, 1_000_000_000)
    if seconds < _FIRST_SECOND:
        seconds, nanoseconds = _FIRST_SECOND, 0
    elif seconds > _LAST_SECOND:
        seconds, nanoseconds = _LAST_SECOND, 999_999_999
    return f"{_second_text(seconds)}.{nanoseconds:09d}Z"


@lru_cache(maxsize=4096)
def _second_text(seconds: int) -> str:
    """Seconds since the epoch as date and time."""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]
