"""Expectations: what a capture is supposed to show (TOML), and whether an explanation shows it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from ocsp_pcap.explain.causes import CAUSES
from ocsp_pcap.explain.model import PRESENCES, Evidence, Explanation, Verdict

SELECTORS: Final = ("role", "validator", "host", "sha256", "chain_role", "presented_by")
COMPARED: Final = ("presence", "cause", "status", "confidence")
FINDINGS: Final = ("finding", "absent_finding")
VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "role": ("child", "parent", "client", "unknown"),
    "chain_role": ("leaf", "intermediate"),
    "presented_by": ("server", "client"),
    "presence": PRESENCES,
    "status": ("good", "revoked", "unknown"),
    "confidence": ("confirmed", "likely", "possible"),
    "cause": tuple(code for code, entry in CAUSES.items() if entry.kind == "cause"),
    "finding": tuple(code for code, entry in CAUSES.items() if entry.kind == "finding"),
}
MAX_EVIDENCE: Final = 6


class ExpectationError(Exception):
    """The expectation file cannot be used; the message says which expectation and why."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One ``[[expect]]`` table."""

    number: int
    """1-based place in the file."""
    values: Mapping[str, str]

    @property
    def about_finding(self) -> bool:
        """It is about a finding, not about verdicts."""
        return any(key in self.values for key in FINDINGS)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether one expectation holds."""

    expectation: Expectation
    held: bool
    reason: str
    evidence: tuple[Evidence, ...]
    seconds: float = 0.0
    """How long the comparison took."""


def load_expectations(path: Path) -> tuple[Expectation, ...]:
    """Read an expectation file.

    Raises:
        ExpectationError: the file cannot be read, is no TOML, or an expectation cannot be understood.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ExpectationError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ExpectationError(f"{path}: is no valid TOML: {error}") from error
    unknown = sorted(set(document) - {"expect"})
    tables = document.get("expect")
    if unknown:
        raise ExpectationError(f"{path}: unknown key {unknown[0]!r}; the file consists of [[expect]] tables")
    if not isinstance(tables, list) or not tables:
        raise ExpectationError(f"{path}: holds no [[expect]] table, so there is nothing to check")
    return tuple(_expectation(path, number, table) for number, table in enumerate(tables, 1))


def _expectation(path: Path, number: int, table: Any) -> Expectation:
    where = f"{path}: expectation {number}"
    if not isinstance(table, dict):
        raise ExpectationError(f"{where} is no table")
    known = (*SELECTORS, *COMPARED, *FINDINGS)
    for key, value in table.items():
        if key not in known:
            raise ExpectationError(f"{where}: unknown key {key!r}; known are {', '.join(known)}")
        if not isinstance(value, str):
            raise ExpectationError(f"{where}: {key} must be a string")
        choices = VALUES.get("finding" if key in FINDINGS else key)
        if choices is not None and value not in choices:
            raise ExpectationError(f"{where}: {key} = {value!r} is unknown; known are {', '.join(choices)}")
    if "sha256" in table and not re.fullmatch(r"[0-9a-fA-F]{64}", table["sha256"]):
        raise ExpectationError(f"{where}: sha256 must be 64 hex digits")
    findings = [key for key in FINDINGS if key in table]
    if findings and len(table) > 1:
        raise ExpectationError(f"{where}: {findings[0]} stands alone, without other keys")
    if not findings and not any(key in table for key in COMPARED):
        raise ExpectationError(f"{where}: expects nothing; give one of {', '.join(COMPARED)}")
    return Expectation(number, dict(table))


def check(explanation: Explanation, expectations: tuple[Expectation, ...]) -> tuple[Outcome, ...]:
    """Compare an explanation with what was expected. An expectation that selects nothing fails."""
    return tuple(_timed(explanation, expectation) for expectation in expectations)


