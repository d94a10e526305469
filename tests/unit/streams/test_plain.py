"""Plain streams by columns, against a walk over segments."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.decode.columns import EXTRA, FIN, RST, SYN, URG, TransportColumns
from ocsp_pcap.streams.flows import FlowTable
from ocsp_pcap.streams.plain import Ordered, plain_rows
from tests.unit.streams.test_flows import OPENING, Segment, columns_of

DATA: list[Segment] = [
    ("a>b", "PA", 101, 501),
    ("b>a", "PA", 501, 111),
    ("a>b", "PA", 111, 511),
    ("b>a", "PA", 511, 121),
    ("b>a", "PA", 521, 121),
]
"""Ten bytes each."""


def counted(columns: TransportColumns, most: int = 9) -> list[int]:
    """Return how many rows with payload, or an end, are plain, in each stream that has any."""
    flows = FlowTable()
    assigned = flows.assign(columns)
    telling = (columns.payload_length + columns.payload_missing > 0) | ((columns.flags & (FIN | RST)) != 0)
    rows = np.flatnonzero(telling)
    ordered = Ordered.by_stream(rows, assigned.stream[rows], assigned.direction[rows])
    return plain_rows(columns, ordered, most, flows).tolist()


def with_payload(segments: list[Segment]) -> TransportColumns:
    columns = columns_of(segments)
    length = np.where((columns.flags & 0x08) != 0, 10, 0)
    return replace(columns, payload_length=length.astype(np.int64))


def test_in_order_from_the_syn_on() -> None:
    assert counted(with_payload(OPENING + DATA)) == [5]
    assert counted(with_payload(OPENING + DATA), most=3) == [3]


def test_streams_side_by_side() -> None:
    other = [(way.replace("b", "c"), flags, *numbers) for way, flags, *numbers in OPENING + DATA]
    assert counted(
        with_payload([each for pair in zip(OPENING + DATA, other, strict=True) for each in pair])
    ) == [5, 5]
    assert counted(with_payload(OPENING + DATA + other[1:])) == [5, 0]


def test_numbers_go_round() -> None:
    far = [(way, flags, (one - 105) % 2**32, other) for way, flags, one, other in OPENING + DATA]
    assert counted(with_payload(far)) == [5]


def test_not_without_both_syns() -> None:
    assert counted(with_payload(OPENING[1:] + DATA)) == [0]
    assert counted(with_payload(OPENING[:1] + DATA)) == [0]


def test_up_to_what_is_sent_again_or_missing() -> None:
    again, gap = [*DATA[:3], DATA[1], *DATA[3:]], [*DATA[:3], *DATA[4:]]
    assert counted(with_payload(OPENING + again)) == [3]
    assert counted(with_payload(OPENING + gap)) == [3]


def test_up_to_an_end() -> None:
    for flags in ("FA", "R", "FPA"):
        assert counted(with_payload([*OPENING, *DATA[:2], ("a>b", flags, 111, 511), *DATA[2:]])) == [2]
    assert counted(with_payload([*OPENING, ("b>a", "RA", 501, 101), *DATA])) == [0]


def test_up_to_what_is_cut_off_urgent_or_elsewhere() -> None:
    columns = with_payload(OPENING + DATA)
    third = np.arange(len(columns)) == 5
    for changed in (
        replace(columns, payload_missing=third.astype(np.int64)),
        replace(columns, flags=columns.flags | np.where(third, URG, 0).astype(np.uint8)),
        replace(columns, payload_offset=np.where(third, EXTRA, 0)),
    ):
        assert counted(changed) == [2]


def test_a_syn_with_data_is_not_plain() -> None:
    columns = with_payload(OPENING + DATA)
    assert counted(
        replace(columns, payload_length=np.where(columns.flags & SYN, 10, columns.payload_length))
    ) == [0]


@given(order=st.lists(st.integers(0, 4), max_size=9))
def test_any_order(order: list[int]) -> None:
    due = {"a>b": 101, "b>a": 501}
    expected = 0
    for index in order:
        way, _, sequence, _ = DATA[index]
        if due[way] != sequence:
            break
        due[way] += 10
        expected += 1
    assert counted(with_payload([*OPENING, *(DATA[index] for index in order)])) == (
        [expected] if order else []
    )
