from __future__ import annotations

import numpy as np
import pytest

from ocsp_pcap.observe.udp_openings import Beginnings

from .wire import udp_columns

INITIAL = b"\xc3\x00\x00\x00\x01\x08" + bytes(1300)
INITIAL_2 = b"\xd3\x6b\x33\x43\xcf\x08" + bytes(1300)
DTLS_HELLO = b"\x16\xfe\xfd" + bytes(8) + b"\x00\x40\x01" + bytes(63)


def told(payload: bytes) -> Beginnings:
    columns = udp_columns([(0, 0, b"before"), (0, 0, payload)])
    return Beginnings(columns, np.array([1]))


@pytest.mark.parametrize(
    "payload",
    [
        INITIAL,
        INITIAL_2,
        b"\xc0\xff\x00\x00\x1d" + bytes(20),
        b"\xc0\xfa\xce\xb0\x02" + bytes(20),
        b"\xc0\x1a\x2a\x3a\x4a" + bytes(20),
        b"\xc0" + bytes(20),
        b"\x0d" + bytes(8) + b"Q043" + bytes(20),
    ],
)
def test_beginnings(payload: bytes) -> None:
    assert told(payload).any.tolist() == [True]


@pytest.mark.parametrize(
    "payload",
    [
        b"\x80\x60" + bytes(170),
        b"\x80\x00\x12\x34\x00\x00\x00\x00" + bytes(160),
        b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12),
        b"\x16\xfe\xfd" + bytes(5),
        b"\x16\x03\x01" + bytes(60),
        b"\x40" + bytes(1200),
        b"\x20" + bytes(150),
        b"\x30" + bytes(150),
        DTLS_HELLO,
        b"\xff" * 40,
    ],
)
def test_what_begins_nothing(payload: bytes) -> None:
    assert told(payload).any.tolist() == [False]


def test_what_may_begin_another_handshake() -> None:
    assert told(INITIAL).quic_initial.tolist() == [True]
    assert told(INITIAL_2).quic_initial.tolist() == [True]
    assert told(INITIAL[:1000]).quic_initial.tolist() == [False]
    assert told(b"\xe3" + INITIAL[1:]).quic_initial.tolist() == [False]
