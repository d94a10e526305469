"""Findings: statements about the chain or the capture as a whole, one small function each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.findings.capture import capture_problem
from ocsp_pcap.explain.findings.chain import (
    ocsp_at_egress,
    ocsp_forwarded,
    ocsp_nowhere,
    ocsp_on_wrong_proxy,
    parent_not_intercepting,
)
from ocsp_pcap.explain.findings.responses import (
    crl_fallback,
    must_staple_violated,
    repetition,
    revoked_but_used,
)
from ocsp_pcap.explain.model import Finding, Severity, Verdict

FindingRule: TypeAlias = Callable[[Case, Sequence[Verdict]], Iterator[Finding]]

FINDING_RULES: Final[tuple[FindingRule, ...]] = (
    ocsp_on_wrong_proxy,
    ocsp_at_egress,
    ocsp_nowhere,
    parent_not_intercepting,
    ocsp_forwarded,
    crl_fallback,
    must_staple_violated,
    revoked_but_used,
    repetition,
    capture_problem,
)
SEVERITIES: Final[tuple[Severity, ...]] = ("problem", "advice", "info")


def all_findings(case: Case, verdicts: Sequence[Verdict]) -> tuple[Finding, ...]:
    """Ask every rule, and put problems first."""
    found = [finding for rule in FINDING_RULES for finding in rule(case, verdicts)]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))
