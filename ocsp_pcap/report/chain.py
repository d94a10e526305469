"""Views of the proxies of a chain on a host, side by side: the reissued certificate next to the original."""

from __future__ import annotations

from typing import Final

from ocsp_pcap.explain.model import Chain, Explanation, Leg
from ocsp_pcap.explain.phrases import common_name, validator_name
from ocsp_pcap.report.layout import capture_labels
from ocsp_pcap.terminal.grid import print_titled_grid
from ocsp_pcap.terminal.sheet import Sheet

HEADINGS: Final = ("Host", "Received by", "Certificate issued by", "OCSP URL", "Frame")
_WIDE: Final = 110
MOST_CHAINS: Final = 6
"""Hosts that the terminal shows, unless more are asked for."""


def chain_rows(explanation: Explanation, most: int | None = None) -> list[tuple[str, ...]]:
    """Return a row a leg: host (on its first leg), validator, issuer, OCSP URL, frame."""
    labels = capture_labels(explanation.captures)
    rows: list[tuple[str, ...]] = []
    for chain in explanation.chains[:most]:
        rows += _rows_of(chain, labels if len(labels) > 1 else {})
    return rows


def _rows_of(chain: Chain, labels: dict[str, str]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for place, leg in enumerate(chain.legs):
        capture = f"[{labels[leg.capture]}] " if leg.capture in labels else ""
        rows.append(
            (
                "" if place else chain.host,
                validator_name(leg.validator),
                _issuer(leg),
                "" if leg.certificate is None else leg.ocsp_url or "none",
                f"{capture}{leg.frame}",
            )
        )
    return rows


def _fitting(sheet: Sheet, explanation: Explanation, most: int | None) -> list[tuple[str, ...]]:
    """Return the rows; in a narrow terminal a URL, which would be split, gives way to its host."""
    rows = chain_rows(explanation, most)
    if sheet.width >= _WIDE:
        return rows
    return [(*row[:3], row[3].partition("://")[2].partition("/")[0] or row[3], row[4]) for row in rows]


def _issuer(leg: Leg) -> str:
    if leg.tunnelled:
        return "(only tunnelled)"
    return common_name(leg.issuer) if leg.issuer else "not visible"


def print_chains(sheet: Sheet, explanation: Explanation, *, most: int | None) -> None:
    """Print the table of legs, ``most`` hosts at most."""
    rows = [[sheet.text(cell, limit=120) for cell in row] for row in _fitting(sheet, explanation, most)]
    if not rows:
        return
    for host, *_ in rows:
        host.style = "bold"
    print_titled_grid(sheet, "Through the chain", HEADINGS, rows)
    hidden = len(explanation.chains) - (most or len(explanation.chains))
    if hidden > 0:
        sheet.line(sheet.text(f"… and {hidden} hosts more: -v shows all", "dim"))
