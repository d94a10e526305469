from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.spoken.held_bytes import HeldBytes, Piece

PIECES = st.lists(st.tuples(st.integers(0, 1), st.binary(min_size=1, max_size=6)), max_size=8)


@given(PIECES, st.integers(0, 20), st.integers(0, 20))
def test_what_waits_is_kept_in_order_and_cut_at_the_front(
    sent: list[tuple[int, bytes]], first: int, second: int
) -> None:
    waiting = HeldBytes()
    for frame, (direction, data) in enumerate(sent, start=1):
        waiting.append(Piece(direction, data, frame, 10 * frame, True))
    assert waiting.size == sum(len(data) for _, data in sent)
    rest = waiting.without({0: first, 1: second})
    assert [piece.frame for piece in rest] == sorted(piece.frame for piece in rest)
    for direction, length in enumerate((first, second)):
        whole = b"".join(data for side, data in sent if side == direction)
        assert waiting.buffers[direction] == whole
        assert b"".join(piece.data for piece in rest if piece.direction == direction) == whole[length:]
