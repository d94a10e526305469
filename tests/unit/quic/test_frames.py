from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.quic.frames import ConnectionClose, Crypto, read_frames
from ocsp_pcap.quic.versions import FrameFormat

from .vectors import CLIENT_FRAMES, SERVER_FRAMES

ACK = bytes.fromhex("02 05 00 01 00 00 01")
ACK_ECN = bytes.fromhex("03 05 00 01 00 00 01 01 02 03")


def test_the_frames_of_rfc_9001_are_read() -> None:
    assert list(read_frames(CLIENT_FRAMES + bytes(917))) == [Crypto(0, CLIENT_FRAMES[4:])]
    assert list(read_frames(SERVER_FRAMES)) == [Crypto(0, SERVER_FRAMES[9:])]


def test_acks_pings_and_padding_are_passed_over() -> None:
    payload = b"\x01" + ACK + bytes(5) + ACK_ECN + b"\x06\x05\x02hi" + b"\x01" + bytes(9) + b"\x06\x07\x01!"
    assert list(read_frames(payload)) == [Crypto(5, b"hi"), Crypto(7, b"!")]


@pytest.mark.parametrize(
    ("payload", "code", "alert"),
    [
        ("1c 41 28 06 02 6869", 0x128, 0x28),
        ("1c 0a 00 00", 0x0A, None),
        ("1d 41 28 00", 0x128, None),
    ],
)
def test_a_close_tells_its_alert(payload: str, code: int, alert: int | None) -> None:
    (frame,) = read_frames(bytes.fromhex(payload))
    assert isinstance(frame, ConnectionClose)
    assert (frame.error_code, frame.alert) == (code, alert)


@pytest.mark.parametrize("payload", ["06 00 40", "06 00 44 00 6869", "02 00 00 bfffffff 00", "1c 41"])
def test_a_malformed_frame_ends_the_packet(payload: str) -> None:
    assert list(read_frames(b"\x06\x00\x01x" + bytes.fromhex(payload))) == [Crypto(0, b"x")]


def test_a_frame_that_has_no_place_here_ends_the_packet() -> None:
    assert list(read_frames(b"\x0a\x00\x01x" + b"\x06\x00\x01x")) == []


def test_googles_frames_are_read() -> None:
    ack = bytes.fromhex("40 05 0000 01 00")
    blocks = bytes.fromhex("60 05 0000 01 02 01 01 02 03 00000000 010000")
    close = bytes.fromhex("02 00000019 0002 6869")
    payload = b"\x07" + ack + b"\x08\x00\x02hi" + bytes(3) + close
    assert list(read_frames(payload, FrameFormat.GOOGLE)) == [Crypto(0, b"hi"), ConnectionClose(0x19, True)]
    assert list(read_frames(blocks + b"\x08\x02\x01!", FrameFormat.GOOGLE)) == [Crypto(2, b"!")]


@given(st.binary(max_size=100), st.sampled_from(FrameFormat))
def test_nothing_raises(payload: bytes, frame_format: FrameFormat) -> None:
    list(read_frames(payload, frame_format))
