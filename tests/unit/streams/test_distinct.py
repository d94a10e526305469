"""Distinct values, against numpy's own."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.streams.distinct import among, distinct, first_of_each, groups


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 5), max_size=40))
def test_same_as_numpy(numbers: list[int]) -> None:
    values = np.array(numbers, np.uint64)
    expected, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    assert distinct(values).tolist() == expected.tolist()
    assert first_of_each(values).tolist() == first.tolist()
    found, group = groups(values)
    assert found.tolist() == first.tolist()
    assert group.tolist() == inverse.tolist()


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 5)), st.lists(st.integers(0, 9)))
def test_values_among_others(numbers: list[int], wanted: list[int]) -> None:
    found = among(np.array(numbers, np.uint64), np.array(wanted, np.uint64))
    assert found.tolist() == [number in wanted for number in numbers]
