"""First expectations for ``check``: what captures show today, as a file that says what it selects and why.

What is certain is expected; what the captures leave open is written as a comment, for somebody who knows.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from ocsp_pcap.explain.expect import COMPARED
from ocsp_pcap.explain.model import Explanation, Verdict
from ocsp_pcap.explain.phrases import count
from ocsp_pcap.terminal.escape import safe_text

_NOT_RAISED: Final = ("ocsp-on-wrong-proxy", "ocsp-nowhere", "revoked-but-used", "must-staple-violated")
"""Findings whose absence is worth expecting."""
_MOST: Final = 500
"""Expectations about certificates that are written; more would be read by nobody."""


def expectations_toml(explanation: Explanation) -> str:
    """Return an expectation file that holds for this very explanation, with comments."""
    leaves = [verdict for verdict in explanation.verdicts if verdict.chain_role == "leaf"]
    lines = [
        "# First expectations, from what was observed. Keep what has to stay so, and delete the rest.",
        *(f"#   {safe_text(capture.path)}" for capture in explanation.captures),
        "# role, validator, host (a glob), sha256, chain_role and presented_by select; presence, cause,",
        "# status and confidence are compared. An expectation that selects nothing is broken.",
        "",
    ]
    for written, (verdict, selectors) in enumerate(_selected(leaves)):
        if written == _MOST:
            lines += [f"# {count(len(leaves) - written, 'certificate')} more: left out.", ""]
            break
        lines += [*_verdict(verdict, selectors), ""]
    raised = {finding.code: finding for finding in explanation.findings}
    for finding in raised.values():
        head = (
            "[[expect]]"
            if finding.severity != "problem"
            else "[[expect]]  # a problem: absent_finding once it is solved"
        )
        lines += [f"# {safe_text(finding.summary, limit=300)}", head, f"finding = {_text(finding.code)}", ""]
    for code in _NOT_RAISED:
        if code not in raised:
            lines += ["[[expect]]", f"absent_finding = {_text(code)}", ""]
    return "\n".join(lines)


def _selected(verdicts: Iterable[Verdict]) -> Iterator[tuple[Verdict, dict[str, str]]]:
    """Yield verdicts with what selects them; one of several that say the same stands for them."""
    groups: dict[tuple[str, ...], list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        role = verdict.validator.role
        who = ("validator", verdict.validator.address) if role == "unknown" else ("role", str(role))
        groups[*who, (verdict.host or "").lower(), verdict.presented_by].append(verdict)
    for (key, value, host, presenter), group in groups.items():
        selectors = {key: value} | ({"host": _literal(host)} if host else {})
        if presenter == "client":
            selectors["presented_by"] = presenter
        answers = {_answer(verdict) for verdict in group}
        for verdict in group if len(answers) > 1 else group[:1]:
            if len(answers) == 1 and host:
                yield verdict, selectors
            elif verdict.certificate is not None:
                yield (
                    verdict,
                    {key: value, "sha256": verdict.certificate.sha256}
                    | ({"presented_by": presenter} if presenter == "client" else {}),
                )


def _answer(verdict: Verdict) -> tuple[str | None, ...]:
    return tuple(getattr(verdict, key) for key in COMPARED)


def _verdict(verdict: Verdict, selectors: dict[str, str]) -> list[str]:
    lines = [f"# {safe_text(verdict.summary, limit=300)}"]
    values = [f"{key} = {_text(value)}" for key, value in selectors.items()]
    values += [f"presence = {_text(verdict.presence)}", f"cause = {_text(verdict.cause)}"]
    if verdict.status is not None:
        values.append(f"status = {_text(verdict.status)}")
    if verdict.confidence == "confirmed":
        return [*lines, "[[expect]]", *values]
    if verdict.confidence == "likely":
        return [*lines, "# Only likely:", "[[expect]]", *values]
    others = safe_text(", ".join(other.cause for other in verdict.alternatives))
    rivals = f"; it may as well be {others}" if others else ""
    lines.append(f"# Not certain{rivals}. Without the number signs it is expected:")
    return [*lines, *(f"# {line}" for line in ("[[expect]]", *values))]


def _literal(host: str) -> str:
    """Return a glob that only this host matches."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in host)


def _text(value: str) -> str:
    """Return a TOML basic string; JSON's escapes are TOML's, for what is no surrogate."""
    return json.dumps(safe_text(value))
