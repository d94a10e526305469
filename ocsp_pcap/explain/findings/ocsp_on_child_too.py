"""``ocsp-on-child-too``: OCSP is on at the parent, where it belongs, and needlessly at a child."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import FIRM, View, evidence_of, finding, who
from ocsp_pcap.explain.model import Finding, Verdict
from ocsp_pcap.explain.phrases import listed
from ocsp_pcap.explain.saying import said_of

ENTRY: Final = finding_entry(
    "ocsp-on-child-too",
    "advice",
    "OCSP is on at the parent, where it belongs, and needlessly at a child as well.",
    "Switch OCSP off at {validator}: only certificates that the parent reissued arrive there.",
)


def find(view: View) -> Iterator[Finding]:
    """Say so where both have it on, and all that the child receives is reissued."""
    child = view.case.site.proxy("child")
    if child is None or child.ocsp is not True or not view.ocsp_shown_at("parent"):
        return
    received: dict[str, list[Verdict]] = {}
    for verdict in view.of_role("child"):
        if verdict.chain_role == "leaf" and verdict.presented_by == "server":
            received.setdefault(verdict.validator.address, []).append(verdict)
    needless = [verdicts for verdicts in received.values() if all(map(_reissued, verdicts))]
    if not needless:
        return
    children = listed([who(verdicts[0]) for verdicts in needless])
    yield finding(
        ENTRY,
        f"OCSP is on at the parent, where it belongs, and at {children} as well, where only reissued "
        "certificates arrive and there is nothing to ask.",
        [*said_of(child, "ocsp"), *(line for verdicts in needless for line in evidence_of(verdicts[:3]))],
        validator=listed([verdicts[0].validator.address for verdicts in needless]),
    )


def _reissued(verdict: Verdict) -> bool:
    return verdict.cause == "reissued-certificate" and verdict.confidence in FIRM
