"""How a validator uses its cache, told from when it asks again and when it does not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from ocsp_pcap.explain.case import CONCURRENT, Case
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.visits import Query, Visit, early_repeats
from ocsp_pcap.facts import CertificateFact

Habit: TypeAlias = Literal["keeps-nothing", "fixed-lifetime", "irregular", "even-interval", "unknown"]
"""``keeps-nothing``: it asks again at every connection. ``fixed-lifetime``: it uses answers up to an age
and replaces them after it. ``irregular``: some answers were replaced earlier than others were used.
Where its connections with these certificates are not visible: ``even-interval``, or ``unknown``."""

EVEN: Final = 3
"""Repetitions before an interval counts as even."""
TOLERANCE: Final = SECOND
"""Between the moment at which an answer comes and that at which its lifetime is counted from."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A query that came although the answer to an earlier one was still good."""

    certificate: CertificateFact
    before: Query
    again: Query

    @property
    def age(self) -> int:
        """Nanoseconds from the earlier answer to the later query."""
        return self.again.time - self.before.answer_time


@dataclass(frozen=True, slots=True)
class Repetition:
    """How one validator uses its cache, told from all certificates that it asked about."""

    repeats: tuple[Repeat, ...]
    """By time."""
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


def repetitions(case: Case) -> dict[str, Repetition]:
    """Return how each validator that repeated queries uses its cache, by its identity."""
    asked: dict[str, list[tuple[str, list[Query]]]] = defaultdict(list)
    for (identity, sha256), queries in case.queries_of.items():
        asked[identity].append((sha256, queries))
    found: dict[str, Repetition] = {}
    for identity, rows in asked.items():
        repeats = [
            Repeat(case.facts.certificates[sha256], before, again)
            for sha256, queries in rows
            for before, again in early_repeats(queries)
        ]
        if not repeats:
            continue
        used_at: list[int] = []
        for sha256, queries in rows:
            key = (identity, sha256)
            used_at += _ages_of_use(queries, case.visits_of.get(key, []), set(case.trigger_of[key]))
        visible = any((identity, repeat.certificate.sha256) in case.visits_of for repeat in repeats)
        found[identity] = _repetition(repeats, used_at, visible=visible)
    return found


def _repetition(repeats: list[Repeat], used_at: list[int], *, visible: bool) -> Repetition:
    repeats.sort(key=lambda repeat: repeat.again.time)
    asked_at = sorted(repeat.age for repeat in repeats)
    habit: Habit = "keeps-nothing"
    if not visible:
        spread = asked_at[-1] - asked_at[0]
        even = len(asked_at) >= EVEN and spread <= max(2 * TOLERANCE, asked_at[0] // 10)
        habit = "even-interval" if even else "unknown"
    elif used_at:
        habit = "fixed-lifetime" if max(used_at) <= asked_at[0] + TOLERANCE else "irregular"
    return Repetition(tuple(repeats), tuple(asked_at), tuple(sorted(used_at)), habit)


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
