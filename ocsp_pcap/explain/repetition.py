"""How a validator uses its cache, told from when it asks again and when it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from ocsp_pcap.explain.case import CONCURRENT, Query, Visit, early_repeats
from ocsp_pcap.explain.clocks import SECOND

Habit: TypeAlias = Literal["keeps-nothing", "fixed-lifetime", "irregular"]
"""``keeps-nothing``: it asks again at every connection. ``fixed-lifetime``: it uses answers up to an age
and replaces them after it. ``irregular``: some answers were replaced earlier than others were used."""

TOLERANCE: Final = SECOND
"""Between the moment at which an answer comes and that at which its lifetime is counted from."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """Queries that came although an earlier answer was still good."""

    repeats: tuple[tuple[Query, Query], ...]
    """The query whose answer was still good, and the one that came all the same."""
    asked_at: tuple[int, ...]
    """Ages (nanoseconds) at which answers were replaced although they were good, ascending."""
    used_at: tuple[int, ...]
    """Ages at which a connection was opened and no query came, ascending."""
    habit: Habit

    def agrees_with(self, lifetime: int) -> bool:
        """Tell whether a configured lifetime (nanoseconds) explains what was seen."""
        return self.asked_at[0] >= lifetime - TOLERANCE and (
            not self.used_at or self.used_at[-1] <= lifetime + TOLERANCE
        )


def find_repetition(
    queries: Sequence[Query], visits: Sequence[Visit], triggered: set[int]
) -> Repetition | None:
    """Tell from the queries about one certificate and the visits that showed it; None: nothing was repeated.

    ``queries`` and ``visits`` are in the order of time, ``triggered`` has the ids of the visits that a
    query followed.
    """
    repeats = early_repeats(list(queries))
    if not repeats:
        return None
    asked_at = sorted(again.time - before.answer_time for before, again in repeats)
    used_at = sorted(_ages_of_use(queries, visits, triggered))
    habit: Habit = "keeps-nothing"
    if used_at:
        habit = "fixed-lifetime" if used_at[-1] <= asked_at[0] + TOLERANCE else "irregular"
    return Repetition(tuple(repeats), tuple(asked_at), tuple(used_at), habit)


def _ages_of_use(queries: Sequence[Query], visits: Sequence[Visit], triggered: set[int]) -> list[int]:
    """Return how old the answer was at each visit that it spared a query."""
    ages: list[int] = []
    position = -1
    for visit in visits:
        while position + 1 < len(queries) and queries[position + 1].answer_time < visit.time:
            position += 1
        handshake = visit.handshake
        if position < 0 or id(visit) in triggered or handshake.staples or not handshake.complete:
            continue
        last = queries[position]
        if not last.usable or last.single is None or last.single.next_update is None:
            continue
        waits = any(
            0 <= query.time - visit.time <= CONCURRENT for query in queries[position + 1 : position + 2]
        )
        if not waits and visit.time < last.single.next_update:
            ages.append(visit.time - last.answer_time)
    return ages
