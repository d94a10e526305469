"""Styled text: wrapped and written as rich would do it."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from ocsp_pcap.terminal.sheet import Sheet
from ocsp_pcap.terminal.words import Words

PIECES = st.lists(
    st.tuples(
        st.sampled_from(["a", "one two ", " three", "→ ✓", "日本語 ", "x" * 30, "   ", "e\u0301"]),
        st.sampled_from(["", "dim", "bold red"]),
    ),
    max_size=8,
)


def both(pieces: list[tuple[str, str]]) -> tuple[Words, Text]:
    words, text = Words(), Text(overflow="fold")
    for piece, style in pieces:
        words.append(piece, style)
        text.append(piece, style)
    return words, text


def stripped(line: Text) -> str:
    line.rstrip()
    return line.plain


@given(PIECES, st.integers(1, 40))
def test_lines_break_where_rich_breaks_them(pieces: list[tuple[str, str]], width: int) -> None:
    words, text = both(pieces)
    console = Console(file=io.StringIO(), width=80)
    lines = words.wrap(console, width)
    wrapped = text.wrap(console, width, overflow="fold")
    assert [line.plain.rstrip() for line in lines] == [stripped(line) for line in wrapped] or [""]
    assert words.cell_len == text.cell_len


@given(PIECES)
def test_styles_are_written_as_rich_writes_them(pieces: list[tuple[str, str]]) -> None:
    words, text = both(pieces)
    merged = Text()
    for piece, style in words.parts(0, len(words.plain)):
        merged.append(piece, style)
    file = io.StringIO()
    console = Console(file=file, width=500, force_terminal=True, color_system="256")
    console.print(merged, end="", soft_wrap=True)
    assert words.written(Sheet(console).styled) == file.getvalue()
    assert merged.plain == text.plain


def test_a_part_keeps_its_style_when_lines_break() -> None:
    words = Words("one ", "bold").append("two three", "dim")
    lines = words.wrap(Console(file=io.StringIO()), 7)
    assert [line.parts(0, 20) for line in lines] == [[("one ", "bold"), ("two", "dim")], [("three", "dim")]]


@pytest.mark.parametrize(("text", "narrow"), [("plain → ✓", True), ("日本", False), ("e\u0301", False)])
def test_only_what_is_known_to_be_narrow_counts_as_such(text: str, narrow: bool) -> None:
    assert Words(text).is_narrow is narrow


def test_nothing_is_false() -> None:
    assert not Words("", "bold")
    assert Words(" ")
