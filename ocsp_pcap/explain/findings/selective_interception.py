"""``selective-interception``: one proxy tunnels some hosts and intercepts others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import FIRM, View, evidence_of, finding, hosts_of, who
from ocsp_pcap.explain.model import Finding, Verdict

ENTRY: Final = finding_entry(
    "selective-interception",
    "info",
    "A proxy tunnels some hosts and intercepts others.",
    "Make sure that the hosts which {validator} tunnels are meant to be: it checks nothing of them.",
    "For these, whoever is behind {validator} sees the origin's certificate and has to check it.",
)


def find(view: View) -> Iterator[Finding]:
    """Say so where a proxy hands on some hellos, and for other hosts makes certificates of its own."""
    reissued = {
        verdict.host: verdict
        for verdict in view.verdicts
        if verdict.cause == "reissued-certificate" and verdict.confidence in FIRM
    }
    by_proxy: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in view.verdicts:
        if verdict.validator.role in ("child", "parent") and verdict.presented_by == "server":
            by_proxy[view.case.identity(verdict.validator.address)].append(verdict)
    for verdicts in by_proxy.values():
        # A CA's certificate comes with tunnelled hosts and with others, and its verdict names one of them.
        tunnelled = [
            verdict
            for verdict in verdicts
            if verdict.cause == "not-intercepted"
            and verdict.confidence in FIRM
            and verdict.chain_role == "leaf"
        ]
        opened = [
            verdict
            for verdict in verdicts
            if verdict.cause not in ("not-intercepted", "reissued-certificate")
            and verdict.chain_role == "leaf"
            and verdict.host in reissued
        ]
        if not tunnelled or not opened:
            continue
        words = f"{who(tunnelled[0])} only tunnels {hosts_of(tunnelled)}, and intercepts {hosts_of(opened)}"
        yield finding(
            ENTRY,
            f"{words[:1].upper()}{words[1:]}.",
            [*evidence_of(tunnelled[:2]), *evidence_of([reissued[v.host] for v in opened[:2]])],
            validator=tunnelled[0].validator.address,
        )
