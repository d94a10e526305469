"""Dataclasses to JSON values and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap import facts
from ocsp_pcap.facts.codec import FormatError, from_json, time_from_text
from ocsp_pcap.facts.lines import to_json
from ocsp_pcap.facts.times import time_text

FIRST = -62_135_596_800 * 10**9
LAST = 253_402_300_800 * 10**9 - 1


def test_time_text() -> None:
    assert time_text(0) == "1970-01-01T00:00:00.000000000Z"
    assert time_text(1_767_323_045_123_456_789) == "2026-01-02T03:04:05.123456789Z"
    assert time_text(-1) == "1969-12-31T23:59:59.999999999Z"


def test_times_outside_rfc_3339_become_its_first_and_last_moment() -> None:
    assert time_text(FIRST - 1) == time_text(FIRST) == "0001-01-01T00:00:00.000000000Z"
    assert time_text(LAST + 1) == time_text(LAST) == "9999-12-31T23:59:59.999999999Z"
    assert time_text(2**200) == time_text(LAST)


@given(st.integers(FIRST, LAST))
def test_times_round_trip(time: int) -> None:
    assert time_from_text(time_text(time)) == time


@pytest.mark.parametrize(
    "text",
    ["", "2026-01-02", "2026-02-30T00:00:00Z", "2026-01-02T03:04:05+01:00", "2026-01-02T03:04:05.1234567890Z",
     "0000-01-01T00:00:00Z", "٢٠٢٦-01-02T03:04:05Z"],
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(FormatError):
        time_from_text(text)


def test_fewer_digits_of_a_second_are_read() -> None:
    assert time_from_text("1970-01-01T00:00:01Z") == 10**9
    assert time_from_text("1970-01-01T00:00:01.5Z") == 1_500_000_000


def test_errors_say_where() -> None:
    value = to_json(facts.ExchangeFrames(1, 2)) | {"request": "one"}
    with pytest.raises(FormatError, match=r"^request: expected an integer, found 'one'$"):
        from_json(facts.ExchangeFrames, value)


def test_true_is_no_number() -> None:
    with pytest.raises(FormatError):
        from_json(facts.ExchangeFrames, {"request": True})
