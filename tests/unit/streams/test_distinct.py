"""Distinct values, against numpy's own."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.streams.distinct import (
    among,
    distinct,
    first_of_each,
    last_of_each,
    marked,
    order_of,
    run_starts,
)


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 5), max_size=40))
def test_same_as_numpy(numbers: list[int]) -> None:
    values = np.array(numbers, np.uint64)
    expected, first = np.unique(values, return_index=True)
    assert distinct(values).tolist() == expected.tolist()
    assert first_of_each(values).tolist() == first.tolist()
    assert order_of(values).tolist() == sorted(range(len(numbers)), key=numbers.__getitem__)


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 5)), st.lists(st.integers(0, 9)))
def test_values_among_others(numbers: list[int], wanted: list[int]) -> None:
    found = among(np.array(numbers, np.uint64), np.array(wanted, np.uint64))
    assert found.tolist() == [number in wanted for number in numbers]


@given(st.lists(st.integers(0, 9)))
def test_where_numbers_last_stand(numbers: list[int]) -> None:
    expected = [at for at, number in enumerate(numbers) if number not in numbers[at + 1 :]]
    assert last_of_each(np.array(numbers, np.int64), 10).tolist() == expected


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9)))
def test_marked_values(numbers: list[int], wanted: list[int]) -> None:
    found = marked(np.array(numbers, np.int64), np.array(wanted, np.int64), 10)
    assert found.tolist() == [number in wanted for number in numbers]


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1))))
def test_runs_of_equal_rows(rows: list[tuple[int, int]]) -> None:
    columns = np.array(rows, np.int64).reshape(-1, 2).T
    expected = [at for at, row in enumerate(rows) if not at or row != rows[at - 1]]
    assert run_starts(list(columns)).tolist() == expected
