from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.capture.pcapng_blocks import Clock, options, read_dropped, read_interface, read_key_log

from .builders import option


@given(st.integers(0, 255), st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5))
def test_clocks_are_exact_up_to_2262(resolution: int, stamps: list[int]) -> None:
    base, exponent = (2, resolution & 0x7F) if resolution & 0x80 else (10, resolution)
    exact = [int(Fraction(stamp * 10**9, base**exponent)) for stamp in stamps]
    times = Clock(resolution).nanoseconds(np.array(stamps, np.uint64)).tolist()
    for time, expected in zip(times, exact, strict=True):
        if expected < 9_223_372_035 * 10**9:
            assert time == expected
        else:
            assert 9_223_372_035 * 10**9 <= time < 1 << 63


@given(st.lists(st.tuples(st.integers(1, 2**16 - 1), st.binary(max_size=20))), st.sampled_from("<>"))
def test_options(pairs: list[tuple[int, bytes]], order: str) -> None:
    data = b"".join(option(code, value, order) for code, value in pairs)
    assert list(options(order, data)) == pairs
    assert list(options(order, data + option(0, b"", order) + b"rest")) == pairs


def test_options_that_do_not_fit_end_the_list() -> None:
    assert list(options("<", option(2, b"eth0") + struct.pack("<HH", 3, 200) + b"short")) == [(2, b"eth0")]


@given(st.binary(max_size=60))
def test_any_body_is_read_without_exception(body: bytes) -> None:
    for order in "<>":
        read_interface(order, body)
        read_dropped(order, body)
        read_key_log(order, body)


def test_a_key_log_ends_where_its_length_says() -> None:
    body = struct.pack("<II", 0x544C534B, 5) + b"text\n\0\0\0"
    assert read_key_log("<", body) == b"text\n"
