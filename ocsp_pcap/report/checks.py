"""Expectations about a capture, held or broken, and how a terminal shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ocsp_pcap.explain.expect import Expectation, Outcome
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.explain.phrases import count
from ocsp_pcap.report.layout import short_names
from ocsp_pcap.terminal.sheet import Sheet

if TYPE_CHECKING:
    from rich.console import Console


def expectation_text(expectation: Expectation) -> str:
    """Return an expectation on one line: ``role=parent host=plain.site.test cause=queried``."""
    return " ".join(f"{key}={value}" for key, value in expectation.values.items())


def evidence_places(evidence: Sequence[Evidence]) -> list[str]:
    """Return each source of evidence with its frames: ``parent.pcapng: frames 10, 14``."""
    frames: dict[str, list[int]] = {}
    for item in evidence:
        found = frames.setdefault(item.capture, [])
        if item.frame is not None and item.frame not in found:
            found.append(item.frame)
    names = short_names(list(frames))
    places = []
    for capture, numbers in frames.items():
        word = "frame" if len(numbers) == 1 else "frames"
        listed = f": {word} {', '.join(map(str, sorted(numbers)))}" if numbers else ""
        places.append(names[capture] + listed)
    return places


def render_checks(results: Sequence[Outcome], console: Console) -> None:
    """Print the expectations, broken ones first with what was found instead and where, and their number."""
    sheet = Sheet(console)
    broken = sum(not result.held for result in results)
    if not results:
        sheet.line(sheet.text("No expectation to check.", "bold"))
        return
    for result in sorted(results, key=lambda result: result.held):
        mark, style = ("✓ held", "green") if result.held else ("✗ broken", "bold red")
        title = sheet.text(expectation_text(result.expectation), "" if result.held else "bold", limit=400)
        sheet.item(sheet.text(mark, style), title, indent=0, width=8)
        if result.held:
            continue
        sheet.line(sheet.text(f"{result.reason.rstrip('.')}.", limit=1000), indent=10)
        if places := "; ".join(evidence_places(result.evidence)):
            sheet.line(sheet.text(places, "dim", limit=200), indent=10)
    sheet.blank()
    if broken:
        words = f"✗ {broken} of {count(len(results), 'expectation')} broken"
        sheet.line(sheet.text(words, "bold red"))
    else:
        words = "the expectation holds" if len(results) == 1 else f"all {len(results)} expectations hold"
        sheet.line(sheet.text(f"✓ {words}", "bold green"))
