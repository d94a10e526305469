from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.streams.events import Close, CopiesDiffer, Data, Gap, StreamEvent
from ocsp_pcap.streams.reassembly import (
    MAX_PLAUSIBLE_JUMP,
    MODULUS,
    REORDERING_TOLERANCE,
    Reassembler,
)


def bytes_of(events: list[StreamEvent]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, Data))


def gaps_of(events: list[StreamEvent]) -> list[int]:
    return [event.length for event in events if isinstance(event, Gap)]


def test_in_order_segments_keep_their_frames() -> None:
    stream = Reassembler(0)
    stream.start(101)
    events = stream.segment(101, b"abc", 0, 4, 40) + stream.segment(104, b"de", 0, 6, 60)
    assert events == [Data(0, 4, 4, 40, b"abc", True), Data(0, 6, 6, 60, b"de", True)]


def test_reordered_segment_is_delivered_with_the_frame_that_closed_the_hole() -> None:
    stream = Reassembler(1)
    stream.start(0)
    assert stream.segment(3, b"def", 0, 1, 10) == []
    assert stream.segment(0, b"abc", 0, 2, 20) == [
        Data(1, 2, 2, 20, b"abc", True),
        Data(1, 1, 2, 20, b"def", True),
    ]
    assert stream.pending_bytes == 0


def test_retransmission_is_dropped_and_the_first_copy_of_a_byte_wins() -> None:
    stream = Reassembler(0)
    stream.start(0)
    stream.segment(0, b"abcd", 0, 1, 1)
    assert stream.segment(0, b"abcd", 0, 2, 2) == []
    assert stream.segment(0, b"XXXX", 0, 3, 3) == [CopiesDiffer(0, (1,), 3, 4)]
    assert stream.segment(2, b"YYef", 0, 4, 4) == [
        CopiesDiffer(0, (1,), 4, 4),
        Data(0, 4, 4, 4, b"ef", False),
    ]


def test_sequence_numbers_wrap() -> None:
    stream = Reassembler(0)
    stream.start(MODULUS - 2)
    events = stream.segment(2, b"ef", 0, 1, 1)
    events += stream.segment(MODULUS - 2, b"abcd", 0, 2, 2)
    assert bytes_of(events) == b"abcdef"
    assert stream.next_sequence == 4


def test_start_in_mid_stream_takes_the_first_segment_as_origin() -> None:
    stream = Reassembler(0)
    assert bytes_of(stream.segment(77_000, b"mid", 0, 1, 1)) == b"mid"


def test_bytes_cut_off_by_the_snaplen_are_a_gap() -> None:
    stream = Reassembler(0)
    stream.start(0)
    events = stream.segment(0, b"abc", 100, 1, 1) + stream.segment(103, b"xyz", 0, 2, 2)
    assert events == [Data(0, 1, 1, 1, b"abc", True), Gap(0, 1, 1, 100), Data(0, 2, 2, 2, b"xyz", True)]


def test_acknowledged_hole_is_given_up_after_the_reordering_tolerance() -> None:
    stream = Reassembler(0)
    stream.start(0)
    stream.segment(10, b"later", 0, 1, 1)
    assert not any(stream.acknowledged(5, 2, 2) for _ in range(REORDERING_TOLERANCE * 2))
    events = [stream.acknowledged(15, 3, 3) for _ in range(REORDERING_TOLERANCE + 1)]
    assert not any(events[:-1])
    assert events[-1] == [Gap(0, 1, 1, 10), Data(0, 1, 1, 1, b"later", True)], "as its receiver took it"


def test_too_much_behind_a_hole_gives_it_up() -> None:
    stream = Reassembler(0)
    stream.start(0)
    chunk = bytes(1400)
    events: list[StreamEvent] = []
    position = 10
    while not events:
        events = stream.segment(position, chunk, 0, 1, 1)
        position += len(chunk)
    assert gaps_of(events) == [10]
    assert len(bytes_of(events)) > BOUNDS.hole_bytes
    assert stream.pending_bytes == 0


def test_segment_far_outside_any_window_is_ignored() -> None:
    stream = Reassembler(0)
    stream.start(0)
    assert stream.segment(MAX_PLAUSIBLE_JUMP + 1, b"x", 0, 1, 1) == []
    assert stream.flush(2, 2) == []


def test_reset_flushes_what_waits() -> None:
    stream = Reassembler(0)
    stream.start(0)
    stream.segment(5, b"tail", 0, 1, 1)
    assert stream.reset(9, 90) == [
        Gap(0, 1, 1, 5),
        Data(0, 1, 1, 1, b"tail", True),
        Close(0, 9, 90, True),
    ]


def test_fin_that_overtook_data_takes_effect_after_it() -> None:
    stream = Reassembler(0)
    stream.start(0)
    stream.segment(5, b"tail", 0, 1, 1)
    assert stream.finish(9, 2, 20) == []
    events = stream.segment(0, b"start", 0, 3, 30)
    assert bytes_of(events) == b"starttail"
    assert events[-1] == Close(0, 2, 20, False)


def test_bytes_before_a_fin_that_never_came_are_a_gap() -> None:
    stream = Reassembler(1)
    stream.start(0)
    stream.segment(0, b"abc", 0, 1, 1)
    assert stream.finish(13, 5, 50) == []
    assert [(sequence, frame) for sequence, frame, _ in stream.unfinished()] == [(13, 5)]
    stream.reaches(13, 5)
    assert stream.flush(9, 90) == [Gap(1, 5, 90, 10), Close(1, 5, 50, False)]


def test_bytes_before_a_fin_may_still_come() -> None:
    stream = Reassembler(1)
    stream.start(0)
    assert stream.finish(3, 5, 50) == []
    events = stream.segment(0, b"abc", 0, 6, 60)
    assert bytes_of(events) == b"abc"
    assert events[-1] == Close(1, 5, 50, False)
    assert not gaps_of(events)


@given(
    st.binary(min_size=1, max_size=300),
    st.integers(0, MODULUS - 1),
    st.lists(st.tuples(st.integers(0, 299), st.integers(1, 60)), max_size=20),
    st.randoms(use_true_random=False),
)
def test_any_order_overlap_and_repetition_gives_the_stream(
    content: bytes, origin: int, extra: list[tuple[int, int]], shuffle: random.Random
) -> None:
    pieces = [(start, content[start : start + 7]) for start in range(0, len(content), 7)]
    pieces += [(start, content[start : start + size]) for start, size in extra if start < len(content)]
    shuffle.shuffle(pieces)
    stream = Reassembler(0)
    stream.start(origin)
    events: list[StreamEvent] = []
    for frame, (start, data) in enumerate(pieces, 1):
        events += stream.segment((origin + start) % MODULUS, data, 0, frame, frame)
    assert bytes_of(events) == content
    assert not gaps_of(events)
    assert stream.pending_bytes == 0
