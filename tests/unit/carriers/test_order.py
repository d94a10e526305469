from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.carriers.order import (
    MAXIMUM_AHEAD,
    MAXIMUM_WAITING,
    MAXIMUM_WAITING_BYTES,
    Carried,
    PacketOrder,
)


def data(found: list[Carried]) -> bytes:
    return b"".join(piece.data for piece in found)


@given(st.permutations(range(MAXIMUM_WAITING)), st.integers(0, (1 << 16) - 1))
def test_any_order_gives_the_same_bytes(arrival: list[int], first: int) -> None:
    order = PacketOrder(0, 1, 1 << 16, first)
    found = []
    for frame, number in enumerate(arrival):
        found += order.receive((first + number) % (1 << 16), bytes((number,)), frame, frame)
    assert data(found) == bytes(range(MAXIMUM_WAITING))
    assert not any(piece.missing for piece in found)
    assert [piece.frame for piece in found] == sorted(piece.frame for piece in found)


def test_the_first_copy_wins() -> None:
    order = PacketOrder(0, 0, 1 << 32, 0)
    assert data(order.receive(0, b"one", 1, 1) + order.receive(0, b"two", 2, 2)) == b"one"
    order.receive(2, b"c", 3, 3)
    order.receive(2, b"C", 4, 4)
    assert order.receive(1, b"b", 5, 5) == [Carried(0, 0, b"b", 5, 5), Carried(0, 0, b"c", 5, 5)]


def test_a_hole_is_given_up_at_the_end() -> None:
    order = PacketOrder(3, 0, 1 << 32, 1)
    order.receive(1, b"first", 1, 1)
    order.receive(4, b"fourth", 2, 2)
    order.receive(5, b"5", 3, 3)
    assert order.flush() == [Carried(3, 0, b"fourth", 3, 3, 12), Carried(3, 0, b"5", 3, 3)]
    assert order.flush() == []


@given(st.lists(st.tuples(st.integers(0, 1 << 17), st.integers(0, 3000)), max_size=300))
def test_what_waits_is_bounded(packets: list[tuple[int, int]]) -> None:
    order = PacketOrder(0, 0, 1 << 16, None)
    largest = 0
    for frame, (number, size) in enumerate(packets):
        largest = max(largest, size)
        order.receive(number % (1 << 16), bytes(size), frame, frame)
        assert len(order._waiting) <= MAXIMUM_WAITING
        assert sum(len(packet.data) for packet in order._waiting.values()) <= MAXIMUM_WAITING_BYTES
    order.flush()
    assert not order._waiting


def test_far_away_numbers_are_not_taken() -> None:
    order = PacketOrder(0, 0, 1 << 32, 10)
    assert order.receive(9, b"old", 1, 1) == []
    assert order.receive(11 + MAXIMUM_AHEAD, b"far", 1, 1) == []
    assert order.flush() == []
