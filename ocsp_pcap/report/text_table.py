"""The verdicts for the terminal: grouped by cause with counts, the urgent first, a row a certificate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ocsp_pcap.explain.causes import CAUSES
from ocsp_pcap.explain.model import Verdict
from ocsp_pcap.explain.phrases import count, validator_name
from ocsp_pcap.report.layout import CauseGroup, Layout, by_cause, host_text, proof_frames
from ocsp_pcap.report.wording import (
    CALM,
    attention,
    colour_of_all,
    doubt_clause,
    presence_words,
    status_colour,
)
from ocsp_pcap.terminal.grid import narrowed, print_grid
from ocsp_pcap.terminal.sheet import VERDICT_STYLES, Sheet
from ocsp_pcap.terminal.words import Words

MOST_URGENT: Final = 10
"""Rows of one cause that needs attention, unless more are asked for."""
MOST_CALM: Final = 6
"""Rows of any other cause."""
_LONGEST_HOST: Final = 120
_WIDE: Final = 100
"""Columns from which on three frames are shown of each certificate."""
_MOST_DOUBTS: Final = 2
_RECEIVER: Final = "the host that received it"
_HEADINGS: Final = ("Certificate for", "Received by", "Status", "Confidence", "Frames")


def print_table(sheet: Sheet, layout: Layout, *, everything: bool) -> None:
    """Print the verdicts of a layout by cause; ``everything``: all rows, however many."""
    groups = [(group, _shown(group, everything=everything)) for group in by_cause(layout)]
    rows = {id(v): _cells(sheet, v, layout) for _, verdicts in groups for v in verdicts}
    columns = list(zip(*rows.values(), strict=True))
    widths = [
        max([len(heading), *(cell.cell_len for cell in column)]) if any(column) else 0
        for heading, column in zip(_HEADINGS, columns, strict=True)
    ]
    widths = narrowed(widths, sheet.width)
    print_grid(sheet, _HEADINGS, widths, [])
    hidden = 0
    for place, (group, verdicts) in enumerate(groups):
        if place:
            sheet.blank()
        _print_heading(sheet, group)
        print_grid(sheet, (), widths, [rows[id(verdict)] for verdict in verdicts])
        for why in _doubts(verdicts[: _MOST_DOUBTS * 4]):
            sheet.line(sheet.text(why, "dim"), indent=2)
        left = len(group.verdicts) - len(verdicts)
        hidden += left
        if left:
            sheet.line(sheet.text(f"… and {count(left, 'certificate')} more of this cause", "dim"), indent=2)
    if hidden:
        sheet.line(sheet.text("-v shows all certificates, --host selects some", "dim"))


def _doubts(verdicts: Sequence[Verdict]) -> list[str]:
    """Return why some verdicts are not confirmed; what differs in the receiver's name alone is said once."""
    clauses = {clause: verdict.validator for verdict in verdicts if (clause := doubt_clause(verdict))}
    alike: dict[str, list[str]] = {}
    for clause, validator in clauses.items():
        named = clause.replace(f"the {validator.role} proxy {validator.address}", _RECEIVER)
        alike.setdefault(named.replace(validator.address, _RECEIVER), []).append(clause)
    return [same[0] if len(same) == 1 else clause for clause, same in alike.items()]


def _shown(group: CauseGroup, *, everything: bool) -> tuple[Verdict, ...]:
    if everything:
        return group.verdicts
    return group.verdicts[: MOST_URGENT if group.urgent else MOST_CALM]


def _print_heading(sheet: Sheet, group: CauseGroup) -> None:
    """Print what a group has in common: OCSP seen or not, the cause, how many, what that means."""
    colour = colour_of_all(group.verdicts)
    meaning = CAUSES[group.cause].meaning if group.cause in CAUSES else ""
    sheet.line(
        sheet.text(presence_words(group.presence, colour), VERDICT_STYLES.get(colour, "")),
        sheet.text(f"  {group.cause}", "bold"),
        sheet.text(f"  {count(len(group.verdicts), 'certificate')}"),
        sheet.text(f"  {meaning}" if meaning else "", "dim"),
    )


def _cells(sheet: Sheet, verdict: Verdict, layout: Layout) -> tuple[Words, ...]:
    host = sheet.text(host_text(verdict), "bold" if attention(verdict) < CALM else "", limit=_LONGEST_HOST)
    if verdict.chain_role == "intermediate":
        host.append(" (intermediate)", f"{host.style} dim".strip())
    elif verdict.presented_by == "client":
        host.append(" (client certificate)", f"{host.style} dim".strip())
    status, style = verdict.status or "", VERDICT_STYLES.get(status_colour(verdict), "")
    return (
        host,
        sheet.text(validator_name(verdict.validator)),
        sheet.text(status.upper() if status == "revoked" else status, style),
        sheet.text(verdict.confidence, "" if verdict.confidence == "confirmed" else "dim"),
        sheet.text(proof_frames(verdict.evidence, layout.labels, most=3 if sheet.width >= _WIDE else 2)),
    )
