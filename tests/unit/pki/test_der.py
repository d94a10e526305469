from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.pki import der


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (1, "1"), (0x0A0B, "a0b"), (255, "ff"), (-1, "ff"), (-128, "80"), (-129, "ff7f")],
)
def test_serial_of(number: int, text: str) -> None:
    assert der.serial_of(number) == text


@given(st.integers(min_value=0, max_value=1 << 200))
def test_serials_by_number_and_by_octets_agree(number: int) -> None:
    octets = number.to_bytes(number.bit_length() // 8 + 1, "big")
    assert der.serial_text(octets) == der.serial_of(number)


def test_dotted() -> None:
    assert der.dotted(bytes.fromhex("2b0601050507300101")) == "1.3.6.1.5.5.7.48.1.1"
    assert der.dotted(bytes.fromhex("608648016503040201")) == "2.16.840.1.101.3.4.2.1"
    with pytest.raises(der.DerError):
        der.dotted(b"\x2b\x86")


@pytest.mark.parametrize("data", ["", "30", "3080", "30850000000001", "3002", "1f0100", "308400ffffff00"])
def test_unreadable_elements(data: str) -> None:
    octets = bytes.fromhex(data)
    with pytest.raises(der.DerError):
        der.read_element(octets, 0, len(octets))


def test_cut_off_element() -> None:
    element = der.read_element(b"\x30\x82\x01\x00\x02", 0, 5, cut_off=True)
    assert (element.content, element.end) == (4, 260)


@given(st.binary(max_size=64))
def test_any_bytes(data: bytes) -> None:
    try:
        element = der.read_element(data, 0, len(data))
        list(der.children(data, element))
    except der.DerError:
        pass
