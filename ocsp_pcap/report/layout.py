"""The content of every report, in its order: rows, groups, folded rows, short names of captures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Final, NamedTuple

from ocsp_pcap.explain.cause_phrases import cause_rank
from ocsp_pcap.explain.model import Evidence, Explanation, Finding, Presence, Validator, Verdict
from ocsp_pcap.explain.phrases import common_name, count
from ocsp_pcap.facts import CaptureFact
from ocsp_pcap.report.wording import CALM, attention

_TELLING: Final = frozenset({"stapled", "staple-invalid", "cached"})
_SEVERITY_ORDER: Final = {"problem": 0, "advice": 1, "info": 2}


class Group(NamedTuple):
    """The verdicts of one validator, what needs attention first."""

    validator: Validator
    verdicts: tuple[Verdict, ...]


class CauseGroup(NamedTuple):
    """The verdicts of one cause, of all validators, what needs attention first."""

    cause: str
    presence: Presence
    verdicts: tuple[Verdict, ...]

    @property
    def urgent(self) -> bool:
        """Some verdict needs attention."""
        return attention(self.verdicts[0]) < CALM


class Layout(NamedTuple):
    """The rows of a report."""

    groups: tuple[Group, ...]
    folded: int
    """How many intermediates without OCSP traffic of their own are left out."""
    captures: dict[str, str]
    """Short names of the captures, and of the files of rotated sets, by path."""
    labels: dict[str, str]
    """Numbers of the captures by path, ``2``, and of the files of a set, ``2.7``."""
    files: dict[str, list[str]]
    """Paths of the files of each set to which the rows and findings lead, by the path of the set."""

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """All verdicts shown, group by group."""
        return tuple(verdict for group in self.groups for verdict in group.verdicts)


def by_cause(layout: Layout) -> tuple[CauseGroup, ...]:
    """Return the rows of a layout grouped by cause, what needs attention first."""
    groups: dict[tuple[str, Presence], list[Verdict]] = {}
    for verdict in layout.verdicts:
        groups.setdefault((verdict.cause, verdict.presence), []).append(verdict)
    found = [
        CauseGroup(cause, presence, tuple(sorted(verdicts, key=_verdict_order)))
        for (cause, presence), verdicts in groups.items()
    ]
    return tuple(sorted(found, key=lambda group: (attention(group.verdicts[0]), cause_rank(group.cause))))


def lay_out(explanation: Explanation, *, fold: bool = True) -> Layout:
    """Sort and group the verdicts; ``fold`` leaves out intermediates without OCSP traffic."""
    shown = [verdict for verdict in explanation.verdicts if not fold or _is_shown(verdict)]
    if not shown:
        shown = list(explanation.verdicts)
    by_validator: dict[Validator, list[Verdict]] = {}
    for verdict in shown:
        by_validator.setdefault(verdict.validator, []).append(verdict)
    groups = [
        Group(validator, tuple(sorted(verdicts, key=_verdict_order)))
        for validator, verdicts in by_validator.items()
    ]
    groups.sort(
        key=lambda group: (attention(group.verdicts[0]), -len(group.verdicts), group.validator.address)
    )
    captures = explanation.captures
    paths = [capture.path for capture in captures]
    return Layout(
        tuple(groups),
        len(explanation.verdicts) - len(shown),
        short_names([*paths, *(file.path for capture in captures for file in capture.files)]),
        capture_labels(captures),
        _files_named(captures, shown, explanation.findings) if any(c.files for c in captures) else {},
    )


def capture_labels(captures: Sequence[CaptureFact]) -> dict[str, str]:
    """Number the captures and the files of rotated sets; the files of the only capture just count."""
    labels: dict[str, str] = {}
    for number, capture in enumerate(captures, start=1):
        labels[capture.path] = str(number)
        for place, file in enumerate(capture.files, start=1):
            labels[file.path] = f"{number}.{place}" if len(captures) > 1 else str(place)
    return labels


def _files_named(
    captures: Sequence[CaptureFact], verdicts: Iterable[Verdict], findings: Iterable[Finding]
) -> dict[str, list[str]]:
    """Choose the files in which some evidence stands."""
    groups = (*(verdict.evidence for verdict in verdicts), *(finding.evidence for finding in findings))
    named = {item.capture for evidence in groups for item in evidence}
    return {
        capture.path: [file.path for file in capture.files if file.path in named or file.damage]
        for capture in captures
        if capture.files
    }


def _is_shown(verdict: Verdict) -> bool:
    """Tell whether a verdict is more than an intermediate that came along in a chain."""
    return (
        verdict.chain_role == "leaf"
        or verdict.presence in ("present", "attempted")
        or verdict.cause in _TELLING
        or verdict.status is not None
    )


def _verdict_order(verdict: Verdict) -> tuple[int, bool, str, str]:
    """Sort key: what needs attention, leaf before intermediate, then alphabetically."""
    return (attention(verdict), verdict.chain_role != "leaf", verdict.cause, verdict.host or "~")


def sorted_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings, problems first."""
    return sorted(findings, key=lambda finding: _SEVERITY_ORDER.get(finding.severity, 0))


def findings_by_code(findings: Iterable[Finding], most: int) -> list[tuple[list[Finding], int]]:
    """Return findings of one code together, problems first: ``most`` of them, and how many more there are."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in sorted_findings(findings):
        groups.setdefault((finding.severity, finding.code), []).append(finding)
    return [(some[:most], max(len(some) - most, 0)) for some in groups.values()]


def more_findings(number: int, code: str) -> str:
    """Return that there are as many more findings of one code."""
    return f"{count(number, 'finding')} more of the kind {code}"


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """Return a short name for each path: its last part, or the whole path where two share that."""
    names = {path: PurePath(path).name or path for path in paths}
    uses = Counter(names.values())
    return {path: name if uses[name] == 1 else path for path, name in names.items()}


def host_text(verdict: Verdict) -> str:
    """Return what a verdict is about: the host, for an intermediate the certificate's subject."""
    certificate = verdict.certificate
    if verdict.chain_role == "intermediate" and certificate is not None:
        return common_name(certificate.subject) or certificate.sha256[:16]
    if verdict.host:
        return verdict.host
    return (common_name(certificate.subject) or certificate.sha256[:16]) if certificate else "(no name)"


def proof_frames(evidence: Sequence[Evidence], labels: dict[str, str], *, most: int = 3) -> str:
    """Return the frames that prove something, in short: ``10, 14, 22 +3``.

    ``labels`` gives the number of each capture where there are several: ``[2] 10, 14``.
    """
    by_capture: dict[str, list[int]] = {}
    for item in evidence:
        if item.frame is not None and item.frame not in by_capture.setdefault(item.capture, []):
            by_capture[item.capture].append(item.frame)
    by_capture = {capture: frames for capture, frames in by_capture.items() if frames}
    if not by_capture:
        return "no packet" if evidence else ""
    left, parts = most, []
    for capture, frames in by_capture.items():
        if left <= 0:
            break
        number = f"[{labels[capture]}] " if len(labels) > 1 and capture in labels else ""
        parts.append(number + ", ".join(map(str, sorted(frames[:left]))))
        left -= len(frames[:left])
    more = sum(map(len, by_capture.values())) - (most - left)
    return " ".join(parts) + (f" +{more}" if more else "")
