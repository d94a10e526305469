"""Tables of the streams of two files, joined into what one table of both would be."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ocsp_pcap.streams.flow import Flow
from ocsp_pcap.streams.flows import FlowTable
from ocsp_pcap.streams.joining import Joined, MatchError, StreamFiles

from .test_flows import SEGMENTS, Segment, columns_of


def table(segments: list[Segment], before: int = 0) -> FlowTable:
    """Number segments as frames 1, 2, ..., at the times that they have behind ``before`` others."""
    flows = FlowTable()
    columns = columns_of(segments, first_frame=before + 1, payload=1)
    flows.assign(replace(columns, frame=columns.frame - before))
    return flows


def known(flows: FlowTable) -> list[tuple[Flow, list[int | None]]]:
    return [
        (
            flows.flow(stream),
            list(flows.initial_sequences(stream))
            + [flows.last_acknowledgment(stream, side) for side in (0, 1)],
        )
        for stream in range(len(flows))
    ]


@settings(max_examples=600)
@given(SEGMENTS, st.integers(0, 40), st.integers(0, 40))
@example([("a>b", "S", 1, 0), ("b>a", "SA", 5, 2), ("a>b", "A", 2, 6)], 1, 2)
@example([("a>b", "PA", 1, 1), ("b>a", "PA", 1, 1), ("a>b", "PA", 2, 2)], 1, 1)
@example([("a>b", "S", 1, 0), ("a>b", "S", 1, 0), ("b>a", "SA", 5, 2)], 1, 1)
@example([("a>b", "S", 1, 0), ("a>b", "FA", 2, 0), ("a>b", "S", 3, 0)], 2, 2)
@example([("a>b", "S", 0, 0), ("b>a", "SA", 0, 1), ("a>b", "R", 0, 0), ("b>a", "A", 0, 0)], 0, 3)
def test_joined_tables_know_what_one_table_would(segments: list[Segment], first: int, second: int) -> None:
    first, second = sorted((min(first, len(segments)), min(second, len(segments))))
    joined = table(segments[:first])
    for start, stop in ((first, second), (second, len(segments))):
        part = table(segments[start:stop], start)
        try:
            match = joined.match(part)
        except MatchError:
            # Rare, and allowed: the packets are gone through then.
            return
        before = len(joined)
        found = joined.join(part, match, start)
        assert (found.number[~found.goes_on] >= before).all()
    assert known(joined) == known(table(segments))


def test_a_stream_that_goes_on_is_told_from_a_new_one() -> None:
    earlier = table([("a>b", "S", 1, 0), ("b>a", "SA", 5, 2), ("a>c", "S", 1, 0)])
    later = table([("b>a", "PA", 6, 2), ("a>c", "S", 9, 0), ("a>c", "S", 11, 0)])
    match = earlier.match(later)
    assert match.earlier.tolist() == [0, -1, -1]
    assert match.flipped.tolist() == [True, False, False]
    assert match.known.tolist() == [True, True, True]
    joined = earlier.join(later, match, 100)
    assert joined.number.tolist() == [0, 2, 3]
    assert earlier.flow(0).packets == [1, 2]
    assert earlier.flow(2).first_frame == 102


def test_where_only_the_packets_could_tell() -> None:
    earlier = table([("a>b", "S", 1, 0), ("b>a", "SA", 5, 2)])
    with pytest.raises(MatchError):
        earlier.match(table([("a>b", "PA", 7, 6), ("a>b", "S", 1, 0)]))


@pytest.mark.parametrize(
    ("end", "taken"),
    [
        (("b>a", "R", 500, 0), True),  # in the window
        (("b>a", "R", 90_000, 0), False),  # beyond it
        (("b>a", "F", 499, 0), True),  # sent again
        (("b>a", "F", 300, 0), False),
    ],
)
def test_an_end_at_the_beginning_of_a_file_is_judged_by_what_came_before(end: Segment, taken: bool) -> None:
    earlier = table([("a>b", "S", 1, 0), ("b>a", "SA", 499, 2), ("a>b", "A", 2, 500)])
    later = table([end], 3)
    if taken:
        assert earlier.match(later).earlier.tolist() == [0]
    else:
        with pytest.raises(MatchError, match="took none"):
            earlier.match(later)


@given(SEGMENTS, st.lists(st.integers(0, 40), max_size=4), st.integers(1, 9))
def test_numbers_in_each_file_are_those_of_the_file_alone(
    segments: list[Segment], cuts: list[int], step: int
) -> None:
    borders = [0, *sorted(min(cut, len(segments)) for cut in cuts), len(segments)]
    whole, in_order, at_once = FlowTable(), StreamFiles(), StreamFiles()
    expected: list[dict[int, int]] = []
    for low, high in pairwise(borders):
        in_order.begin(len(whole))
        first = len(whole)
        streams: list[int] = []
        for start in range(low, high, step):
            columns = columns_of(segments[start : min(start + step, high)], first_frame=start + 1)
            before = len(whole)
            rows = whole.assign(columns)
            in_order.note(rows.stream, before)
            streams += rows.stream.tolist()
        # In the file alone, streams are numbered by their first packet.
        alone = {stream: number for number, stream in enumerate(dict.fromkeys(streams))}
        expected.append(alone)
        number = np.array(list(alone), np.int64)
        other = StreamFiles()
        other.begin(0)
        at_once.join(other, Joined(number, np.zeros(len(number), np.bool_), number < first, first))
    for files in (in_order, at_once):
        found = [
            dict(files.numbers(file, set(range(len(whole))), range(len(whole))))
            for file in range(len(expected))
        ]
        assert [dict(sorted(alone.items())) for alone in expected] == found
