from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.quic.dtls_records import (
    HANDSHAKE,
    MAXIMUM_RECORDS,
    Fragment,
    Record,
    looks_like_dtls,
    read_fragments,
    split_records,
)


def record(content_type: int, data: bytes, version: int = 0xFEFD, epoch: int = 0) -> bytes:
    head = bytes((content_type,)) + version.to_bytes(2) + epoch.to_bytes(2) + bytes(6)
    return head + len(data).to_bytes(2) + data


@pytest.mark.parametrize("version", [0xFEFF, 0xFEFD, 0x0100])
def test_a_record_looks_like_dtls(version: int) -> None:
    assert looks_like_dtls(record(HANDSHAKE, b"x", version))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        record(HANDSHAKE, b""),
        record(24, b"x"),
        record(22, b"x", 0x0303),
        record(22, b"xy")[:-1],
        bytes(40),
    ],
)
def test_other_datagrams_do_not(payload: bytes) -> None:
    assert not looks_like_dtls(payload)


def test_records_are_split() -> None:
    datagram = record(22, b"abc") + record(20, b"\x01") + record(22, b"secret", epoch=1) + b"\x00rest"
    assert list(split_records(datagram)) == [
        Record(22, 0, b"abc"),
        Record(20, 0, b"\x01"),
        Record(22, 1, b"secret"),
    ]


def test_the_unified_header_of_dtls_1_3_is_read() -> None:
    with_length = b"\x2e\x00\x01\x00\x03abc"
    without = b"\x23\x07rest of it"
    assert list(split_records(with_length + without)) == [
        Record(None, 2, b"abc"),
        Record(None, 3, b"rest of it"),
    ]
    assert list(split_records(b"\x3e" + bytes(30))) == []
    assert list(split_records(b"\x2e\x00\x01\x00\x09abc")) == []


def test_the_number_of_records_is_bounded() -> None:
    assert len(list(split_records(record(22, b"") * 1000))) == MAXIMUM_RECORDS


def fragment(kind: int, length: int, sequence: int, offset: int, data: bytes) -> bytes:
    head = bytes((kind,)) + length.to_bytes(3) + sequence.to_bytes(2) + offset.to_bytes(3)
    return head + len(data).to_bytes(3) + data


def test_fragments_are_read() -> None:
    data = fragment(14, 0, 4, 0, b"") + fragment(11, 9, 2, 3, b"abc") + fragment(11, 9, 2, 6, b"cut")[:-1]
    fragments = list(read_fragments(data))
    assert fragments[:2] == [Fragment(14, 0, 4, 0, b""), Fragment(11, 9, 2, 3, b"abc")]


@pytest.mark.parametrize("data", [fragment(11, 9, 2, 7, b"abc"), fragment(11, 9, 2, 0, b""), b"\x0b\x00"])
def test_inconsistent_fragments_are_left_out(data: bytes) -> None:
    assert list(read_fragments(data)) == []


@given(st.binary(max_size=100))
def test_nothing_raises(payload: bytes) -> None:
    looks_like_dtls(payload)
    for one in split_records(payload):
        list(read_fragments(one.data))
    list(read_fragments(payload))
