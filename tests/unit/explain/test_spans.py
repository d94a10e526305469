"""Items between two times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.explain.spans import between

TIMES = st.lists(st.integers(0, 50), max_size=20).map(sorted)


@given(TIMES, st.integers(-5, 55), st.integers(-5, 55))
def test_both_ends_count(times: list[int], first: int, last: int) -> None:
    found = between(times, first, last, lambda time: time)
    assert list(found) == [time for time in times if first <= time <= last]
