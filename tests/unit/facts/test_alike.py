"""Facts made of a pattern and of columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocsp_pcap.facts import HandshakeFact
from ocsp_pcap.facts.alike import MOST_PATTERNS, Alike, Pattern, patterns
from ocsp_pcap.facts.lines import line_of
from tests.unit.report.demo import demo_facts

from .instances import instances

TIMES = st.integers(-(1 << 62), 1 << 62)
ROW = st.tuples(TIMES, st.none() | TIMES, st.none() | st.integers(1, 1 << 62), st.none() | st.text())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(instances(HandshakeFact), instances(HandshakeFact), st.lists(ROW, max_size=5))
def test_what_is_put_into_a_pattern_changes_nothing_else(
    fact: HandshakeFact, other: HandshakeFact, rows: list[Any]
) -> None:
    shared = [(fact, other)[place % 2] for place in range(len(rows))]
    known: dict[Any, Pattern[HandshakeFact]] = {}
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    alike = Alike(
        patterns((place % 2 for place in range(len(rows))), shared.__getitem__, known),
        {
            "client_random": columns[3],
            "end_time": columns[1],
            "frames.finished": columns[2],
            "time": columns[0],
        },
    )
    wanted = [
        replace(
            pattern,
            time=time,
            end_time=end,
            frames=replace(pattern.frames, finished=frame),
            client_random=random,
        )
        for pattern, (time, end, frame, random) in zip(shared, rows, strict=True)
    ]
    assert list(alike.items(lines=False)) == wanted
    assert list(alike.items(lines=True)) == [line_of(each) for each in wanted]
    assert len(known) == min(2, len(rows))


def test_patterns_are_kept_within_bounds() -> None:
    known: dict[Any, Pattern[HandshakeFact]] = {}
    fact = demo_facts().handshakes[0]
    many = patterns(range(MOST_PATTERNS + 1), lambda _: fact, known)
    assert len(many) == len(known)
    assert patterns([0], lambda _: fact, known) != many[:1]
    assert len(known) == 1
