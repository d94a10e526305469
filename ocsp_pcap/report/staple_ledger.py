"""The staple ledger: for each validator and host what was asked for, sent, fresh, stale and refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ocsp_pcap.explain.model import StapleRow
from ocsp_pcap.explain.phrases import validator_name
from ocsp_pcap.report.layout import Layout, proof_frames
from ocsp_pcap.report.wording import duration, moment
from ocsp_pcap.terminal.grid import print_titled_grid
from ocsp_pcap.terminal.sheet import Sheet

HEADINGS: Final = ("Host", "Received by", "Asked for", "Sent", "State", "Frame")
MOST_ROWS: Final = 30


def print_staples(sheet: Sheet, layout: Layout, rows: Sequence[StapleRow], *, everything: bool) -> None:
    """Print the ledger as a table, :data:`MOST_ROWS` rows of it unless ``everything`` is asked for."""
    if not rows:
        return
    shown = rows if everything else rows[:MOST_ROWS]
    cells = [[sheet.text(cell, limit=120) for cell in staple_cells(row, layout.labels)] for row in shown]
    for row, (host, *_, state, _) in zip(shown, cells, strict=True):
        host.style = "bold"
        state.style = "yellow" if row.refused or row.problem else "green" if row.fresh else ""
    print_titled_grid(sheet, "Staples", HEADINGS, cells)
    if len(rows) > len(shown):
        sheet.line(sheet.text(f"… and {len(rows) - len(shown)} rows more: -vv shows all", "dim"))


def staple_cells(row: StapleRow, labels: dict[str, str]) -> tuple[str, ...]:
    """Return the cells of a row; ``labels`` gives the number of each capture."""
    return (
        row.host or "(no name)",
        validator_name(row.validator),
        _of(row.requested, row.handshakes, row.request_unseen),
        _of(row.sent, row.handshakes, row.unseen),
        "; ".join(_states(row)),
        proof_frames(row.evidence, labels, most=2),
    )


def _of(number: int, whole: int, unseen: int) -> str:
    """Return how many of the handshakes: ``no``, ``yes``, ``2 of 3``, ``not visible``."""
    if unseen == whole:
        return "not visible"
    said = "no" if not number else "yes" if whole == 1 else f"{number} of {whole}"
    return f"{said}, {unseen} not visible" if unseen else said


def _states(row: StapleRow) -> list[str]:
    states = []
    if row.refused:
        times = f" in {row.refused} of {row.handshakes} handshakes" if row.handshakes > 1 else ""
        states.append(f"refused by the client{times}")
    if row.stale_since is not None:
        states.append(f"stale since {moment(row.stale_since)}")
    elif row.problem is not None:
        states.append(row.problem)
    if row.fresh:
        if row.fresh_until is None or row.fresh_for is None:
            states.append("fresh, without nextUpdate")
        else:
            states.append(f"fresh for {duration(row.fresh_for)}, until {moment(row.fresh_until)}")
    return states
