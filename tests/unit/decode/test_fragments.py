"""Reassembly of IP fragments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.bounds import BOUNDS, take_reached
from ocsp_pcap.decode.fragments import MAXIMUM_AGE, Fragments


@given(st.binary(min_size=1, max_size=300), st.randoms(use_true_random=False))
def test_any_order_with_repeats_gives_the_datagram(payload: bytes, chance: object) -> None:
    step = 24
    parts = [(at, at + step < len(payload), payload[at : at + step]) for at in range(0, len(payload), step)]
    shuffled = [*parts, *parts[:2]]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    fragments = Fragments()
    wholes = [fragments.add("key", *part, time=0) for part in shuffled]
    assert payload in wholes


def test_where_fragments_overlap_the_earlier_one_stands() -> None:
    fragments = Fragments()
    assert fragments.add("key", 8, True, b"B" * 16, 0) is None
    assert fragments.add("key", 16, False, b"C" * 20, 0) is None
    assert fragments.add("key", 0, True, b"A" * 16, 0) == b"A" * 8 + b"B" * 16 + b"C" * 12


def test_datagrams_do_not_mix() -> None:
    fragments = Fragments()
    assert fragments.add(1, 0, True, b"12345678", 0) is None
    assert fragments.add(2, 8, False, b"x", 0) is None
    assert fragments.add(1, 8, False, b"9", 0) == b"123456789"
    assert len(fragments) == 1


def test_bytes_past_the_end_are_left_out() -> None:
    fragments = Fragments()
    assert fragments.add(1, 16, True, b"z" * 8, 0) is None
    assert fragments.add(1, 8, False, b"b" * 3, 0) is None
    assert fragments.add(1, 0, True, b"a" * 8, 0) == b"a" * 8 + b"b" * 3


def test_a_datagram_of_more_than_64_kilobytes_is_refused() -> None:
    fragments = Fragments()
    assert fragments.add(1, 65528, False, b"x" * 8, 0) is None
    assert not len(fragments)


def test_old_datagrams_are_given_up() -> None:
    fragments = Fragments()
    fragments.add(1, 0, True, b"12345678", 0)
    assert fragments.add(1, 8, False, b"9", MAXIMUM_AGE + 1) is None


@pytest.mark.reaches("fragmented_datagrams", "fragment_bytes")
def test_memory_is_bounded() -> None:
    fragments = Fragments()
    take_reached()
    for key in range(BOUNDS.fragmented_datagrams + 100):
        fragments.add(key, 0, True, b"12345678", 0)
    assert len(fragments) <= BOUNDS.fragmented_datagrams
    for key in range(1000):
        fragments.add(-key, 60000, True, b"12345678", 0)
    assert len(fragments) <= BOUNDS.fragment_bytes // 60000 + 2
    assert set(take_reached()) == {"fragmented_datagrams", "fragment_bytes"}


OTHERS: dict[str, tuple[list[tuple[int, bool, bytes]], tuple[int, ...]]] = {
    "a copy that agrees": ([(0, True, b"A" * 16), (0, True, b"A" * 16), (16, False, b"B" * 8)], ()),
    "a copy that differs": ([(0, True, b"A" * 16), (0, True, b"C" * 16), (16, False, b"B" * 8)], (1, 2)),
    "an overlap that agrees": ([(0, True, b"A" * 16), (8, False, b"A" * 8 + b"B" * 16)], ()),
    "an overlap that differs": ([(0, True, b"A" * 16), (8, False, b"C" * 8 + b"B" * 16)], (1, 2)),
    "an overlap on both sides": (
        [(0, True, b"A" * 8), (16, False, b"C" * 8), (0, True, b"A" * 7 + b"x" + b"B" * 8 + b"D" * 8)],
        (1, 2, 3),
    ),
    "only one of two differs": (
        [(0, True, b"A" * 8), (16, False, b"C" * 8), (0, True, b"A" * 8 + b"B" * 8 + b"D" * 8)],
        (2, 3),
    ),
    "two ends": ([(8, False, b"B" * 8), (8, False, b"B" * 4), (0, True, b"A" * 8)], (1, 2)),
    "an end that is no multiple of eight": ([(8, False, b"B" * 3), (0, True, b"A" * 8)], ()),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_fragments_that_disagree_are_named(kind: str) -> None:
    parts, expected = OTHERS[kind]
    fragments = Fragments()
    wholes = [fragments.add("key", *part, time=0, frame=frame) for frame, part in enumerate(parts, 1)]
    assert wholes[-1] is not None
    assert fragments.disputed == expected


@given(st.data())
def test_the_frames_named_are_those_whose_bytes_differ(data: st.DataObject) -> None:
    """Against every pair of fragments, byte by byte."""
    size = 64
    parts: list[tuple[int, bytes]] = []
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, size // 8 - 1)) * 8
        end = min(start + data.draw(st.integers(1, 4)) * 8, size)
        parts.append((start, bytes(data.draw(st.sampled_from(b"AAAB")) for _ in range(end - start))))
    parts.append((0, b"A" * size))
    fragments = Fragments()
    believed: dict[int, tuple[int, int]] = {}
    expected: set[int] = set()
    for frame, (start, payload) in enumerate(parts, 1):
        whole = fragments.add("key", start, frame < len(parts), payload, 0, frame)
        for at, byte in enumerate(payload, start):
            first = believed.setdefault(at, (byte, frame))
            if first[0] != byte:
                expected |= {frame} | {
                    other
                    for other, (begin, bytes_) in enumerate(parts[: frame - 1], 1)
                    if begin <= at < begin + len(bytes_)
                }
    assert whole == bytes(believed[at][0] for at in range(size))
    assert set(fragments.disputed) == expected
