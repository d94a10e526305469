"""Tables for the terminal: columns of given widths under headings with a rule.

They look like tables of rich with the box SIMPLE_HEAD, and cost a fraction: rich lays out every cell
as if it were a page, here a table is one text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress, zip_longest

from ocsp_pcap.terminal.sheet import Sheet
from ocsp_pcap.terminal.words import Words

GAP = 2
"""Columns between two columns of a table."""


def print_grid(
    sheet: Sheet, headings: Iterable[str], widths: Sequence[int], rows: Iterable[Iterable[Words]]
) -> None:
    """Print rows of cells under headings; a column of width 0 is left out.

    Without headings there is no rule either. A cell that is wider than its column, or holds line ends,
    is several lines high.
    """
    rule, crossing, between = "-+|" if sheet.is_plain else "── "
    shown = [width for width in widths if width]
    columns = [*(width + GAP - 1 for width in shown[:-1]), *shown[-1:]]
    ends = [between] * (len(columns) - 1) + ["\n"]
    grid: list[str] = []
    blank = Words()

    def folded(cells: Iterable[Words]) -> list[Sequence[Words]]:
        kept = compress(cells, widths)
        return [_lines(sheet, cell, width) for cell, width in zip(kept, shown, strict=True)]

    def append(lines: Iterable[Sequence[Words]]) -> None:
        for parts in zip_longest(*lines, fillvalue=blank):
            for part, column, end in zip(parts, columns, ends, strict=True):
                grid.append(part.written(sheet.styled) + " " * (column - part.cell_len) + end)

    headings = list(headings)
    if headings:
        heads = folded(Words(heading, "dim") for heading in headings)
        height = max(map(len, heads))
        append([*[blank] * (height - len(head)), *head] for head in heads)
        grid.append(crossing.join(rule * column for column in columns) + "\n")
    for row in rows:
        append(folded(row))
    sheet.write("".join(grid) or "\n")


def print_titled_grid(
    sheet: Sheet, title: str, headings: Sequence[str], rows: Sequence[Sequence[Words]]
) -> None:
    """Print rows under a title and headings, columns as wide as their cells where there is room."""
    columns = zip(headings, zip(*rows, strict=True), strict=True)
    widths = [max(len(heading), *(cell.cell_len for cell in cells)) for heading, cells in columns]
    sheet.blank()
    sheet.line(sheet.text(title, "bold"))
    print_grid(sheet, headings, narrowed(widths, sheet.width), rows)


def _lines(sheet: Sheet, cell: Words, width: int) -> Sequence[Words]:
    """Return the lines of a cell."""
    if cell.cell_len <= width and "\n" not in cell.plain:
        return (cell,)
    return cell.wrap(sheet.console, width)


def narrowed(widths: Sequence[int], room: int) -> list[int]:
    """Return widths of columns that fit into a room, gaps included; the widest gives way first."""
    narrow = [max(min(width, room - len(widths)), 0) for width in widths]
    excess = sum(narrow) + GAP * (len(narrow) - 1) - room
    while excess > 0 and any(narrow):
        widest = max(narrow)
        others = max((width for width in narrow if width < widest), default=0)
        places = [place for place, width in enumerate(narrow) if width == widest]
        for number, place in enumerate(places):
            taken = min(widest - others, round(excess / (len(places) - number)))
            narrow[place] -= taken
            excess -= taken
    return narrow
