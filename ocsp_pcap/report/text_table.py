"""The table of verdicts for the terminal: a row a certificate, under the name of each validator."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

from ocsp_pcap.explain.model import Verdict
from ocsp_pcap.explain.phrases import count, validator_name
from ocsp_pcap.report.layout import Layout, host_text, proof_frames
from ocsp_pcap.report.wording import CALM, PRESENCE_MARKS, attention
from ocsp_pcap.terminal.grid import GAP, print_grid
from ocsp_pcap.terminal.sheet import PRESENCE_STYLES, STATUS_STYLES, Sheet

if TYPE_CHECKING:
    from rich.text import Text

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

    @property
    def stacked(self) -> tuple[Text, ...]:
        """The cells for a narrow terminal, two lines high."""
        from rich.text import Text

        status = Text(overflow="fold").join((self.confidence, Text("\n"), self.status))
        return (
            Text(overflow="fold").join((self.presence, Text("\n  "), self.cause)),
            self.host,
            status if self.status else self.confidence,
            self.frames,
        )


def print_table(sheet: Sheet, layout: Layout, *, most_rows: int | None) -> None:
    """Print the verdicts of a layout, ``most_rows`` of them at most."""
    left = len(layout.verdicts) if most_rows is None else most_rows
    hidden = len(layout.verdicts) - left
    groups: list[tuple[str, list[_Row]]] = []
    for group in layout.groups:
        if left > 0:
            rows = [_row(sheet, verdict, layout.labels) for verdict in group.verdicts[:left]]
            groups.append((validator_name(group.validator), rows))
            left -= len(rows)
    longest_host = max((row.host.cell_len for _, rows in groups for row in rows), default=0)
    headings, tables = _HEADINGS, [[row.cells for row in rows] for _, rows in groups]
    widths = _widths(list(chain.from_iterable(tables)), sheet.width)
    if widths[2] < min(_NARROWEST_HOST, longest_host):
        headings, tables = _STACKED_HEADINGS, [[row.stacked for row in rows] for _, rows in groups]
        widths = _stacked_widths(list(chain.from_iterable(tables)), sheet.width)
    for position, ((validator, _), table) in enumerate(zip(groups, tables, strict=True)):
        if position:
            sheet.blank()
        sheet.line(sheet.text(f"Received by {validator}", "bold"))
        print_grid(sheet, headings, widths, table)
    if hidden > 0:
        sheet.line(sheet.text(f"… and {count(hidden, 'row')} more: -v shows all, --host selects", "dim"))


def _row(sheet: Sheet, verdict: Verdict, labels: dict[str, str]) -> _Row:
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
        sheet.text(proof_frames(verdict.evidence, labels)),
        sheet.text(verdict.summary, "dim", limit=400),
    )


def _widths(rows: list[tuple[Text, ...]], width: int) -> list[int]:
    """Return the widths of the columns, 0 for one that is left out."""
    widths = [
        max([len(heading), *(row[column].cell_len for row in rows)])
        for column, heading in enumerate(_HEADINGS[:-1])
    ]
    if not any(row[3] for row in rows):
        widths[3] = 0
    fixed = sum(widths) - widths[2] + GAP * sum(bool(each) for each in (*widths[:2], *widths[3:]))
    room = width - fixed
    widths[2] = min(widths[2], room)
    summary = room - widths[2] - GAP
    return [*widths, summary if summary >= _NARROWEST_SUMMARY else 0]


def _stacked_widths(rows: list[tuple[Text, ...]], width: int) -> list[int]:
    """Return the widths of the columns where the rows are two lines high."""
    widths = [
        max([len(heading), *(line.cell_len for row in rows for line in row[column].split())])
        for column, heading in enumerate(_STACKED_HEADINGS)
    ]
    room = width - sum(widths) + widths[1] - GAP * (len(widths) - 1)
    widths[1] = max(min(widths[1], room), 8)
    excess = max(sum(widths) + GAP * (len(widths) - 1) - width, 0)
    for column, own in enumerate(widths):
        taken = min(own, round(excess / (len(widths) - column)))
        widths[column] -= taken
        excess -= taken
    return widths
