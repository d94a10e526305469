"""The changes between two explanations, for a terminal, a ticket and programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from ocsp_pcap.explain.cause_phrases import cause_phrase
from ocsp_pcap.explain.causes import CAUSES
from ocsp_pcap.explain.difference import Change, Difference, FindingChange, State, Tally
from ocsp_pcap.explain.phrases import count, first_of
from ocsp_pcap.facts.lines import to_json
from ocsp_pcap.terminal.escape import markdown_code, markdown_text
from ocsp_pcap.terminal.sheet import Sheet

if TYPE_CHECKING:
    from rich.console import Console

_WORDS: Final = {"worse": "Worse", "better": "Better", "changed": "Changed", "new": "New", "gone": "Gone"}
_MARKS: Final = {"worse": "✗", "better": "✓", "changed": "~", "new": "+", "gone": "-"}
_STYLES: Final = {"worse": "bold red", "better": "green", "changed": "yellow", "new": "", "gone": "dim"}
_NAMED: Final = 4
"""Hosts that a sentence names."""


def headline(found: Difference) -> str:
    """Return the sentences that answer "what did it bring?"."""
    # Who never asked comes last: what changed is elsewhere.
    tallies = sorted(found.tallies, key=lambda tally: not (tally.asked_before or tally.asked_after))
    sentences = [_tally(tally) for tally in tallies]
    count_of = {word: sum(c.direction == word for c in found.changes) for word in ("worse", "better")}
    if not found.changes and not found.findings:
        sentences.append("Nothing changed.")
    elif count_of["worse"] or found.worse:
        words = count(count_of["worse"], "certificate") if count_of["worse"] else "a finding"
        sentences.append(f"Worse than before: {words}.")
    return " ".join(sentences)


def _tally(tally: Tally) -> str:
    who = f"the {tally.who} proxy" if tally.who in ("child", "parent") else tally.who
    now = f"OCSP asked by {who} for {tally.asked_after} of {count(tally.of_after, 'certificate')}"
    sentence = f"{now}, before for {tally.asked_before} of {tally.of_before}"
    if not tally.asked_before and not tally.asked_after:
        received = count(tally.of_after, "certificate")
        sentence = f"OCSP asked by {who} for none of {received}{', as before' if tally.of_before else ''}"
    if tally.of_after == 0:
        asked = f"{tally.asked_before} of {tally.of_before}"
        return f"No certificate was received by {who} (before, OCSP asked for {asked})."
    if not tally.without:
        return f"{sentence}."
    causes: dict[str, list[str]] = {}
    for host, cause in tally.without:
        causes.setdefault(cause, []).append(host or "unnamed")
    parts = [f"{_phrase(cause, len(hosts))}: {first_of(hosts, _NAMED)}" for cause, hosts in causes.items()]
    others = "" if len(tally.without) == tally.of_after else "of the others "
    return f"{sentence}; {others}{'; '.join(parts)}."


def _phrase(cause: str, number: int) -> str:
    """Return what a cause says of some certificates; one that another version stored may be unknown."""
    return cause_phrase(cause, number) if cause in CAUSES else f"{number:,}: {cause}"


def difference_to_json(found: Difference) -> dict[str, Any]:
    """Return the JSON object, schema "ocsp-pcap-diff/1"."""
    document: dict[str, Any] = {
        "schema": "ocsp-pcap-diff/1",
        "headline": headline(found),
        "worse": found.worse,
    }
    return document | to_json(found)


def render_difference(found: Difference, console: Console) -> None:
    """Print the headline, then every change, the worst first."""
    sheet = Sheet(console)
    sheet.line(sheet.text(headline(found), "bold"))
    for direction, changes in _by_direction(found.changes):
        sheet.blank()
        sheet.line(
            sheet.text(f"{_WORDS[direction]}: {count(len(changes), 'certificate')}", _STYLES[direction])
        )
        for change in changes:
            mark = sheet.text(f"{_MARKS[direction]} ", _STYLES[direction])
            sheet.item(
                mark, sheet.text(f"{_subject(change)}: {_change(change)}", limit=600), indent=2, width=2
            )
    if found.findings:
        sheet.blank()
        sheet.line(sheet.text("Findings", "bold"))
    for finding in found.findings:
        mark = sheet.text(f"{_MARKS[finding.direction]} ", _STYLES[finding.direction])
        words = f"{_WORDS[finding.direction]}: {finding.code}{_of_finding(finding)}{finding.summary}"
        sheet.item(mark, sheet.text(words, limit=600), indent=2, width=2)
    sheet.blank()
    sheet.line(sheet.text(f"{count(found.same, 'certificate')} as before", "dim"))


def _of_finding(finding: FindingChange) -> str:
    """Return what stands between a finding's code and its sentence, which is of before where it is gone."""
    return " holds no longer. Before: " if finding.direction in ("better", "gone") else ": "


def difference_markdown(found: Difference) -> str:
    """Return Markdown for a ticket."""
    return "\n".join(_markdown(found)) + "\n"


def _markdown(found: Difference) -> Iterator[str]:
    yield f"**{markdown_text(headline(found))}**"
    yield ""
    if found.changes:
        yield "| | validator | host | before | after |"
        yield "|---|---|---|---|---|"
    for change in found.changes:
        cells = (_who(change), change.host or "unnamed", _state(change.before), _state(change.after))
        row = " | ".join(markdown_code(cell, table=True) for cell in cells)
        yield f"| {_WORDS[change.direction]} | {row} |"
    if found.findings:
        yield ""
    for finding in found.findings:
        word, code = _WORDS[finding.direction], markdown_code(finding.code)
        yield f"- {word}: {code}{_of_finding(finding)}{markdown_text(finding.summary)}"
    yield ""
    yield f"{count(found.same, 'certificate')} as before."


def _by_direction(changes: Sequence[Change]) -> Iterator[tuple[str, list[Change]]]:
    for direction in _WORDS:
        chosen = [change for change in changes if change.direction == direction]
        if chosen:
            yield direction, chosen


def _who(change: Change) -> str:
    return change.validator if change.role == "unknown" else f"{change.role} {change.validator}"


def _subject(change: Change) -> str:
    kind = "" if change.chain_role == "leaf" else " (intermediate)"
    kind += " (client's certificate)" if change.presented_by == "client" else ""
    return f"{change.host or 'unnamed'}{kind} at {_who(change)}"


def _change(change: Change) -> str:
    if change.before is None:
        return _state(change.after)
    if change.after is None:
        return f"was {_state(change.before)}"
    return f"{_state(change.before)} → {_state(change.after)}. {change.after.summary}"


def _state(state: State | None) -> str:
    if state is None:
        return "-"
    status = f", {state.status}" if state.status else ""
    return f"{state.presence}, {state.cause}{status} ({state.confidence})"
