"""Tables for the terminal: the same as rich draws, where rich is asked for the same."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ocsp_pcap.terminal.grid import narrowed, print_grid
from ocsp_pcap.terminal.sheet import Sheet
from ocsp_pcap.terminal.words import Words

HEADINGS = ("OCSP", "Certificate for", "Frames")
WORDS = st.lists(
    st.sampled_from(["a", "shop.site.test", "✓", "日本語", "x" * 40, "[2] 12, 35", "\n"]), max_size=4
)
ROWS = st.lists(st.tuples(*[WORDS.map(" ".join)] * len(HEADINGS)), max_size=4)


class Ascii(io.StringIO):
    """A text file that takes ASCII only."""

    encoding = "ascii"


def by_rich(rows: Sequence[Sequence[str]], width: int, widths: Sequence[int | None]) -> str:
    """The table as rich draws it, its columns as wide as told or as it likes."""
    file = io.StringIO()
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for heading, column in zip(HEADINGS, widths, strict=True):
        table.add_column(heading, width=column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    Console(file=file, width=width).print(table)
    return file.getvalue()


def drawn(rows: Sequence[Sequence[str]], widths: Sequence[int], file: io.StringIO | None = None) -> str:
    """The table as it is drawn here."""
    file = file or io.StringIO()
    sheet = Sheet(Console(file=file, width=200))
    print_grid(sheet, HEADINGS, widths, [[Words(cell) for cell in row] for row in rows])
    return file.getvalue()


@given(ROWS, st.tuples(*[st.integers(6, 45)] * len(HEADINGS)))
def test_it_is_the_table_that_rich_draws(rows: list[tuple[str, ...]], widths: tuple[int, ...]) -> None:
    assert drawn(rows, widths) == by_rich(rows, 200, widths)


@given(ROWS, st.integers(40, 150))
def test_columns_give_way_as_with_rich(rows: list[tuple[str, ...]], room: int) -> None:
    rows = [(*row[:-1], "12") for row in rows]
    widths = [
        max([len(heading), *(Text(line).cell_len for row in rows for line in row[column].splitlines())])
        for column, heading in enumerate(HEADINGS)
    ]
    assert drawn(rows, narrowed(widths, room)) == by_rich(rows, room, [None] * len(HEADINGS))


def test_a_column_without_width_is_left_out() -> None:
    text = drawn([("absent", "shop.site.test", "12")], (6, 0, 6))
    assert text == "OCSP    Frames\n──────────────\nabsent  12    \n"


def test_only_ascii_where_the_output_takes_no_more() -> None:
    text = drawn([("absent", "shop.site.test", "12")], (6, 15, 6), Ascii())
    assert text.isascii()
    assert "shop.site.test" in text


@pytest.mark.parametrize(
    ("widths", "room", "narrow"),
    [
        ([10, 20, 5], 39, [10, 20, 5]),
        ([10, 20, 5], 35, [10, 16, 5]),
        ([10, 20, 5], 26, [8, 9, 5]),
        ([3, 3], 0, [0, 0]),
        ([], 10, []),
    ],
)
def test_the_widest_column_gives_way_first(widths: list[int], room: int, narrow: list[int]) -> None:
    assert narrowed(widths, room) == narrow
