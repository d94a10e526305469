"""The meaning of causes and findings, for the terminal and for the README."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from ocsp_pcap.explain.causes import CAUSES, page
from ocsp_pcap.report.wording import PRESENCE_MARKS, SEVERITY_MARKS
from ocsp_pcap.terminal.escape import markdown_text
from ocsp_pcap.terminal.sheet import SEVERITY_STYLES, VERDICT_STYLES, Sheet

if TYPE_CHECKING:
    from rich.console import Console


class UnknownCodeError(LookupError):
    """A code that is neither cause nor finding; says which known ones look like it."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.suggestions = suggestions(code)
        words = f"no cause or finding is called {code!r}"
        if self.suggestions:
            words += "; did you mean " + " or ".join(self.suggestions) + "?"
        super().__init__(words)


def suggestions(code: str) -> tuple[str, ...]:
    """Return the codes most like a mistyped one, at most three."""
    wanted = code.strip().lower().replace("_", "-").replace(" ", "-")[:64]
    close = get_close_matches(wanted, CAUSES, n=3, cutoff=0.6)
    within = [known for known in CAUSES if len(wanted) > 2 and wanted in known]
    return tuple(dict.fromkeys((*close, *within)))[:3]


def render_cause(code: str, console: Console) -> None:
    """Print the page of a cause or finding. Raise UnknownCodeError for a code that is none."""
    from rich.markdown import Markdown

    if code not in CAUSES:
        raise UnknownCodeError(code)
    if not console.encoding.lower().startswith("utf"):
        sheet = Sheet(console)
        for line in page(code).splitlines():
            sheet.line(sheet.text(line))
        return
    width = min(console.width, 100)
    console.print(Markdown(page(code), hyperlinks=False, code_theme="ansi_dark"), width=width)


def render_causes(console: Console) -> None:
    """Print all causes and findings as two tables."""
    from rich import box
    from rich.table import Table

    sheet = Sheet(console)
    for kind, title, column in (("cause", "Causes", "OCSP"), ("finding", "Findings", "Severity")):
        table = Table(
            box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim"
        )
        table.add_column(column, no_wrap=True, width=12)
        table.add_column("Code", no_wrap=True, width=28)
        table.add_column("Meaning")
        last = ""
        for entry in CAUSES.values():
            if entry.kind != kind:
                continue
            if entry.presence:
                label, style = (
                    f"{PRESENCE_MARKS[entry.presence]} {entry.presence}",
                    VERDICT_STYLES[entry.presence],
                )
            else:
                severity = entry.severity or "info"
                label, style = f"{SEVERITY_MARKS[severity]} {severity}", SEVERITY_STYLES[severity]
            shown = "" if label == last and kind == "cause" else label
            last = label
            table.add_row(sheet.text(shown, style), sheet.text(entry.code, "bold"), sheet.text(entry.meaning))
        sheet.line(sheet.text(title, "bold"))
        console.print(table)
        sheet.blank()
    sheet.line(sheet.text("ocsp-pcap cause CODE tells how each is proven and what to do next.", "dim"))


def cause_table_markdown() -> str:
    """Return the tables of causes and findings as Markdown, for the README."""
    lines = ["| presence | cause | meaning |", "|---|---|---|"]
    lines += [
        f"| {entry.presence} | `{entry.code}` | {markdown_text(entry.meaning, table=True)} |"
        for entry in CAUSES.values()
        if entry.kind == "cause"
    ]
    lines += ["", "| severity | finding | meaning |", "|---|---|---|"]
    lines += [
        f"| {entry.severity} | `{entry.code}` | {markdown_text(entry.meaning, table=True)} |"
        for entry in CAUSES.values()
        if entry.kind == "finding"
    ]
    return "\n".join(lines) + "\n"
