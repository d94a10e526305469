"""The items between two times, out of lists in order of time, and no more of them than a bound allows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

from ocsp_pcap.bounds import BOUNDS, reached

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


class Runs(Generic[Item]):
    """Items by time, in which the next one of another kind is found in one step, however many are alike."""

    def __init__(
        self, items: Sequence[Item], kind: Callable[[Item], object], time: Callable[[Item], int] = TIME
    ) -> None:
        self._items = items
        self._time = time
        self._kinds = [kind(item) for item in items]
        self._next = list(range(1, len(items) + 1))
        """Where the first one of another kind behind each stands."""
        for place in range(len(items) - 2, -1, -1):
            if self._kinds[place] == self._kinds[place + 1]:
                self._next[place] = self._next[place + 1]

    def others(self, kind: object, first: int, last: int) -> Iterator[Item]:
        """Yield the items between two times, both included, that are of another kind.

        Who looks at as many as one question is compared with, and goes on, has reached a bound.
        """
        place = bisect_left(self._items, first, key=self._time)
        end = bisect_right(self._items, last, lo=place, key=self._time)
        left = BOUNDS.compared
        while place < end:
            if self._kinds[place] == kind:
                place = self._next[place]
                continue
            if not left:
                reached("compared")
                return
            yield self._items[place]
            place, left = place + 1, left - 1


def some(items: Sequence[Item], *, last: bool = False) -> Iterable[Item]:
    """Return the first items, or the last ones, as many as one question is compared with.

    To look at all of these and find nothing counts as a bound reached: what is left out may decide.
    """
    return items if len(items) <= BOUNDS.compared else _cut(items, last)


def _cut(items: Sequence[Item], last: bool) -> Iterator[Item]:
    yield from items[-BOUNDS.compared :] if last else items[: BOUNDS.compared]
    reached("compared")


def nearest_first(items: Sequence[Item], moment: int, time: Callable[[Item], int] = TIME) -> Iterator[Item]:
    """Yield items by their distance from a time, as many as one question is compared with (:func:`some`)."""
    if len(items) < 2:
        yield from items
        return
    here = bisect_left(items, moment, key=time)
    earlier = map(items.__getitem__, range(here - 1, -1, -1))
    later = map(items.__getitem__, range(here, len(items)))
    by_distance = merge(earlier, later, key=lambda item: abs(time(item) - moment))
    yield from islice(by_distance, BOUNDS.compared)
    if len(items) > BOUNDS.compared:
        reached("compared")


def nearest(items: Sequence[Item], moment: int, time: Callable[[Item], int] = TIME) -> Item | None:
    """Return the item nearest to a time, of several the first; None: there is none."""
    position = bisect_left(items, moment, key=time)
    before, after = items[max(position - 1, 0) : position], items[position : position + 1]
    if before and (not after or moment - time(before[0]) <= time(after[0]) - moment):
        return items[bisect_left(items, time(before[0]), key=time)]
    return after[0] if after else None
