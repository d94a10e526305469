from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.capture.chain import BlockChain, Finder, gather


@given(st.binary(min_size=1, max_size=300), st.binary(min_size=2, max_size=2))
def test_pairs_are_found_at_every_position(data: bytes, pair: bytes) -> None:
    data += pair
    found = Finder().pairs(np.frombuffer(data, np.uint8), int(np.frombuffer(pair, np.uint16)[0]), 1000)
    assert found.tolist() == [at for at in range(len(data) - 1) if data[at : at + 2] == pair]


def test_pairs_are_found_where_pieces_meet() -> None:
    data = np.zeros(5 << 20, np.uint8)
    expected = [0, (2 << 20) - 1, 2 << 20, (4 << 20) - 1, (5 << 20) - 2]
    for at in expected:
        data[at : at + 2] = (7, 7) if at != 2 << 20 else (7, 0)
    data[2 << 20 | 1] = 7
    finder = Finder()
    value = int(np.frombuffer(b"\x07\x07", np.uint16)[0])
    assert finder.pairs(data, value, 100).tolist() == expected
    assert finder.pairs(data[:100], value, 100).tolist() == [0]


@given(st.lists(st.integers(0, 3), max_size=100))
def test_words_are_found(words: list[int]) -> None:
    array = np.array(words, np.uint32)
    assert Finder().words(array, 2, 1000).tolist() == [at for at, word in enumerate(words) if word == 2]


def test_too_many_hits_are_none() -> None:
    assert not len(Finder().words(np.zeros(1000, np.uint32), 0, 10))
    assert not len(Finder().pairs(np.zeros(1000, np.uint8), 0, 10))


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
