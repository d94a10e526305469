"""Findings: statements about the chain or the capture as a whole.

One file a finding: its entry (severity, meaning, next steps) and ``find``, which looks at a :class:`View`,
beside its page ``<code>.md``. A finding names the hosts that it is true of, and no other; it never judges
what the verdicts have judged already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.entries import Cause
from ocsp_pcap.explain.findings import (
    ambiguous_bytes,
    capture_problem,
    certificates_hidden,
    client_certificate_revoked,
    clock_wrong,
    crl_fallback,
    must_staple_violated,
    ocsp_at_egress,
    ocsp_forwarded,
    ocsp_nowhere,
    ocsp_on_child_too,
    ocsp_on_wrong_proxy,
    parent_not_intercepting,
    quic_bypass,
    reissued_without_revocation,
    repeated_queries,
    responders_failing,
    revoked_but_used,
    selective_interception,
    slow_responder,
    staple_fetch,
)
from ocsp_pcap.explain.findings.common import View
from ocsp_pcap.explain.model import Finding, Severity, Verdict

Find: TypeAlias = Callable[[View], Iterator[Finding]]


class FindingRule(NamedTuple):
    """A finding and the function that finds it."""

    entry: Cause
    find: Find


def _nothing(_: View) -> Iterator[Finding]:
    """Find nothing: another finding's rule raises this one, too."""
    yield from ()


FINDINGS: Final[tuple[FindingRule, ...]] = (
    FindingRule(ocsp_on_wrong_proxy.ENTRY, ocsp_on_wrong_proxy.find),
    FindingRule(ocsp_at_egress.ENTRY, ocsp_at_egress.find),
    FindingRule(ocsp_nowhere.ENTRY, ocsp_nowhere.find),
    FindingRule(parent_not_intercepting.ENTRY, parent_not_intercepting.find),
    FindingRule(ocsp_forwarded.ENTRY, ocsp_forwarded.find),
    FindingRule(crl_fallback.ENTRY, crl_fallback.find),
    FindingRule(must_staple_violated.ENTRY, must_staple_violated.find),
    FindingRule(revoked_but_used.ENTRY, revoked_but_used.find),
    FindingRule(client_certificate_revoked.ENTRY, client_certificate_revoked.find),
    FindingRule(repeated_queries.TTL_OVERRIDE, _nothing),
    FindingRule(repeated_queries.ENTRY, repeated_queries.find),
    FindingRule(clock_wrong.ENTRY, clock_wrong.find),
    FindingRule(responders_failing.ENTRY, responders_failing.find),
    FindingRule(certificates_hidden.ENTRY, certificates_hidden.find),
    FindingRule(quic_bypass.ENTRY, quic_bypass.find),
    FindingRule(selective_interception.ENTRY, selective_interception.find),
    FindingRule(ocsp_on_child_too.ENTRY, ocsp_on_child_too.find),
    FindingRule(reissued_without_revocation.ENTRY, reissued_without_revocation.find),
    FindingRule(staple_fetch.ENTRY, staple_fetch.find),
    FindingRule(slow_responder.ENTRY, slow_responder.find),
    FindingRule(ambiguous_bytes.ENTRY, ambiguous_bytes.find),
    FindingRule(capture_problem.ENTRY, capture_problem.find),
)
"""Every finding, in the order of the tables."""
SEVERITIES: Final[tuple[Severity, ...]] = ("problem", "advice", "info")


def all_findings(
    case: Case, verdicts: Sequence[Verdict], wanted: Callable[[str | None], bool] = lambda _: True
) -> tuple[Finding, ...]:
    """Ask every rule, and put problems first. ``wanted`` tells which hosts' names were asked for."""
    view = View(case, verdicts, wanted)
    found = [finding for rule in FINDINGS for finding in rule.find(view)]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))
