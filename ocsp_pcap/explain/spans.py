"""The items between two times, out of lists that are in order of time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final, TypeVar

Item = TypeVar("Item")

TIME: Final[Callable[[Any], int]] = attrgetter("time")
"""When a visit was, or a query, by the clock of the reference capture."""


def between(
    items: Sequence[Item], first: int, last: int, time: Callable[[Item], int] = TIME
) -> Sequence[Item]:
    """Return the items between two times, both included."""
    if not items:
        return items
    start = bisect_left(items, first, key=time)
    return items[start : bisect_right(items, last, lo=start, key=time)]
