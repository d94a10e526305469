"""The use that a validator makes of its cache: when it asks again although an answer covers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.gaps import connections_missing
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.intervals import CONCURRENT
from ocsp_pcap.explain.spans import between
from ocsp_pcap.explain.visits import Query, Visit
from ocsp_pcap.facts import CertificateFact

Habit: TypeAlias = Literal[
    "keeps-nothing", "fixed-lifetime", "irregular", "even-interval", "unknown", "untold"
]
"""``keeps-nothing``: it asks again at every connection. ``fixed-lifetime``: it uses answers up to an age
and replaces them after it. ``irregular``: some answers were replaced earlier than others were used.
Where its connections with these certificates are not visible: ``even-interval``, or ``unknown``. Where
packets are missing, so that a query may be: ``untold``."""

SIDE_BY_SIDE: Final = 2 * SECOND
"""Connections opened at once ask at once: that is no missing cache."""
EVEN: Final = 3
"""Repetitions before an interval counts as even."""
TOLERANCE: Final = SECOND
"""Between the moment at which an answer comes and that at which its lifetime is counted from."""


class Repeat(NamedTuple):
    """A query that came although the answer to an earlier one was still good."""

    certificate: CertificateFact
    before: Query
    again: Query

    @property
    def age(self) -> int:
        """Nanoseconds from the earlier answer to the later query."""
        return self.again.time - self.before.answer_time


class Repetition(NamedTuple):
    """The use of one validator's cache, inferred from all certificates that it asked about."""

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


def early_repeats(
    queries: Sequence[Query], visits: Sequence[Visit] = (), *, unseen: bool = False
) -> list[tuple[Query, Query]]:
    """Return pairs of queries for one certificate, the second while the first's answer still covered.

    The first is the earliest whose answer covers the second; queries that were under way before any answer
    came asked side by side, however many there are. ``visits``: those that showed the certificate, by time.
    ``unseen``: also those that may have been side by side, where no visit tells.
    """
    repeats: list[tuple[Query, Query]] = []
    standing: Query | None = None
    for query in queries:
        single = standing.single if standing is not None else None
        end = single.next_update if single is not None else None
        covered = standing is not None and end is not None and standing.answer_time < query.time < end
        if standing is not None and covered and not _at_once(standing, query, visits, unseen):
            repeats.append((standing, query))
        if query.usable and query.single is not None and query.single.next_update is not None:
            standing = query
    return repeats


def _at_once(before: Query, again: Query, visits: Sequence[Visit], unseen: bool) -> bool:
    """Both came of connections that were opened at once, the second decided before the first's answer."""
    if again.time - before.time > SIDE_BY_SIDE or again.exchange.client != before.exchange.client:
        return False
    triggers = between(visits, before.time, again.time)
    # Where a connection that was opened after the answer stands nearest before the second, that one asked.
    return triggers[-1].time <= before.answer_time if triggers else not unseen


def soonest_repeats(case: Case) -> dict[str, int]:
    """Return, by identity of a validator, after how long (ns) it asked again although an answer covered."""
    return {
        identity: min(again.time - before.answer_time for before, again in found)
        for identity, host in case.hosts.items()
        if (
            found := [
                pair
                for sha256, queries in host.queries.items()
                for pair in early_repeats(queries, host.received.get(sha256, ()), unseen=True)
            ]
        )
    }


def repetitions(case: Case) -> dict[str, Repetition]:
    """Return how each validator that repeated queries uses its cache, by its identity."""
    found: dict[str, Repetition] = {}
    for identity, host in case.hosts.items():
        repeats = [
            Repeat(case.facts.certificates[sha256], before, again)
            for sha256, queries in host.queries.items()
            for before, again in early_repeats(queries, host.received.get(sha256, ()))
        ]
        if repeats:
            whole = identity not in case.once(connections_missing) and not any(
                map(case.coverage.loss, host.captures)
            )
            used_at = [
                age
                for sha256, queries in (host.queries.items() if whole else ())
                for age in _ages_of_use(case, host, sha256, queries)
            ]
            visible = any(repeat.certificate.sha256 in host.received for repeat in repeats)
            found[identity] = _repetition(repeats, used_at, visible=visible, whole=whole)
    return found


def _repetition(repeats: list[Repeat], used_at: list[int], *, visible: bool, whole: bool) -> Repetition:
    repeats.sort(key=lambda repeat: repeat.again.time)
    asked_at = sorted(repeat.age for repeat in repeats)
    habit: Habit = "keeps-nothing"
    if not visible:
        spread = asked_at[-1] - asked_at[0]
        even = len(asked_at) >= EVEN and spread <= max(2 * TOLERANCE, asked_at[0] // 10)
        habit = "even-interval" if even else "unknown"
    elif not whole:
        habit = "untold"
    elif used_at:
        room = min(TOLERANCE, asked_at[0] // 4)
        habit = "fixed-lifetime" if max(used_at) <= asked_at[0] + room else "irregular"
    return Repetition(tuple(repeats), tuple(asked_at), tuple(sorted(used_at)), habit)


def _ages_of_use(case: Case, host: Host, sha256: str, queries: Sequence[Query]) -> list[int]:
    """Return how old the answer was at each visit that it spared a query."""
    ages: list[int] = []
    visits: Sequence[Visit] = host.received.get(sha256, [])
    position = -1
    for visit in visits:
        while position + 1 < len(queries) and queries[position + 1].answer_time < visit.time:
            position += 1
        handshake = visit.handshake
        if (
            position < 0
            or (sha256, id(visit)) in host.triggered
            or handshake.staples
            or not handshake.complete
            or case.coverage.rest_after(handshake.capture, handshake.time) < CONCURRENT
        ):
            continue
        last = queries[position]
        if not last.usable or last.single is None or last.single.next_update is None:
            continue
        # One that stands a moment before may be its own, captured too early.
        since = visit.time - case.clocks.disorder(handshake.capture)
        waits = bool(between(queries, since, visit.time)) or any(
            0 <= query.time - visit.time <= CONCURRENT for query in queries[position + 1 : position + 2]
        )
        if not waits and visit.time < last.single.next_update:
            ages.append(visit.time - last.answer_time)
    return ages
