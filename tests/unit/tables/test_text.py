"""Strings that UTF-8 cannot hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.tables.text import fitting, original


@given(st.text(st.characters(exclude_categories=())))
def test_any_string_comes_back(text: str) -> None:
    fitting(text).encode()
    assert original(fitting(text)) == text


@pytest.mark.parametrize("text", ["", "plain", "grün 中文 🔒", "a\0b"])
def test_text_stays_as_it_is(text: str) -> None:
    assert fitting(text) == text


@pytest.mark.parametrize("text", ["\udc80.pcap", "\ufdd0", "\ufdd0dc80", "\ud800\udfff"])
def test_what_is_no_text_is_written_in_digits(text: str) -> None:
    assert fitting(text) != text
    assert original(fitting(text)) == text
