"""Items between two times."""

from __future__ import annotations

from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap import bounds
from ocsp_pcap.explain.spans import Runs, between

TIMES = st.lists(st.integers(0, 50), max_size=20).map(sorted)


@given(TIMES, st.integers(-5, 55), st.integers(-5, 55))
def test_both_ends_count(times: list[int], first: int, last: int) -> None:
    found = between(times, first, last, lambda time: time)
    assert list(found) == [time for time in times if first <= time <= last]


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from("ab"))), st.integers(0, 20), st.integers(0, 20))
def test_others_of_runs_are_those_of_another_kind(
    items: list[tuple[int, str]], first: int, last: int
) -> None:
    items.sort(key=itemgetter(0))
    runs = Runs(items, itemgetter(1), itemgetter(0))
    assert list(runs.others("a", first, last)) == [i for i in items if first <= i[0] <= last and i[1] == "b"]


@pytest.mark.reaches("compared")
def test_others_of_runs_are_as_many_as_are_compared() -> None:
    bounds.adjust({"compared": 2})
    items = [(0, "a"), (1, "b"), (2, "b"), (3, "a"), (4, "a")]
    assert list(Runs(items, itemgetter(1), itemgetter(0)).others("a", 0, 9)) == items[1:3]
    assert bounds.take_reached() == {}
    assert list(Runs(items, itemgetter(1), itemgetter(0)).others("b", 0, 9)) == [items[0], items[3]]
    assert bounds.take_reached() == {"compared": 1}
