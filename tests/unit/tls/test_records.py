from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.tls.records import (
    ALERT,
    APPLICATION_DATA,
    BOUNDARY_LOST,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    MAX_FRAGMENT,
    SSLV2_HELLO,
    Record,
    RecordReader,
    RecordsState,
)

from .wire import client_hello, message, tls_record

HELLO = message(1, client_hello())
STREAM = (
    tls_record(HANDSHAKE, HELLO, 0x0301)
    + tls_record(CHANGE_CIPHER_SPEC, b"\x01")
    + tls_record(HANDSHAKE, b"e" * 40)
    + tls_record(APPLICATION_DATA, b"a" * 3000)
    + tls_record(APPLICATION_DATA, b"")
    + tls_record(ALERT, b"\x01\x00")
)
RECORDS = [
    Record(HANDSHAKE, 0x0301, HELLO, True),
    Record(CHANGE_CIPHER_SPEC, 0x0303, b"\x01", True),
    Record(HANDSHAKE, 0x0303, b"e" * 40, True),
    Record(APPLICATION_DATA, 0x0303, b"a" * 3000, True),
    Record(APPLICATION_DATA, 0x0303, b"", True),
    Record(ALERT, 0x0303, b"\x01\x00", True),
]
NO_START = Record(BOUNDARY_LOST, 0, b"the stream does not start with a TLS record", False)


def test_a_stream() -> None:
    reader = RecordReader()
    assert reader.receive(STREAM, True) == RECORDS
    assert reader.state is RecordsState.SYNCHRONISED


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=15))
def test_any_split_gives_the_same_records(cuts: list[int]) -> None:
    reader = RecordReader()
    edges = [0, *sorted(set(cuts)), len(STREAM)]
    found = []
    for start, end in pairwise(edges):
        found += reader.receive(STREAM[start:end], start == 0)
    assert found == RECORDS


def test_tlcp_records() -> None:
    assert len(RecordReader().receive(tls_record(HANDSHAKE, HELLO, 0x0101) * 2, True)) == 2


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x09\x00\x05hello",
        b"\x17\x03\x03" + (MAX_FRAGMENT + 1).to_bytes(2, "big"),
    ],
)
def test_garbage_after_a_record_loses_the_boundaries(garbage: bytes) -> None:
    reader = RecordReader()
    assert reader.receive(tls_record(HANDSHAKE, HELLO) + garbage, True) == [
        Record(HANDSHAKE, 0x0303, HELLO, True),
        Record(BOUNDARY_LOST, 0, b"bytes that are no TLS record follow a record", False),
    ]
    assert reader.state is RecordsState.SEARCHING
    assert reader.receive(b"still garbage", False) == []
    assert reader.receive(STREAM, True) == RECORDS


def test_records_are_found_behind_a_start_in_mid_stream() -> None:
    reader = RecordReader()
    assert reader.receive(b"the end of something", True) == [NO_START]
    assert reader.receive(STREAM, True) == RECORDS


def test_records_are_found_behind_a_stray_byte() -> None:
    reader = RecordReader()
    assert reader.receive(b"\0", True) == []
    found = []
    for position in range(len(STREAM)):
        found += reader.receive(STREAM[position : position + 1], position == 0)
    assert found == [NO_START, *RECORDS]


@pytest.mark.reaches("record_search")
def test_the_search_is_bounded() -> None:
    reader = RecordReader()
    assert reader.receive(b"x" * 1000, True) == [NO_START]
    for _ in range(BOUNDS.record_search // 1000 + 2):
        assert reader.receive(b"x" * 1000, True) == []
    assert reader.state is RecordsState.DEAD
    assert reader.receive(STREAM, True) == []


def test_a_gap_inside_a_record_keeps_the_boundaries() -> None:
    reader = RecordReader()
    start = STREAM.index(b"aaaa")
    assert reader.receive(STREAM[: start + 100], True) == RECORDS[:3]
    assert reader.gap(1000) == (Record(APPLICATION_DATA, 0x0303, b"a" * 100, False), 1000)
    rest = reader.receive(STREAM[start + 1100 : start + 2000], True)
    assert rest == [Record(APPLICATION_DATA, 0x0303, b"a" * 900, False)]
    assert reader.gap(500) == (None, 500)
    assert reader.receive(STREAM[start + 2500 :], True) == [
        Record(APPLICATION_DATA, 0x0303, b"a" * 500, False),
        *RECORDS[4:],
    ]


def test_a_gap_up_to_the_end_of_a_record() -> None:
    reader = RecordReader()
    start = STREAM.index(b"aaaa")
    reader.receive(STREAM[: start + 100], True)
    assert reader.gap(2900)[1] == 2900
    assert reader.receive(STREAM[start + 3000 :], False) == RECORDS[4:]


def test_a_gap_beyond_a_record_loses_the_boundaries() -> None:
    reader = RecordReader()
    start = STREAM.index(b"aaaa")
    reader.receive(STREAM[: start + 100], True)
    assert reader.gap(2901)[1] is None
    assert reader.receive(STREAM[start + 3001 :], False) == []
    assert reader.receive(STREAM, True) == RECORDS


def test_a_gap_inside_a_header_loses_the_boundaries() -> None:
    reader = RecordReader()
    reader.receive(STREAM + STREAM[:3], True)
    assert reader.gap(1) == (None, None)
    assert reader.state is RecordsState.SEARCHING


def test_the_end_gives_the_record_begun() -> None:
    reader = RecordReader()
    reader.receive(STREAM + STREAM[:30], True)
    assert reader.flush() == Record(HANDSHAKE, 0x0301, STREAM[5:30], False)
    assert reader.flush() is None


def test_a_hello_in_ssl_2_form() -> None:
    hello = b"\x80\x2b\x01\x03\x01" + bytes.fromhex("001200000010") + bytes(18 + 16)
    for step in (1, 7, 1000):
        reader = RecordReader()
        data = hello + STREAM
        found = []
        for start in range(0, len(data), step):
            found += reader.receive(data[start : start + step], start == 0)
        assert found == [Record(SSLV2_HELLO, 2, hello, True), *RECORDS]


@given(st.lists(st.tuples(st.binary(max_size=60), st.booleans(), st.integers(0, 70)), max_size=12))
def test_nothing_raises(steps: list[tuple[bytes, bool, int]]) -> None:
    reader = RecordReader()
    reader.receive(STREAM[:50], True)
    for data, start, gap in steps:
        reader.receive(data, start)
        if gap > 40:
            reader.gap(gap - 40)
    reader.flush()
