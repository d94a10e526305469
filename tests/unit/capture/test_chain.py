from __future__ import annotations

from itertools import pairwise
from unittest import mock

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ocsp_pcap.capture import chain
from ocsp_pcap.capture.chain import BlockChain, Finder, gather, lanes


@given(st.lists(st.integers(0, 3), max_size=100))
def test_words_are_found(words: list[int]) -> None:
    array = np.array(words, np.uint32)
    assert Finder().words(array, 2, 1000).tolist() == [at for at, word in enumerate(words) if word == 2]


def test_too_many_hits_are_none() -> None:
    assert not len(Finder().words(np.zeros(1000, np.uint32), 0, 10))


def test_gather_reads_unaligned_words() -> None:
    buffer = np.arange(40, dtype=np.uint8)
    words = gather(buffer, np.array([1, 7]), 2)
    assert words.tobytes() == bytes(range(1, 9)) + bytes(range(7, 15))


def test_short_runs_of_candidates_are_given_up() -> None:
    candidates = np.arange(0, 4000, 2)
    limits = []

    def step(position: int, until: int) -> tuple[list[int], int, bool]:
        limits.append(until)
        return list(range(position, until)), until, False

    positions, stopped = BlockChain(candidates, candidates + 1).follow(0, 4000, step)
    assert (positions.tolist(), stopped) == (list(range(4000)), 4000)
    assert len(limits) < 300


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Where each position's record ends, and candidates among the positions."""
    end = draw(st.integers(1, 120))
    after = [draw(st.integers(at + 1, min(at + 9, end))) for at in range(end)]
    return after, sorted(draw(st.sets(st.integers(0, end - 1))))


@given(graphs(), st.integers(0, 200))
def test_candidates_never_change_the_result(graph: tuple[list[int], list[int]], stop: int) -> None:
    after, candidates = graph
    end = len(after)
    candidates = [at for at in candidates if at != stop]

    def step(position: int, until: int) -> tuple[list[int], int, bool]:
        passed = []
        while position < until:
            if position == stop:
                return passed, position, True
            passed.append(position)
            position = after[position]
        return passed, position, False

    expected = step(0, end)[:2]
    chain = BlockChain(np.array(candidates, np.int64), np.array([after[at] for at in candidates], np.int64))
    positions, stopped = chain.follow(0, end, step)
    assert (positions.tolist(), stopped) == expected


@given(graphs())
def test_lanes_walk_from_each_start_to_the_next(graph: tuple[list[int], list[int]]) -> None:
    after, starts = graph
    end = len(after)
    with mock.patch.object(chain, "LEAST_LANES", 1):
        positions, following = lanes(np.array(starts, np.int64), end, lambda at: _next(after, at))
    expected: list[int] = []
    for start, until in pairwise([*starts, end]):
        while start < until:
            expected.append(start)
            start = after[start]
    assert positions.tolist() == expected
    assert following.tolist() == [after[at] for at in expected]


def test_some_lanes_that_are_longer_than_the_others_are_left() -> None:
    starts = np.array([*range(0, 200, 10), 1000])
    positions, following = lanes(starts, 10_000, lambda at: at + 5)
    walked = 5 * chain.LANE_STEPS
    assert positions.tolist() == [*range(0, 190 + walked, 5), *range(1000, 1000 + walked, 5)]
    assert following.tolist() == [at + 5 for at in positions.tolist()]


def test_what_passes_the_end_is_no_record() -> None:
    with mock.patch.object(chain, "LEAST_LANES", 1):
        positions, following = lanes(np.array([0, 10]), 18, lambda at: at + np.where(at == 5, 50, 5))
    assert (positions.tolist(), following.tolist()) == ([0, 10], [5, 15])


def _next(after: list[int], at: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(at < len(after), np.array(after).take(at, mode="clip"), at + 1)
