"""``ocsp-at-egress``: the proxy that sees the origins' certificates asks about them: best practice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import View, evidence_of, finding, hosts_of, who
from ocsp_pcap.explain.model import Finding

ENTRY: Final = finding_entry(
    "ocsp-at-egress",
    "info",
    "OCSP is done where origin certificates are visible, at the egress proxy: best practice.",
)


UNASKED: Final = ("ocsp-disabled", "unexplained", "capture-filtered")
"""Causes of a leaf that could have been asked about there and, as it seems, was not."""


def find(view: View) -> Iterator[Finding]:
    """Say so where the parent asked about at least half of the leaves that it could ask about."""
    leaves = [
        verdict
        for verdict in view.of_role("parent")
        if verdict.chain_role == "leaf" and verdict.presented_by == "server"
    ]
    asking = [verdict for verdict in leaves if verdict.presence == "present"]
    unasked = [verdict for verdict in leaves if verdict.cause in UNASKED]
    if not asking or len(asking) < len(unasked):
        return
    some = f"; about {hosts_of(unasked)} it does not" if unasked else ""
    yield finding(
        ENTRY,
        f"OCSP is done where it belongs: {who(asking[0])} sees the origins' certificates and asks "
        f"about them ({hosts_of(asking)}){some}.",
        evidence_of(asking[:4]),
        validator=asking[0].validator.address,
    )
