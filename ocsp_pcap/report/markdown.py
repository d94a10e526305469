"""An explanation as Markdown, to paste into a ticket (CommonMark with the tables of GitHub's flavour)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ocsp_pcap.explain.causes import CAUSES
from ocsp_pcap.explain.headline import revoked_singles
from ocsp_pcap.explain.model import Evidence, Explanation, Finding, Verdict
from ocsp_pcap.explain.phrases import count, validator_name
from ocsp_pcap.report.chain import HEADINGS, chain_rows
from ocsp_pcap.report.exchanges import answer_text, frames_text, responder_text, revoked_first
from ocsp_pcap.report.filters import Filter, case_filters, evidence_filters, verdict_filters
from ocsp_pcap.report.layout import (
    Layout,
    by_cause,
    findings_by_code,
    host_text,
    lay_out,
    more_findings,
    proof_frames,
)
from ocsp_pcap.report.picture_mermaid import picture_mermaid
from ocsp_pcap.report.wording import (
    capture_limits,
    capture_remarks,
    capture_size,
    colour_of_all,
    doubt_clause,
    moment,
    presence_words,
)
from ocsp_pcap.terminal.escape import markdown_block, markdown_code, markdown_text

_MOST_EVIDENCE: Final = 20
_MOST_FINDINGS: Final = 4
_MOST_ALIKE: Final = 3
"""Findings of one code that are shown in full."""
_MOST_NAMES: Final = 4
_MOST_EXCHANGES: Final = 5
_MOST_DETAILS: Final = 20
"""Verdicts shown in full, unless more are asked for."""
_MOST_CHAINS: Final = 20


def render_markdown(explanation: Explanation, *, verbose: int = 0) -> str:
    """Return an explanation as Markdown: what goes into a ticket, and the details folded below it.

    The details are those of the verdicts that need attention most; with ``verbose`` those of all, and the
    intermediates that are folded otherwise are shown.
    """
    return "\n".join(_lines(explanation, verbose)) + "\n"


def _lines(explanation: Explanation, verbose: int) -> Iterator[str]:
    """Yield the report line by line."""
    layout = lay_out(explanation, fold=verbose < 1)
    yield f"**{markdown_text(explanation.headline)}**"
    if picture := picture_mermaid(explanation.picture):
        yield ""
        yield "```mermaid"
        yield picture
        yield "```"
    groups = [
        (some[0], len(some) - 1 + left)
        for some, left in findings_by_code(explanation.findings, 1)
        if some[0].severity != "info"
    ]
    for finding, left in groups[:_MOST_FINDINGS]:
        yield ""
        frames = proof_frames(finding.evidence, layout.labels, most=6)
        where = f" (frames {markdown_text(frames)})" if frames and frames != "no packet" else ""
        words = f"{markdown_text(finding.summary.rstrip('.'))}{where}."
        yield f"**{finding.severity}** {markdown_code(finding.code)}: {words}"
        yield ""
        for place, step in enumerate(finding.next_steps, start=1):
            yield f"{place}. {markdown_text(step)}"
        if left:
            yield ""
            yield f"And {markdown_text(more_findings(left, finding.code))}."
    yield from _cause_lines(layout)
    yield from _exchange_lines(explanation, layout, verbose)
    yield ""
    for capture in explanation.captures[:_MOST_NAMES]:
        number = f"\\[{layout.labels[capture.path]}\\] " if len(explanation.captures) > 1 else ""
        limits = "".join(f"; **{markdown_text(limit)}**" for limit in capture_limits(capture))
        limits += "".join(f"; {markdown_text(remark)}" for remark in capture_remarks(capture))
        yield f"- {number}{markdown_code(layout.captures[capture.path])}: {capture_size(capture)}{limits}"
    if len(explanation.captures) > _MOST_NAMES:
        yield f"- and {count(len(explanation.captures) - _MOST_NAMES, 'capture')} more"
    yield ""
    yield "<details><summary>Details: evidence, Wireshark filters, next steps</summary>"
    yield from _detail_part(explanation, layout, verbose)
    yield ""
    yield "</details>"


def _cause_lines(layout: Layout) -> Iterator[str]:
    """Yield a row a cause: how many certificates, which, and where the proof stands."""
    groups = by_cause(layout)
    if not groups:
        return
    yield ""
    yield "| OCSP | Cause | Certificates | Which | Frames |"
    yield "|---|---|--:|---|---|"
    for group in groups:
        names = []
        for verdict in group.verdicts[:_MOST_NAMES]:
            name = markdown_code(host_text(verdict), table=True, limit=100)
            revoked = " **REVOKED**" if verdict.status == "revoked" else ""
            sure = "" if verdict.confidence == "confirmed" else f" ({verdict.confidence})"
            names.append(f"{name}{revoked}{sure}")
        more = len(group.verdicts) - len(names)
        which = ", ".join(names) + (f" and {more:,} more" if more else "")
        evidence = [item for verdict in group.verdicts[:_MOST_NAMES] for item in verdict.evidence[:2]]
        cells = (
            markdown_text(presence_words(group.presence, colour_of_all(group.verdicts)), table=True),
            markdown_code(group.cause, table=True),
            f"{len(group.verdicts):,}",
            which,
            markdown_text(proof_frames(evidence, layout.labels), table=True),
        )
        yield f"| {' | '.join(cells)} |"


def _exchange_lines(explanation: Explanation, layout: Layout, verbose: int) -> Iterator[str]:
    """Yield the exchanges that belong to no handshake, with serial, status and frames."""
    exchanges = revoked_first(explanation.unmatched_exchanges)
    if not exchanges:
        return
    yield ""
    what = count(len(exchanges), "OCSP exchange")
    yield f"{what} for certificates that the sender was not seen to receive:"
    yield ""
    must = sum(bool(revoked_singles(exchange)) for exchange in exchanges)
    shown = exchanges if verbose else exchanges[: max(_MOST_EXCHANGES, must)]
    for exchange in shown:
        name = markdown_code(layout.captures.get(exchange.capture, exchange.capture), limit=200)
        where = f"{frames_text(exchange)} of {name}" if len(layout.captures) > 1 else frames_text(exchange)
        answer = markdown_text(answer_text(exchange))
        whose = f"{markdown_text(exchange.client)} to {markdown_code(responder_text(exchange), limit=200)}"
        yield f"- {whose}, {answer}, {where}"
    if len(exchanges) > len(shown):
        yield f"- and {len(exchanges) - len(shown):,} more"


def _detail_part(explanation: Explanation, layout: Layout, verbose: int) -> Iterator[str]:
    """Yield what is folded: findings in full, files, the legs of the chain, verdict by verdict."""
    for path in (path for paths in layout.files.values() for path in paths):
        yield f"- \\[{layout.labels[path]}\\] {markdown_code(layout.captures[path])}"
    for note in explanation.remarks:
        yield ""
        yield markdown_text(note)
    for findings, left in findings_by_code(explanation.findings, _MOST_ALIKE):
        for finding in findings:
            yield from _finding_lines(finding, layout)
        if left:
            yield ""
            yield f"{markdown_text(more_findings(left, findings[0].code))}."
    if filters := case_filters(explanation):
        yield from _filter_lines(filters, layout)
    if rows := chain_rows(explanation, None if verbose else _MOST_CHAINS):
        yield ""
        yield "### Through the chain"
        yield ""
        yield f"| {' | '.join(HEADINGS)} |"
        yield "|---|---|---|---|---|"
        for host, *cells in rows:
            name = markdown_code(host, table=True, limit=200) if host else ""
            yield f"| {' | '.join((name, *(markdown_text(cell, table=True) for cell in cells)))} |"
    verdicts = [verdict for group in by_cause(layout) for verdict in group.verdicts]
    shown = verdicts if verbose else verdicts[:_MOST_DETAILS]
    for verdict in shown:
        yield from _detail_lines(verdict, layout)
    if len(verdicts) > len(shown):
        yield ""
        others = count(len(verdicts) - len(shown), "certificate")
        yield f"{others} more: the HTML report, or the option -v, has them all."


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
    if doubt := doubt_clause(verdict):
        yield ""
        yield markdown_text(doubt)
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
