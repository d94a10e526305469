"""Numbering of streams and what is remembered of them."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ocsp_pcap.decode.columns import ACK, FIN, RST, SYN, TransportColumns
from ocsp_pcap.streams.flow import Endpoints
from ocsp_pcap.streams.flows import FlowTable
from tests.programs import needs_tshark_4_0

BITS = {"S": SYN, "A": ACK, "F": FIN, "R": RST, "P": 0x08}
HOSTS = {"a": 0x0A000001, "b": 0x0A000002, "c": 0x0A000003}
Segment = tuple[str, str, int, int]
"""Direction ("a>b"), flags, sequence and acknowledgment number."""


def columns_of(
    segments: list[Segment],
    *,
    first_frame: int = 1,
    version: int = 4,
    payload: int = 0,
    in_error: tuple[int, ...] = (),
) -> TransportColumns:
    count = len(segments)
    sources = [HOSTS[direction[0]] for direction, *_ in segments]
    destinations = [HOSTS[direction[2]] for direction, *_ in segments]
    ports = {0x0A000001: 40000, 0x0A000002: 443, 0x0A000003: 443}
    zeros = np.zeros(count, np.int64)
    return TransportColumns(
        buffer=np.zeros(64, np.uint8),
        extra=b"",
        frame=np.arange(first_frame, first_frame + count),
        time=np.arange(first_frame, first_frame + count) * 1000,
        ip_version=np.full(count, version, np.uint8),
        source_high=np.full(count, 0 if version == 4 else 0x20010DB8 << 32, np.uint64),
        source_low=np.array(sources, np.uint64),
        destination_high=np.full(count, 0 if version == 4 else 0x20010DB8 << 32, np.uint64),
        destination_low=np.array(destinations, np.uint64),
        source_port=np.array([ports[number] for number in sources], np.uint16),
        destination_port=np.array([ports[number] for number in destinations], np.uint16),
        sequence=np.array([sequence for *_, sequence, _ in segments], np.uint32),
        acknowledgment=np.array([acknowledgment for *_, acknowledgment in segments], np.uint32),
        flags=np.array([sum(BITS[bit] for bit in flags) for _, flags, *_ in segments], np.uint8),
        payload_offset=zeros,
        payload_length=zeros + payload,
        payload_missing=zeros,
        in_error=np.isin(np.arange(count), in_error),
        hop_limit=np.where(np.array(sources) == 0x0A000001, 64, 58).astype(np.uint8),
        window=np.full(count, 65535, np.uint16),
    )


OPENING: list[Segment] = [("a>b", "S", 100, 0), ("b>a", "SA", 500, 101), ("a>b", "A", 101, 501)]
RULES: dict[str, tuple[list[Segment], list[int]]] = {
    "a SYN sent again": ([("a>b", "S", 100, 0)] * 3, [0, 0, 0]),
    "a SYN with another sequence number": ([("a>b", "S", 100, 0), ("a>b", "S", 101, 0)], [0, 1]),
    "the same SYN after FIN": ([*OPENING, ("a>b", "FA", 101, 501), ("a>b", "S", 100, 0)], [0] * 5),
    "the same SYN after RST": ([*OPENING, ("b>a", "R", 501, 0), ("a>b", "S", 100, 0)], [0] * 5),
    "refused and tried again": (
        [
            ("a>b", "S", 100, 0),
            ("b>a", "RA", 0, 101),
            ("a>b", "S", 100, 0),
            ("b>a", "RA", 0, 101),
            ("a>b", "S", 7, 0),
        ],
        [0, 0, 0, 0, 1],
    ),
    "both open": (
        [("a>b", "S", 100, 0), ("b>a", "S", 500, 0), ("a>b", "SA", 100, 501), ("b>a", "SA", 500, 101)],
        [0] * 4,
    ),
    "a SYN from the other side": ([*OPENING, ("b>a", "S", 500, 0), ("b>a", "S", 600, 0)], [0, 0, 0, 0, 1]),
    "a SYN/ACK with another sequence number": (
        [
            ("a>b", "S", 100, 0),
            ("b>a", "SA", 500, 101),
            ("b>a", "SA", 700, 101),
            ("b>a", "S", 700, 0),
            ("b>a", "S", 500, 0),
        ],
        [0, 0, 0, 0, 1],
    ),
    "a start in the middle": ([("a>b", "A", 101, 500), ("a>b", "S", 100, 0), ("a>b", "S", 99, 0)], [0, 0, 1]),
    "the other side known by acknowledgment": (
        [("a>b", "RA", 100, 500), ("b>a", "S", 499, 0), ("b>a", "S", 5, 0)],
        [0, 0, 1],
    ),
    "sequence number zero": (
        [("a>b", "A", 0, 0), ("a>b", "S", 0xFFFFFFFF, 0), ("b>a", "S", 0xFFFFFFFF, 0)],
        [0, 0, 0],
    ),
    "SYN and RST at once": ([("a>b", "SR", 100, 0), ("a>b", "S", 100, 0), ("a>b", "SR", 101, 0)], [0, 0, 1]),
    "an earlier SYN again": (
        [
            ("a>b", "S", 100, 0),
            ("a>b", "S", 200, 0),
            ("b>a", "SA", 500, 201),
            ("a>b", "S", 100, 0),
            ("b>a", "A", 501, 101),
        ],
        [0, 1, 1, 2, 2],
    ),
    "two conversations": (
        [
            ("a>b", "S", 1, 0),
            ("a>c", "S", 1, 0),
            ("b>a", "SA", 9, 2),
            ("a>b", "S", 2, 0),
            ("a>c", "A", 2, 5),
            ("c>a", "S", 9, 0),
        ],
        [0, 1, 0, 2, 1, 3],
    ),
}


def _numbers(segments: list[Segment], step: int, version: int = 4) -> list[int]:
    table = FlowTable()
    numbers: list[int] = []
    for first in range(0, len(segments), step):
        columns = columns_of(segments[first : first + step], first_frame=first + 1, version=version)
        numbers += table.assign(columns).stream.tolist()
    return numbers


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("step", [1, 2, 100])
@pytest.mark.parametrize("version", [4, 6])
def test_the_rule_of_wireshark(rule: str, step: int, version: int) -> None:
    segments, expected = RULES[rule]
    assert _numbers(segments, step, version) == expected


def _packet(segment: Segment) -> bytes:
    direction, flags, sequence, acknowledgment = segment
    source, destination = HOSTS[direction[0]], HOSTS[direction[2]]
    ports = (40000, 443) if direction[0] == "a" else (443, 40000)
    bits = sum(BITS[bit] for bit in flags)
    tcp = struct.pack(">HHIIBBHHH", *ports, sequence, acknowledgment, 0x50, bits, 1000, 0, 0)
    return struct.pack(">BBHHHBBHII", 0x45, 0, 40, 1, 0, 64, 6, 0, source, destination) + tcp


@needs_tshark_4_0
@pytest.mark.parametrize("rule", RULES)
def test_tshark_numbers_alike(rule: str, tmp_path: Path) -> None:
    segments, expected = RULES[rule]
    capture = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for number, segment in enumerate(segments):
        packet = _packet(segment)
        capture += struct.pack("<IIII", number, 0, len(packet), len(packet)) + packet
    path = tmp_path / "rule.pcap"
    path.write_bytes(capture)
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-e", "tcp.stream"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [int(line) for line in output.split()] == expected


def _model(segments: list[Segment], in_error: set[int]) -> list[int]:
    """The rule once more, packet by packet."""
    current: dict[frozenset[str], tuple[int, dict[str, int]]] = {}
    numbers, count = [], 0
    for index, (direction, flags, sequence, acknowledgment) in enumerate(segments):
        ends = frozenset((direction[0], direction[2]))
        number, bases = current.get(ends, (-1, {}))
        source, destination = direction[0], direction[2]
        differs = source in bases and bases[source] != sequence
        if number < 0 or ("S" in flags and "A" not in flags and differs):
            number, bases, count = count, {}, count + 1
            current[ends] = (number, bases)
        elif "S" in flags and differs:
            bases[source] = sequence
        numbers.append(number)
        if index not in in_error:
            bases.setdefault(source, sequence if "S" in flags else (sequence - 1) % 2**32)
            if "A" in flags:
                bases.setdefault(destination, (acknowledgment - 1) % 2**32)
    return numbers


SEGMENTS = st.lists(
    st.tuples(
        st.sampled_from(["a>b", "b>a", "a>c", "c>a"]),
        st.sampled_from(["S", "S", "SA", "A", "PA", "FA", "R", "RA", "F", "SR"]),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    max_size=40,
)


@settings(max_examples=400, deadline=None)
@given(SEGMENTS, st.sets(st.integers(0, 39), max_size=6), st.integers(1, 40))
def test_any_split_into_batches_numbers_as_the_rule_says(
    segments: list[Segment], errors: set[int], step: int
) -> None:
    table = FlowTable()
    numbers: list[int] = []
    for first in range(0, len(segments), step):
        here = tuple(error - first for error in errors)
        rows = columns_of(segments[first : first + step], first_frame=first + 1, in_error=here)
        numbers += table.assign(rows).stream.tolist()
    assert numbers == _model(segments, errors)
    assert len(table) == len(set(numbers))


@settings(max_examples=100, deadline=None)
@given(SEGMENTS, st.integers(1, 40))
def test_any_split_into_batches_remembers_the_same(segments: list[Segment], step: int) -> None:
    whole, split = FlowTable(), FlowTable()
    whole.assign(columns_of(segments))
    for first in range(0, len(segments), step):
        split.assign(columns_of(segments[first : first + step], first_frame=first + 1))
    assert list(whole.flows(range(len(whole)))) == [split.flow(number) for number in range(len(split))]
    for number in range(len(whole)):
        assert whole.initial_sequences(number) == split.initial_sequences(number)
        assert whole.first_numbers(number) == split.first_numbers(number)
    one_sided = sum(whole.flow(number).one_sided for number in range(len(whole)))
    assert whole.one_sided_streams() == split.one_sided_streams() == one_sided


def test_direction_0_is_who_sent_first() -> None:
    table = FlowTable()
    rows = table.assign(
        columns_of([("b>a", "A", 1, 1), ("a>b", "A", 1, 1), ("a>c", "S", 1, 0), ("c>a", "SA", 1, 2)])
    )
    assert rows.direction.tolist() == [0, 1, 0, 1]
    assert rows.direction.dtype == np.uint8
    assert rows.stream.dtype == np.int64
    assert table.endpoints(0) == Endpoints("10.0.0.2", 443, "10.0.0.1", 40000)
    assert table.endpoints(1) == Endpoints("10.0.0.1", 40000, "10.0.0.3", 443)


def test_endpoints_of_ipv6_and_of_unknown_streams() -> None:
    table = FlowTable()
    table.assign(columns_of(OPENING, version=6))
    table.assign(columns_of(OPENING, version=4))
    assert table.endpoints(0) == Endpoints("2001:db8::a00:1", 40000, "2001:db8::a00:2", 443)
    assert table.endpoints(1).address_0 == "10.0.0.1"
    for unknown in (-1, 2):
        with pytest.raises(IndexError):
            table.endpoints(unknown)
        with pytest.raises(IndexError):
            next(table.flows([0, unknown]))


def test_streams_are_told_of_in_the_order_asked_for() -> None:
    table = FlowTable()
    table.assign(columns_of([("b>a", "A", 1, 1)], version=6))
    table.assign(columns_of([("a>b", "A", 1, 1), ("a>c", "S", 1, 0)], first_frame=2))
    asked = [2, 0, 1, 0]
    assert table.all_endpoints(asked) == [table.endpoints(number) for number in asked]
    assert list(table.flows(asked)) == [table.flow(number) for number in asked]
    assert [flow.first_frame for flow in table.flows(asked)] == [3, 1, 2, 1]
    assert [table.first_frame(number) for number in asked] == [3, 1, 2, 1]
    assert list(table.flows([])) == []


def test_streams_that_were_opened_to_some_addresses() -> None:
    table = FlowTable()
    table.assign(columns_of([("a>b", "S", 1, 0), ("b>c", "SA", 1, 2), ("a>c", "A", 1, 1)]))
    table.assign(columns_of([("a>b", "S", 1, 0)], version=6, first_frame=4))
    table.assign(columns_of([("c>b", "A", 1, 1), ("b>c", "S", 0, 0)], version=6, first_frame=5))
    assert table.opened_to(["10.0.0.2"]) == [0, 1], "who answers had not opened it"
    assert table.opened_to(["10.0.0.1", "10.0.0.3", "2001:db8::a00:2"]) == [3]
    assert table.opened_to(["2001:db8::a00:3"]) == [4], "who sent first had not opened it"
    assert table.opened_to(["10.0.0.4", "2001:db8::1"]) == []
    assert table.opened_to([]) == []
    assert FlowTable().opened_to(["10.0.0.1"]) == []


@settings(max_examples=100, deadline=None)
@given(SEGMENTS)
@example([("b>a", "SA", 1, 2), ("a>b", "A", 2, 2)])
def test_who_was_connected_to_is_the_same_of_one_stream_and_of_all(segments: list[Segment]) -> None:
    table = FlowTable()
    table.assign(columns_of(segments))
    servers: dict[str, list[int]] = {}
    for number in range(len(table)):
        flow = table.flow(number)
        if flow.outcome is not None:
            ends = flow.endpoints
            servers.setdefault((ends.address_1, ends.address_0)[flow.opener], []).append(number)
    for host in ("10.0.0.1", "10.0.0.2", "10.0.0.3"):
        assert table.opened_to([host]) == servers.get(host, [])


def test_sequence_numbers_of_the_opening() -> None:
    table = FlowTable()
    table.assign(columns_of([*OPENING, ("b>c", "SA", 7, 8), ("c>a", "S", 9, 0)]))
    # The second has no SYN to tell that its SYN/ACK answers one.
    assert [table.initial_sequences(number) for number in range(3)] == [[100, 500], [None, None], [9, None]]


@pytest.mark.parametrize("again", [[], [("b>a", "S", 7, 0)]], ids=["", "walked"])
@pytest.mark.parametrize("step", [1, 3, 4, 9])
@pytest.mark.parametrize(
    ("third", "payload"), [(OPENING[2], 9), (OPENING[2], 0), (("b>a", "A", 501, 101), 9)], ids=str
)
def test_a_later_syn_ack_does_not_move_where_payload_begins(
    step: int, again: list[Segment], third: Segment, payload: int
) -> None:
    """It is a second answer, forged, or that of another connection."""
    segments = [*OPENING[:1], ("b>a", "SA", 400, 101), OPENING[1], third, ("b>a", "SA", 900, 101), *again]
    lengths = np.array([0, 0, 0, payload, 0, 0][: len(segments)])
    table = FlowTable()
    for first in range(0, len(segments), step):
        columns = columns_of(segments[first : first + step], first_frame=first + 1)
        table.assign(replace(columns, payload_length=lengths[first : first + step]))
    assert table.initial_sequences(0) == [100, 500]
    assert table.first_numbers(0) == [101, 501]
    known, numbers = table.initial_numbers(np.array([0]), np.array([4]), np.array([4000]))
    assert known.all()
    assert numbers.tolist() == [[100, 500]]


@pytest.mark.parametrize(
    ("segments", "payload", "outcome"),
    [
        (OPENING, 0, "established"),
        (OPENING[:2], 0, "established"),
        (OPENING[1:], 0, "established"),
        ([OPENING[0], OPENING[2]], 0, "established"),  # the answers are not in the capture
        ([OPENING[0]] * 3, 0, "unanswered"),
        ([OPENING[0], ("a>b", "R", 101, 0)], 0, "unanswered"),
        ([OPENING[0], ("b>a", "RA", 0, 101)], 0, "refused"),
        ([*OPENING, ("b>a", "R", 501, 0)], 0, "reset"),
        ([*OPENING, ("a>b", "RA", 101, 501)], 0, "reset"),
        ([*OPENING, ("b>a", "R", 501, 0)], 5, "established"),
        (OPENING[2:], 0, None),
    ],
)
def test_how_an_attempt_ends(segments: list[Segment], payload: int, outcome: str | None) -> None:
    table = FlowTable()
    table.assign(columns_of(segments, payload=payload))
    assert table.flow(0).outcome == outcome
    assert table.opened_to(["10.0.0.2"]) == ([] if outcome is None else [0])


def test_what_is_remembered_of_a_stream() -> None:
    table = FlowTable()
    segments = [
        OPENING[0],
        *OPENING,
        ("a>b", "PA", 101, 501),
        ("b>a", "FA", 501, 101),
        ("a>b", "RA", 101, 502),
    ]
    columns = columns_of(segments)
    table.assign(replace(columns, payload_length=np.array([0, 0, 0, 0, 7, 0, 0])))
    flow = table.flow(0)
    assert (flow.first_frame, flow.first_time) == (1, 1000)
    assert (flow.syn_frames, flow.syn_times, flow.syn_counts) == ([1, 0], [1000, 0], [2, 0])
    assert flow.syn_ack_frame == 3
    assert flow.fin_frames == [0, 6]
    assert (flow.reset_frame, flow.reset_direction) == (7, 0)
    assert (flow.ended_by, flow.end_time) == (1, 6000)
    assert flow.hop_limits == [64, 58]
    assert (table.hop_limit(0, 0), table.hop_limit(0, 1)) == (64, 58)
    assert (flow.packets, flow.payload_packets) == ([5, 2], [1, 0])
    assert flow.acknowledged == [True, True]
    assert not flow.one_sided


@settings(max_examples=100, deadline=None)
@given(SEGMENTS)
def test_the_first_end_of_all_counts(segments: list[Segment]) -> None:
    table = FlowTable()
    table.assign(columns_of(segments))
    for number in range(len(table)):
        flow = table.flow(number)
        ends = [*zip(flow.fin_frames, (0, 1), strict=True), (flow.reset_frame, flow.reset_direction)]
        assert flow.ended_by == min((end for end in ends if end[0]), default=(0, None))[1]


@pytest.mark.parametrize(("flags", "ended_by"), [("FA", 0), ("RA", 0), ("A", None)])
def test_who_ended_a_stream_first(flags: str, ended_by: int | None) -> None:
    table = FlowTable()
    table.assign(columns_of(OPENING))
    table.assign(columns_of([("a>b", flags, 101, 501)], first_frame=4))
    table.assign(columns_of([("b>a", flags, 501, 102)], first_frame=5))
    flow = table.flow(0)
    assert (flow.ended_by, flow.end_time) == (ended_by, 0 if ended_by is None else 4000)


def test_where_the_last_new_bytes_came() -> None:
    table = FlowTable()
    table.assign(columns_of(OPENING))
    assert table.flow(0).data_frames == [0, 0]
    data = [
        ("a>b", "PA", 101, 501),
        ("a>b", "PA", 106, 501),
        ("a>b", "PA", 101, 501),
        ("b>a", "PA", 501, 111),
    ]
    table.assign(columns_of(data, first_frame=4, payload=5))
    table.assign(columns_of(data[:2], first_frame=8, payload=5))
    flow = table.flow(0)
    assert (flow.data_frames, flow.data_times) == ([5, 7], [5000, 7000])
    table.assign(columns_of([("a>b", "PA", 111, 501)], first_frame=20, payload=5))
    assert table.flow(0).data_frames == [20, 7]


@pytest.mark.parametrize(
    ("record", "alert"),
    [
        ("15030300020228", True),
        ("1503030013" + "aa" * 19, True),
        ("1703030013" + "aa" * 19, True),
        ("170303000b" + "aa" * 11, True),
        ("1703030014" + "aa" * 20, False),
        ("1603030013" + "aa" * 19, False),
        ("1703030013" + "aa" * 18, False),
        ("15", False),
    ],
)
def test_alerts_are_no_data(record: str, alert: bool) -> None:
    table = FlowTable()
    content = bytes.fromhex(record)
    columns = columns_of([("a>b", "PA", 101, 501)], payload=len(content))
    table.assign(replace(columns, buffer=np.frombuffer(content + bytes(64), np.uint8)))
    assert table.flow(0).data_frames == [0 if alert else 1, 0]


def test_a_quoted_header_counts_for_numbering_only() -> None:
    table = FlowTable()
    table.assign(columns_of([("a>b", "S", 1, 0), ("a>b", "S", 1, 0), ("c>a", "R", 1, 0)], in_error=(1, 2)))
    assert table.flow(0).packets == [1, 0]
    assert table.flow(0).syn_counts == [1, 0]
    assert table.flow(1).packets == [0, 0]
    assert not table.flow(1).reset_frame


def test_udp_streams_never_begin_anew() -> None:
    table = FlowTable(udp=True)
    segments: list[Any] = [("a>b", "", 0, 0), ("b>a", "", 0, 0), ("a>c", "", 0, 0), ("a>b", "", 0, 0)]
    assert table.assign(columns_of(segments, payload=3)).stream.tolist() == [0, 0, 1, 0]
    assert table.flow(0).payload_packets == [2, 1]


def test_both_ends_may_be_the_same() -> None:
    columns = columns_of([("a>b", "S", 1, 0), ("a>b", "S", 2, 0), ("a>b", "A", 9, 9)])
    same = replace(columns, destination_low=columns.source_low, destination_port=columns.source_port)
    table = FlowTable()
    rows = table.assign(same)
    assert rows.stream.tolist() == [0, 1, 1]
    assert rows.direction.tolist() == [0, 0, 0]


def test_no_rows_no_streams() -> None:
    table = FlowTable()
    assert len(table.assign(columns_of([])).stream) == 0
    assert len(table) == 0
    assert table.one_sided_streams() == 0


def test_many_streams_keep_their_numbers() -> None:
    table = FlowTable()
    count = 5000
    for batch in range(4):
        base = columns_of([("a>b", "S", 1, 0)] * count, first_frame=1 + batch * count)
        ports = np.arange(count, dtype=np.uint16)
        rows = table.assign(replace(base, source_port=ports, source_low=base.source_low + np.uint64(batch)))
        assert rows.stream.tolist() == list(range(batch * count, (batch + 1) * count))
    again = replace(
        columns_of([("a>b", "A", 2, 1)] * count), source_port=np.arange(count, dtype=np.uint16)[::-1]
    )
    assert table.assign(again).stream.tolist() == list(range(count))[::-1]
    assert table.endpoints(7).port_0 == 7


def test_the_columns_in_these_tests_are_complete() -> None:
    columns = columns_of(OPENING)
    assert all(
        len(getattr(columns, field.name)) == 3
        for field in fields(columns)
        if field.name not in ("buffer", "extra", "disputed")
    )
