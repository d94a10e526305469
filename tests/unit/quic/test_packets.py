from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.quic.packets import PacketType, read_varint, split_datagram

from .vectors import CLIENT_INITIAL_V1, CLIENT_INITIAL_V2, ORIGINAL_ID, RETRY_V1, SERVER_INITIAL_V1


@pytest.mark.parametrize(
    ("encoded", "value"),
    [
        ("c2197c5eff14e88c", 151288809941952652),
        ("9d7f3e7d", 494878333),
        ("7bbd", 15293),
        ("25", 37),
        ("4025", 37),
    ],
)
def test_the_integers_of_rfc_9000_a_1_are_read(encoded: str, value: int) -> None:
    data = bytes.fromhex(encoded)
    assert read_varint(b"\xff" + data + b"\xff", 1) == (value, 1 + len(data))


def test_an_integer_cut_short_raises() -> None:
    with pytest.raises(IndexError):
        read_varint(b"\x9d\x7f", 0)
    with pytest.raises(IndexError):
        read_varint(b"", 0)


def test_a_client_initial_is_split_off() -> None:
    (packet,) = split_datagram(CLIENT_INITIAL_V1)
    assert packet.type is PacketType.INITIAL
    assert (packet.destination, packet.source, packet.number_offset) == (ORIGINAL_ID, b"", 18)
    assert packet.data == CLIENT_INITIAL_V1


def test_version_2_numbers_the_types_otherwise() -> None:
    (packet,) = split_datagram(CLIENT_INITIAL_V2)
    assert packet.type is PacketType.INITIAL


def test_coalesced_packets_are_told_apart() -> None:
    short = b"\x41" + bytes(40)
    packets = list(split_datagram(SERVER_INITIAL_V1 + CLIENT_INITIAL_V2 + short))
    assert [packet.type for packet in packets] == [PacketType.INITIAL, PacketType.INITIAL, PacketType.SHORT]
    assert [packet.data for packet in packets] == [SERVER_INITIAL_V1, CLIENT_INITIAL_V2, short]


def test_a_retry_and_a_negotiation_take_the_whole_datagram() -> None:
    (packet,) = split_datagram(RETRY_V1)
    assert packet.type is PacketType.RETRY
    assert packet.source.hex() == "f067a5502a4262b5"
    (packet,) = split_datagram(b"\x80" + bytes(4) + b"\x15" + bytes(21) + b"\x00" + b"\x00\x00\x00\x01")
    assert packet.type is PacketType.NEGOTIATION
    assert len(packet.destination) == 21


@pytest.mark.parametrize("length", [1, 6, 14, 17, 30, len(CLIENT_INITIAL_V1) - 1])
def test_a_packet_cut_short_is_left_out(length: int) -> None:
    assert list(split_datagram(CLIENT_INITIAL_V1[:length])) == []
    assert len(list(split_datagram(SERVER_INITIAL_V1 + CLIENT_INITIAL_V1[:length]))) == 1


def test_connection_ids_longer_than_the_version_allows_are_refused() -> None:
    assert list(split_datagram(b"\xe0\x00\x00\x00\x01\x15" + bytes(21) + b"\x00\x10" + bytes(16))) == []


def test_the_number_of_packets_is_bounded() -> None:
    tiny = b"\xe0\x00\x00\x00\x01\x00\x00\x00"
    assert len(list(split_datagram(tiny * 100))) == BOUNDS.quic_coalesced


@given(st.binary(max_size=120))
def test_nothing_raises(payload: bytes) -> None:
    list(split_datagram(payload))
    list(split_datagram(b"\xc0\x00\x00\x00\x01" + payload))
