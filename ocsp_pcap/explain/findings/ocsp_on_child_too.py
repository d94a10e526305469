"""``ocsp-on-child-too``: OCSP is on at the parent, where it belongs, and needlessly at a child."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import FIRM, View, evidence_of, finding, who
from ocsp_pcap.explain.model import Finding
from ocsp_pcap.explain.saying import said_of

ENTRY: Final = finding_entry(
    "ocsp-on-child-too",
    "advice",
    "OCSP is on at the parent, where it belongs, and needlessly at a child as well.",
    "Switch OCSP off at the child, {validator}: it receives only certificates that the parent reissued.",
)


def find(view: View) -> Iterator[Finding]:
    """Say so where both have it on, and all that the child receives is reissued."""
    child = view.case.site.proxy("child")
    if child is None or child.ocsp is not True or not view.ocsp_shown_at("parent"):
        return
    leaves = [v for v in view.of_role("child") if v.chain_role == "leaf" and v.presented_by == "server"]
    if not leaves or any(v.cause != "reissued-certificate" or v.confidence not in FIRM for v in leaves):
        return
    yield finding(
        ENTRY,
        f"OCSP is on at the parent, where it belongs, and at {who(leaves[0])} as well, which receives "
        "reissued certificates only and has nothing to ask.",
        [*said_of(child, "ocsp"), *evidence_of(leaves[:3])],
        validator=leaves[0].validator.address,
    )
