"""An explanation for the terminal: the answer first, then what is wrong, then a row a certificate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ocsp_pcap.explain.model import Explanation, Finding
from ocsp_pcap.facts import CaptureFact
from ocsp_pcap.report.chain import MOST_CHAINS, print_chains
from ocsp_pcap.report.filters import evidence_filters
from ocsp_pcap.report.layout import Layout, findings_by_code, lay_out, more_findings, proof_frames
from ocsp_pcap.report.picture_text import print_picture
from ocsp_pcap.report.text_details import print_evidence, print_exchanges, print_filters, print_verdict
from ocsp_pcap.report.text_table import print_table
from ocsp_pcap.report.wording import SEVERITY_MARKS, capture_limits, capture_remarks, capture_size
from ocsp_pcap.terminal.sheet import SEVERITY_STYLES, Sheet

if TYPE_CHECKING:
    from rich.console import Console

    from ocsp_pcap.terminal.paper import Paper

FEW: Final = 3
"""With no more verdicts than this their details are shown unasked."""
_MOST_ALIKE: Final = 2
"""Findings of one code that are shown one by one."""
_ALL: Final = 1_000_000
_MOST_CAPTURES: Final = 6
_MOST_FILES: Final = 12


def render_text(explanation: Explanation, *, console: Console | Paper, verbose: int = 0) -> None:
    """Print an explanation to a console, or to paper.

    ``verbose`` 1 adds the details of every verdict and the intermediates that are folded otherwise,
    2 also every sighting and all evidence.
    """
    sheet = Sheet(console)
    layout = lay_out(explanation, fold=verbose < 1)
    shown = layout.verdicts

    sheet.line(sheet.text(explanation.headline, "bold"))
    _print_captures(sheet, layout, explanation.captures, verbose)
    for note in explanation.remarks:
        sheet.line(sheet.text(note, "dim"), indent=2)
    for findings, left in findings_by_code(explanation.findings, _MOST_ALIKE if verbose < 1 else _ALL):
        for finding in findings:
            sheet.blank()
            _print_finding(sheet, layout, finding, verbose)
        if left:
            sheet.line(sheet.text(f"… and {more_findings(left, findings[0].code)}: -v shows all", "dim"))
    sheet.blank()
    print_picture(sheet, explanation.picture)
    if shown:
        sheet.blank()
        print_table(sheet, layout, everything=verbose > 0)
    print_chains(sheet, explanation, most=None if verbose else MOST_CHAINS)
    detailed = verbose > 0 or len(shown) <= FEW
    for verdict in shown if detailed else ():
        print_verdict(sheet, layout, verdict, everything=verbose > 1)
    if verbose:
        from ocsp_pcap.report.staple_ledger import print_staples

        print_staples(sheet, layout, explanation.staples, everything=verbose > 1)
    print_exchanges(sheet, layout, explanation.unmatched_exchanges, listed=verbose > 0)
    if not detailed:
        sheet.blank()
        hint = "-v shows evidence, Wireshark filters and next steps; ocsp-pcap cause CODE explains a cause."
        sheet.line(sheet.text(hint, "dim"))


def _print_captures(sheet: Sheet, layout: Layout, captures: tuple[CaptureFact, ...], verbose: int) -> None:
    """Print a line for each capture, its limits below it; of many captures only those with limits."""
    many = len(captures) > _MOST_CAPTURES and verbose < 1
    for capture in captures:
        limits = capture_limits(capture)
        if many and not limits:
            continue
        number = f"[{layout.labels[capture.path]}] " if len(captures) > 1 else ""
        name = capture.path if verbose else layout.captures[capture.path]
        sheet.line(sheet.text(f"{number}{name}"), sheet.text(f"  {capture_size(capture)}", "dim"), indent=2)
        if limits:
            sheet.item(sheet.text("!", "yellow"), sheet.text("; ".join(limits), "yellow"), indent=4, width=1)
        for remark in capture_remarks(capture):
            sheet.line(sheet.text(remark, "dim"), indent=4)
        _print_files(sheet, layout, layout.files.get(capture.path, []), verbose)
    if many:
        sound = sum(not capture_limits(capture) for capture in captures)
        packets = sum(capture.packets for capture in captures)
        whole = f"{len(captures)} captures with {packets:,} packets in all, {sound} of them without a flaw"
        sheet.line(sheet.text(whole, "dim"), indent=2)


def _print_files(sheet: Sheet, layout: Layout, files: Sequence[str], verbose: int) -> None:
    """Print the numbers of the files of a set to which the report leads."""
    shown = files if verbose else files[:_MOST_FILES]
    for path in shown:
        name = path if verbose else layout.captures[path]
        sheet.line(sheet.text(f"[{layout.labels[path]}] {name}", "dim"), indent=4)
    if len(files) > len(shown):
        sheet.line(sheet.text(f"… and {len(files) - len(shown)} files more: -v shows all", "dim"), indent=4)


def _print_finding(sheet: Sheet, layout: Layout, finding: Finding, verbose: int) -> None:
    """Print one finding with its proof and next steps."""
    mark = SEVERITY_MARKS.get(finding.severity, "!")
    sheet.line(
        sheet.text(f"{mark} {finding.severity}", SEVERITY_STYLES.get(finding.severity, "bold")),
        sheet.text(f"  {finding.code}  ", "bold"),
        sheet.text(finding.summary),
    )
    if verbose and finding.evidence:
        print_evidence(sheet, layout, finding.evidence, everything=verbose > 1)
        print_filters(sheet, layout, evidence_filters(finding.evidence))
    elif any(item.frame is not None for item in finding.evidence):
        sheet.line(
            sheet.text(f"frames {proof_frames(finding.evidence, layout.labels, most=6)}", "dim"), indent=2
        )
    if finding.severity != "info" or verbose:
        for step in finding.next_steps:
            sheet.item(sheet.text("→"), sheet.text(step), indent=2, width=1)
