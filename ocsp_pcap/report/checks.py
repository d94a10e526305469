"""Expectations about a capture, held or broken, and how a terminal shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.explain.phrases import count
from ocsp_pcap.records import dataclass
from ocsp_pcap.report.layout import short_names
from ocsp_pcap.terminal.sheet import Sheet

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One expectation compared with the verdicts or findings that it selects."""

    expectation: Mapping[str, str]
    """The keys and values of the expectation, as its file has them."""
    held: bool
    reason: str
    """One sentence: what was found, or why the expectation is broken."""
    evidence: tuple[Evidence, ...] = ()
    classname: str = "ocsp-pcap.check"
    """Name of the group in JUnit, with dots between its parts."""
    name: str = ""
    """Name of the test case in JUnit; made from the expectation where empty."""
    seconds: float = 0.0
    """How long the comparison took."""

    @property
    def title(self) -> str:
        """The name, or else the expectation in words."""
        return self.name or expectation_text(self.expectation)


def expectation_text(expectation: Mapping[str, str]) -> str:
    """Return an expectation on one line: ``role=parent host=plain.site.test cause=queried``."""
    return " ".join(f"{key}={value}" for key, value in expectation.items()) or "(empty expectation)"


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


def render_checks(results: Sequence[CheckResult], console: Console) -> None:
    """Print a table of expectations, broken ones first, and their number."""
    from rich import box
    from rich.table import Table

    sheet = Sheet(console)
    broken = sum(not result.held for result in results)
    if not results:
        sheet.line(sheet.text("No expectation to check.", "bold"))
        return
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim"
    )
    table.add_column("Result", no_wrap=True)
    table.add_column("Expectation", overflow="fold", ratio=2)
    table.add_column("Found", overflow="fold", ratio=3)
    table.add_column("Frames", overflow="fold", max_width=28)
    for result in sorted(results, key=lambda result: result.held):
        mark, style = ("✓ held", "green") if result.held else ("✗ broken", "bold red")
        table.add_row(
            sheet.text(mark, style),
            sheet.text(result.title, limit=400),
            sheet.text(result.reason, limit=1000),
            sheet.text("; ".join(evidence_places(result.evidence)), "dim", limit=200),
        )
    console.print(table)
    sheet.blank()
    if broken:
        words = f"✗ {broken} of {count(len(results), 'expectation')} broken"
        sheet.line(sheet.text(words, "bold red"))
    else:
        words = "the expectation holds" if len(results) == 1 else f"all {len(results)} expectations hold"
        sheet.line(sheet.text(f"✓ {words}", "bold green"))
