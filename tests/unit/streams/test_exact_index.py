"""The exact map from keys to numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.streams.exact_index import ExactIndex

KEYS = st.lists(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from([0, 1, 2**32, 2**63, 2**64 - 1])), max_size=60),
    max_size=5,
)


def _lanes(keys: list[tuple[int, int]]) -> tuple[np.ndarray, ...]:  # type: ignore[type-arg]
    return tuple(np.array([key[lane] for key in keys], np.uint64) for lane in range(2))


def _check(index: ExactIndex, batches: list[list[tuple[int, int]]]) -> None:
    known: dict[tuple[int, int], int] = {}
    for keys in batches:
        if not keys:
            continue
        before = len(known)
        expected = [known.setdefault(key, len(known)) for key in keys]
        numbers, new = index.numbers(_lanes(keys))
        assert numbers.tolist() == expected
        assert new.tolist() == [expected.index(number) for number in range(before, len(known))]
    assert len(index) == len(known)
    for key, number in known.items():
        assert index.key(number) == key


@settings(deadline=None)
@given(KEYS)
def test_keys_are_numbered_by_first_appearance(batches: list[list[tuple[int, int]]]) -> None:
    _check(ExactIndex(2), batches)


@settings(deadline=None)
@given(KEYS)
def test_keys_whose_hashes_collide_stay_apart(batches: list[list[tuple[int, int]]]) -> None:
    index = ExactIndex(2)
    index._hash = lambda lanes: np.full(len(lanes[0]), 2**64 - 1, np.uint64)  # type: ignore[method-assign]
    _check(index, batches)


def test_growth_keeps_every_number() -> None:
    index = ExactIndex(2)
    lane = np.arange(20000, dtype=np.uint64)
    for begin in range(0, 20000, 3000):
        part = lane[begin : begin + 3000]
        assert index.numbers((part, part * np.uint64(7)))[0].tolist() == part.tolist()
    assert index.numbers((lane[::-1], lane[::-1] * np.uint64(7)))[0].tolist() == lane[::-1].tolist()


@pytest.mark.parametrize("lanes", [2, 5])
def test_two_processes_hash_differently(lanes: int) -> None:
    key = tuple(np.array([5], np.uint64) for _ in range(lanes))
    assert ExactIndex(lanes)._hash(key) != ExactIndex(lanes)._hash(key)
