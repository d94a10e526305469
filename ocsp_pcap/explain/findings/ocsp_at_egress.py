"""``ocsp-at-egress``: the proxy that sees the origins' certificates asks about them: best practice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import FIRM, View, evidence_of, finding, hosts_of, who
from ocsp_pcap.explain.model import Finding, Verdict

ENTRY: Final = finding_entry(
    "ocsp-at-egress",
    "info",
    "OCSP is done where origin certificates are visible, at the egress proxy: best practice.",
)


UNASKED: Final = ("ocsp-disabled", "unexplained", "capture-filtered")
"""Causes of a leaf that could have been asked about there and, as it seems, was not."""


def find(view: View) -> Iterator[Finding]:
    """Say so of each parent that asked about at least half of the leaves that it could ask about."""
    by_parent: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in view.of_role("parent"):
        if verdict.chain_role == "leaf" and verdict.presented_by == "server":
            by_parent[view.case.identity(verdict.validator.address)].append(verdict)
    for leaves in by_parent.values():
        asking = [verdict for verdict in leaves if verdict.presence == "present" and _itself(verdict)]
        unasked = [verdict for verdict in leaves if verdict.cause in UNASKED]
        if not asking or len(asking) < len(unasked):
            continue
        some = f"; about {hosts_of(unasked)} no query is seen" if unasked else ""
        yield finding(
            ENTRY,
            f"OCSP is done where it belongs: {who(asking[0])} sees the origins' certificates and asks "
            f"about them ({hosts_of(asking)}){some}.",
            evidence_of(asking[:4]),
            validator=asking[0].validator.address,
        )


def _itself(verdict: Verdict) -> bool:
    """No doubt stands that it asked for itself, and not for a host behind it."""
    return verdict.confidence in FIRM and all(doubt.code != "other-asker" for doubt in verdict.doubts)
