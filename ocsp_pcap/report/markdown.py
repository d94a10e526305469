"""An explanation as Markdown, to paste into a ticket (CommonMark with the tables of GitHub's flavour)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ocsp_pcap.explain.causes import CAUSES
from ocsp_pcap.explain.model import Evidence, Explanation, Finding, Verdict
from ocsp_pcap.explain.phrases import count, validator_name
from ocsp_pcap.report.chain import HEADINGS, chain_rows
from ocsp_pcap.report.filters import Filter, evidence_filters, verdict_filters
from ocsp_pcap.report.layout import Layout, host_text, lay_out, proof_frames, sorted_findings
from ocsp_pcap.report.wording import CALM, PRESENCE_MARKS, attention, capture_limits, capture_size, moment
from ocsp_pcap.terminal.escape import markdown_block, markdown_code, markdown_text

_MOST_EVIDENCE: Final = 20


def render_markdown(explanation: Explanation, *, verbose: int = 0) -> str:
    """Return an explanation as Markdown.

    Details follow for every verdict that needs attention; with ``verbose`` for all verdicts, and the
    intermediates that are folded otherwise are shown.
    """
    return "\n".join(_lines(explanation, verbose)) + "\n"


def _lines(explanation: Explanation, verbose: int) -> Iterator[str]:
    """Yield the report line by line."""
    layout = lay_out(explanation, fold=verbose < 1)
    shown = layout.verdicts
    labels = layout.labels
    yield "# OCSP in the capture"
    yield ""
    yield f"**{markdown_text(explanation.headline)}**"
    yield ""
    for capture in explanation.captures:
        number = f"\\[{labels[capture.path]}\\] " if len(explanation.captures) > 1 else ""
        yield f"- {number}{markdown_code(layout.captures[capture.path])}: {capture_size(capture)}"
        for limit in capture_limits(capture):
            yield f"  - **{markdown_text(limit)}**"
        for path in layout.files.get(capture.path, ()):
            yield f"  - \\[{labels[path]}\\] {markdown_code(layout.captures[path])}"
    for note in explanation.notes:
        yield f"- {markdown_text(note)}"
    if explanation.findings:
        yield ""
        yield "## Findings"
        for finding in sorted_findings(explanation.findings):
            yield from _finding_lines(finding, layout)
    for group in layout.groups:
        yield ""
        yield f"## Certificates received by {markdown_text(validator_name(group.validator))}"
        yield ""
        yield "| OCSP | Cause | Certificate for | Status | Confidence | Frames | In short |"
        yield "|---|---|---|---|---|---|---|"
        for verdict in group.verdicts:
            yield _row(verdict, labels)
    if rows := chain_rows(explanation):
        yield ""
        yield "## Through the chain"
        yield ""
        yield f"| {' | '.join(HEADINGS)} |"
        yield "|---|---|---|---|---|"
        for host, *cells in rows:
            name = markdown_code(host, table=True, limit=200) if host else ""
            yield f"| {' | '.join((name, *(markdown_text(cell, table=True) for cell in cells)))} |"
    detailed = [verdict for verdict in shown if verbose or attention(verdict) < CALM]
    if detailed:
        yield ""
        yield "## Details"
        for verdict in detailed:
            yield from _detail_lines(verdict, layout)
    if explanation.unmatched_exchanges:
        yield ""
        number = count(len(explanation.unmatched_exchanges), "OCSP exchange")
        yield f"{number} for certificates that no handshake in the captures showed."


def _row(verdict: Verdict, labels: dict[str, str]) -> str:
    """Return the table row of a verdict."""
    host = markdown_code(host_text(verdict), table=True, limit=200)
    if verdict.chain_role == "intermediate":
        host += " (intermediate)"
    cells = (
        f"{PRESENCE_MARKS.get(verdict.presence, '?')} {markdown_text(verdict.presence, table=True)}",
        markdown_code(verdict.cause, table=True),
        host,
        f"**{verdict.status}**" if verdict.status == "revoked" else verdict.status or "",
        verdict.confidence,
        markdown_text(proof_frames(verdict.evidence, labels), table=True),
        markdown_text(verdict.summary, table=True),
    )
    return f"| {' | '.join(cells)} |"


def _finding_lines(finding: Finding, layout: Layout) -> Iterator[str]:
    """Yield a finding with its evidence and next steps."""
    yield ""
    yield f"### {finding.severity}: {markdown_code(finding.code)}"
    yield ""
    yield markdown_text(finding.summary)
    yield from _evidence_lines(finding.evidence, layout)
    frames = [each for each in evidence_filters(finding.evidence) if each.label == "frames"]
    yield from _filter_lines(frames, layout)
    yield from _step_lines(finding.next_steps)


def _detail_lines(verdict: Verdict, layout: Layout) -> Iterator[str]:
    """Yield all about one verdict."""
    yield ""
    host = markdown_code(host_text(verdict), limit=200)
    yield f"### {host}: {verdict.presence}, {markdown_code(verdict.cause)}"
    yield ""
    yield markdown_text(verdict.summary)
    yield ""
    meaning = CAUSES[verdict.cause].meaning if verdict.cause in CAUSES else ""
    status = f", status {verdict.status}" if verdict.status else ""
    yield f"- Confidence: {verdict.confidence}{status}. {markdown_text(meaning)}"
    yield f"- Received by {markdown_text(validator_name(verdict.validator))}"
    certificate = verdict.certificate
    if certificate is not None:
        yield f"- Subject {markdown_code(certificate.subject, limit=300)}"
        yield f"- Issuer {markdown_code(certificate.issuer, limit=300)}"
        valid = f"valid {moment(certificate.not_before)} to {moment(certificate.not_after)}"
        yield f"- Serial number {markdown_code(certificate.serial, limit=200)}, {valid}"
        urls = ", ".join(markdown_code(url, limit=300) for url in certificate.ocsp_urls) or "none"
        yield f"- OCSP URL: {urls}{' (must-staple)' if certificate.must_staple else ''}"
    yield from _evidence_lines(verdict.evidence, layout)
    yield from _filter_lines(verdict_filters(verdict), layout)
    if verdict.alternatives:
        yield ""
        yield "Not ruled out:"
        yield ""
        for alternative in verdict.alternatives:
            yield f"- {markdown_code(alternative.cause)}: {markdown_text(alternative.why)}"
    yield from _step_lines(verdict.next_steps)


def _evidence_lines(evidence: Sequence[Evidence], layout: Layout) -> Iterator[str]:
    """Yield a list of evidence."""
    if not evidence:
        return
    yield ""
    yield "Evidence:"
    yield ""
    for item in evidence[:_MOST_EVIDENCE]:
        name = markdown_code(layout.captures.get(item.capture, item.capture), limit=200)
        frame = f"frame {item.frame} of {name}" if item.frame is not None else name
        yield f"- {frame}: {markdown_text(item.note)}"
    if len(evidence) > _MOST_EVIDENCE:
        yield f"- … and {len(evidence) - _MOST_EVIDENCE} more"


def _filter_lines(filters: Sequence[Filter], layout: Layout) -> Iterator[str]:
    """Yield display filters, each a block of its own to copy."""
    for each in filters:
        where = ""
        if len(layout.captures) > 1 and each.capture is not None:
            where = f" in {markdown_code(layout.captures.get(each.capture, each.capture), limit=200)}"
        yield ""
        yield f"Wireshark filter for the {each.label}{where}:"
        yield ""
        yield markdown_block(each.text)


def _step_lines(steps: Sequence[str]) -> Iterator[str]:
    """Yield numbered next steps."""
    if not steps:
        return
    yield ""
    yield "Next steps:"
    yield ""
    for number, step in enumerate(steps, start=1):
        yield f"{number}. {markdown_text(step)}"
