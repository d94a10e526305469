"""Text on a console: wrapped, indented, safe."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from ocsp_pcap.terminal.grid import print_grid
from ocsp_pcap.terminal.paper import Paper
from ocsp_pcap.terminal.sheet import Sheet


def sheet(width: int) -> tuple[Sheet, io.StringIO]:
    file = io.StringIO()
    return Sheet(Console(file=file, width=width)), file


def test_lines_hang() -> None:
    page, file = sheet(30)
    page.item(page.text("1."), page.text("one two three four five six seven"), indent=2, width=2)
    page.line(page.text("one two three four five six seven"), indent=4)
    page.item(page.text("a head as wide as the page"), page.text("body"), indent=2, width=26)
    assert file.getvalue() == (
        "  1.  one two three four five\n      six seven\n"
        "    one two three four five\n    six seven\n"
        "  a head as wide as the page\n    body\n"
    )


def test_what_will_be_copied_stays_on_one_line() -> None:
    page, file = sheet(20)
    page.copyable("frame.number in {1, 2, 3, 4, 5, 6, 7}", indent=4)
    assert file.getvalue() == "    frame.number in {1, 2, 3, 4, 5, 6, 7}\n"


@given(st.text(max_size=80), st.integers(10, 60), st.integers(0, 6))
def test_no_line_is_too_wide_and_nothing_is_lost(text: str, width: int, indent: int) -> None:
    page, file = sheet(width)
    body = page.text(text)
    page.line(body, indent=indent)
    lines = file.getvalue().split("\n")
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == body.plain.replace(" ", "")


@pytest.mark.parametrize("text", ["", " ", "[bold]"])
def test_odd_texts(text: str) -> None:
    page, file = sheet(30)
    page.item(page.text(text), page.text(text), indent=2, width=4)
    assert file.getvalue().endswith("\n")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@given(text=st.text(max_size=80), width=st.integers(22, 60))
def test_paper_has_what_a_console_without_colours_has(text: str, width: int, encoding: str) -> None:
    written = []
    for paper in (True, False):
        file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
        console = Console(file=file, width=width, force_terminal=False)
        page = Sheet(Paper(file, width, encoding) if paper else console)
        page.item(page.text("→", "green"), page.text(text, "bold red"), indent=2, width=2)
        print_grid(page, ["one", "two"], [8, 8], [[page.text(text, "dim"), page.text("✓")]])
        file.flush()
        written.append(file.buffer.getvalue())
    assert written[0] == written[1]
    assert b"\x1b" not in written[0]
