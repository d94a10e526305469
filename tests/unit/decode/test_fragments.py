"""Reassembly of IP fragments."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.decode.fragments import MAXIMUM_AGE, MAXIMUM_BYTES, MAXIMUM_DATAGRAMS, Fragments


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


def test_memory_is_bounded() -> None:
    fragments = Fragments()
    for key in range(MAXIMUM_DATAGRAMS + 100):
        fragments.add(key, 0, True, b"12345678", 0)
    assert len(fragments) <= MAXIMUM_DATAGRAMS
    for key in range(1000):
        fragments.add(-key, 60000, True, b"12345678", 0)
    assert len(fragments) <= MAXIMUM_BYTES // 60000 + 2
