"""The table of verdicts for the terminal: a row a certificate, under the name of each validator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ocsp_pcap.explain.model import Verdict
from ocsp_pcap.report.layout import Layout, host_text, proof_frames, validator_text
from ocsp_pcap.report.sheet import PRESENCE_STYLES, STATUS_STYLES, Sheet
from ocsp_pcap.report.wording import CALM, PRESENCE_MARKS, attention, count

if TYPE_CHECKING:
    from rich.text import Text

_GAP: Final = 2
_LONGEST_HOST: Final = 120
_NARROWEST_HOST: Final = 26
_NARROWEST_SUMMARY: Final = 40
_STACKED_HEADINGS: Final[tuple[str, ...]] = ("OCSP, cause", "Certificate for", "Confidence", "Frames")
_HEADINGS: Final[tuple[str, ...]] = (
    "OCSP",
    "Cause",
    "Certificate for",
    "Status",
    "Confidence",
    "Frames",
    "In short",
)


@dataclass(frozen=True, slots=True)
class _Row:
    """The cells of one row, in the order of the headings."""

    presence: Text
    cause: Text
    host: Text
    status: Text
    confidence: Text
    frames: Text
    summary: Text

    @property
    def cells(self) -> tuple[Text, ...]:
        """All cells."""
        return (
            self.presence,
            self.cause,
            self.host,
            self.status,
            self.confidence,
            self.frames,
            self.summary,
        )


def print_table(sheet: Sheet, layout: Layout, numbers: dict[str, int], *, most_rows: int | None) -> None:
    """Print the verdicts of a layout, ``most_rows`` of them at most."""
    left = len(layout.verdicts) if most_rows is None else most_rows
    groups: list[tuple[str, list[_Row]]] = []
    for group in layout.groups:
        rows = [_row(sheet, verdict, numbers) for verdict in group.verdicts[:left]]
        left -= len(rows)
        if rows:
            groups.append((validator_text(group.validator), rows))
    all_rows = [row for _, rows in groups for row in rows]
    headings, widths = _HEADINGS, _widths(all_rows, sheet.width)
    stacked = widths[2] < min(_NARROWEST_HOST, max((row.host.cell_len for row in all_rows), default=0))
    if stacked:
        headings, widths = _STACKED_HEADINGS, _stacked_widths(all_rows, sheet.width)
    for position, (validator, rows) in enumerate(groups):
        if position:
            sheet.blank()
        sheet.line(sheet.text(f"Received by {validator}", "bold"))
        _print_rows(sheet, headings, widths, [_stacked(row) if stacked else row.cells for row in rows])
    hidden = len(layout.verdicts) - len(all_rows)
    if hidden:
        sheet.line(sheet.text(f"… and {count(hidden, 'row')} more: -v shows all, --host selects", "dim"))


def _row(sheet: Sheet, verdict: Verdict, numbers: dict[str, int]) -> _Row:
    """Return the cells of a verdict."""
    host = sheet.text(host_text(verdict), limit=_LONGEST_HOST)
    if verdict.chain_role == "intermediate":
        host.append(" (intermediate)", style="dim")
    return _Row(
        sheet.text(
            f"{PRESENCE_MARKS.get(verdict.presence, '?')} {verdict.presence}",
            PRESENCE_STYLES.get(verdict.presence, ""),
        ),
        sheet.text(verdict.cause, "bold" if attention(verdict) < CALM else ""),
        host,
        sheet.text(verdict.status or "", STATUS_STYLES.get(verdict.status or "", "")),
        sheet.text(verdict.confidence, "" if verdict.confidence == "confirmed" else "dim"),
        sheet.text(proof_frames(verdict.evidence, numbers)),
        sheet.text(verdict.summary, "dim", limit=400),
    )


def _widths(rows: list[_Row], width: int) -> list[int]:
    """Return the widths of the columns, 0 for one that is left out."""
    widths = [
        max([len(heading), *(row.cells[column].cell_len for row in rows)])
        for column, heading in enumerate(_HEADINGS[:-1])
    ]
    if not any(row.status for row in rows):
        widths[3] = 0
    fixed = sum(widths) - widths[2] + _GAP * sum(bool(each) for each in (*widths[:2], *widths[3:]))
    room = width - fixed
    widths[2] = min(widths[2], room)
    summary = room - widths[2] - _GAP
    return [*widths, summary if summary >= _NARROWEST_SUMMARY else 0]


def _stacked_widths(rows: list[_Row], width: int) -> list[int]:
    """Return the widths of the columns where the rows are two lines high."""
    stacked = [_stacked(row) for row in rows]
    widths = [
        max([len(heading), *(line.cell_len for cells in stacked for line in cells[column].split())])
        for column, heading in enumerate(_STACKED_HEADINGS)
    ]
    room = width - sum(widths) + widths[1] - _GAP * (len(widths) - 1)
    widths[1] = max(min(widths[1], room), 8)
    return widths


def _print_rows(
    sheet: Sheet, headings: tuple[str, ...], widths: list[int], rows: list[tuple[Text, ...]]
) -> None:
    """Print the rows of one validator."""
    from rich import box
    from rich.table import Table

    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim"
    )
    for heading, width in zip(headings, widths, strict=True):
        if width:
            table.add_column(heading, width=width, overflow="fold")
    for cells in rows:
        table.add_row(*(cell for cell, width in zip(cells, widths, strict=True) if width))
    sheet.console.print(table)


def _stacked(row: _Row) -> tuple[Text, ...]:
    """Return the cells of a row for a narrow terminal, two lines high."""
    from rich.text import Text

    return (
        Text(overflow="fold").join((row.presence, Text("\n  "), row.cause)),
        row.host,
        Text(overflow="fold").join((row.confidence, Text("\n"), row.status))
        if row.status
        else row.confidence,
        row.frames,
    )
