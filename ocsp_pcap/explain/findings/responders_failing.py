"""``responders-failing``: most of what a validator asks gets no usable answer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import FIRM, View, evidence_of, finding, hosts_of, who
from ocsp_pcap.explain.model import Finding, Verdict

ENTRY: Final = finding_entry(
    "responders-failing",
    "problem",
    "Most of what a validator asks about certificates gets no usable answer.",
    "Try one query by hand from {validator}: openssl ocsp -issuer CA -cert CERT -url URL -text.",
    "Look at what the failures have in common: one responder, or one way out (DNS, firewall, proxy).",
    "Find out what {validator} does meanwhile: let pass (soft fail), or refuse.",
)
FEWEST: Final = 2
"""Certificates about which asking failed; a single one says nothing of the rest."""


def find(view: View) -> Iterator[Finding]:
    """Say so where more certificates of a validator were asked about in vain than with an answer."""
    tried: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in view.verdicts:
        if verdict.presence in ("attempted", "present"):
            tried[verdict.validator.address].append(verdict)
    for verdicts in tried.values():
        failed = [
            v for v in verdicts if v.presence == "attempted" and v.confidence in FIRM and not _in_doubt(v)
        ]
        if len(failed) < FEWEST or 2 * len(failed) <= len(verdicts):
            continue
        causes = Counter(verdict.cause for verdict in failed)
        how = ", ".join(f"{cause} {number}" for cause, number in causes.most_common())
        number = "all" if len(failed) == len(verdicts) else str(len(failed))
        words = f"{who(failed[0])} asked about {len(verdicts)} certificates, and about {number} in vain"
        yield finding(
            ENTRY,
            f"{words[:1].upper()}{words[1:]} ({how}): {hosts_of(failed)}.",
            evidence_of(failed[:4]),
            validator=failed[0].validator.address,
        )


def _in_doubt(verdict: Verdict) -> bool:
    """Whether it failed at all is open: by a time, and clocks are in doubt, or an answer may be missing."""
    opens = {"clock", "packets-lost", "span-not-covered"} if verdict.cause == "no-response" else {"clock"}
    return any(doubt.code in opens for doubt in verdict.doubts)
