"""``parent-not-intercepting``: the parent only tunnels, so the child sees the origins' certificates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import FIRM, View, evidence_of, finding, hosts_of, who
from ocsp_pcap.explain.model import Finding, Verdict

ENTRY: Final = finding_entry(
    "parent-not-intercepting",
    "advice",
    "The parent only tunnels: the child sees the origins' certificates, so OCSP belongs on the child.",
    "Enable OCSP on {inner_off}, or intercept TLS on the parent and enable it there.",
    "OCSP is done where the certificates are seen: {inner_on} asks. Intercept TLS on the parent only if it "
    "is to be done there instead.",
    "Make sure that the child's queries can reach the responders, directly or through the parent.",
)


def find(view: View) -> Iterator[Finding]:
    """Say so of each host that hands on every connection that it was seen to make."""
    case = view.case
    verdicts_of: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in view.verdicts:
        verdicts_of[case.identity(verdict.validator.address)].append(verdict)
    for host in case.hosts.values():
        own = verdicts_of.get(host.identity, [])
        tunnelled = [v for v in own if v.cause == "not-intercepted" and v.confidence in FIRM]
        # Also what the certificates do not tell, or was not asked for, may be intercepted.
        opened = any(case.hellos.inner_leg(visit) is None for visit in host.visits)
        if not tunnelled or opened or host.role not in ("parent", "unknown"):
            continue
        inner = (other for other in case.hosts.values() if other is not host and other.exchanges)
        asking = next((other.exchanges[0].client for other in inner), None)
        yield finding(
            ENTRY,
            f"{who(tunnelled[0]).capitalize()} only tunnels TLS in the captures ({hosts_of(tunnelled)}): the "
            "proxy or client before it sees the origins' certificates, so that is where OCSP belongs.",
            evidence_of(tunnelled[:4]),
            validator=tunnelled[0].validator.address,
            inner_on=asking,
            inner_off="the child" if asking is None else None,
        )