def _timed(explanation: Explanation, expectation: Expectation) -> Outcome:
    started = perf_counter()
    compare = _check_finding if expectation.about_finding else _check_verdicts
    outcome = compare(explanation, expectation)
    return replace(outcome, seconds=perf_counter() - started)


def _check_finding(explanation: Explanation, expectation: Expectation) -> Outcome:
    wanted = expectation.values.get("finding")
    code = wanted or expectation.values["absent_finding"]
    found = [finding for finding in explanation.findings if finding.code == code]
    evidence = found[0].evidence[:MAX_EVIDENCE] if found else ()
    if wanted is not None and not found:
        others = ", ".join(dict.fromkeys(f.code for f in explanation.findings)) or "none"
        return Outcome(expectation, False, f"the finding was not raised; raised were: {others}", ())
    if wanted is None and found:
        return Outcome(expectation, False, f"the finding was raised: {found[0].summary}", evidence)
    return Outcome(expectation, True, found[0].summary if found else "it was not raised", evidence)


def _check_verdicts(explanation: Explanation, expectation: Expectation) -> Outcome:
    selected = [verdict for verdict in explanation.verdicts if _selected(verdict, expectation)]
    if not selected:
        return Outcome(expectation, False, _why_nothing(explanation, expectation), ())
    broken = [verdict for verdict in selected if _difference(verdict, expectation)]
    shown = (broken or selected)[0]
    evidence = shown.evidence[:MAX_EVIDENCE]
    if not broken:
        return Outcome(expectation, True, _state(shown), evidence)
    reason = f"{_difference(shown, expectation)}: {shown.summary}"
    if len(selected) > 1:
        reason = f"{len(broken)} of {len(selected)} verdicts differ; {reason}"
    return Outcome(expectation, False, reason, evidence)


def _selected(verdict: Verdict, expectation: Expectation) -> bool:
    values = expectation.values
    certificate = verdict.certificate
    # A host means its own certificate, which it presented as the server, unless the expectation says more.
    kind = {"chain_role": "leaf", "presented_by": "server"} if "sha256" not in values else {}
    kind |= {key: values[key] for key in ("chain_role", "presented_by") if key in values}
    return (
        all(getattr(verdict, key) == value for key, value in kind.items())
        and values.get("role", verdict.validator.role) == verdict.validator.role
        and values.get("validator", verdict.validator.address) == verdict.validator.address
        and fnmatchcase((verdict.host or "").lower(), values.get("host", "*").lower())
        and (
            "sha256" not in values
            or (certificate is not None and certificate.sha256 == values["sha256"].lower())
        )
    )


def _difference(verdict: Verdict, expectation: Expectation) -> str:
    differences = [
        f"{key} is {getattr(verdict, key) or 'not known'}, not {expectation.values[key]}"
        for key in COMPARED
        if key in expectation.values and getattr(verdict, key) != expectation.values[key]
    ]
    return ", ".join(differences)


def _state(verdict: Verdict) -> str:
    parts = [verdict.presence, verdict.cause]
    if verdict.status:
        parts.append(verdict.status)
    return f"{', '.join(parts)} ({verdict.confidence}): {verdict.summary}"


def _why_nothing(explanation: Explanation, expectation: Expectation) -> str:
    leaves = [verdict for verdict in explanation.verdicts if verdict.chain_role == "leaf"]
    if not leaves:
        return "selects nothing: the captures show no certificate and no handshake"
    host = expectation.values.get("host")
    if host is not None and not any(fnmatchcase((v.host or "").lower(), host.lower()) for v in leaves):
        hosts = sorted({verdict.host for verdict in leaves if verdict.host})
        shown = ", ".join(hosts[:5]) + (", …" if len(hosts) > 5 else "")
        return f"selects nothing: no verdict has a host like {host}; there are {shown or 'none with a name'}"
    seen = sorted({f"{verdict.validator.role} {verdict.validator.address}" for verdict in leaves})
    return f"selects nothing; the validators are {', '.join(seen[:6])}"
