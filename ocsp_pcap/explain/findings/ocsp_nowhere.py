"""``ocsp-nowhere``: no proxy of the chain asks, although certificates name responders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import FIRM, View, evidence_of, finding, hosts_of
from ocsp_pcap.explain.model import Finding
from ocsp_pcap.explain.saying import said_of
from ocsp_pcap.facts import OcspExchangeFact

ENTRY: Final = finding_entry(
    "ocsp-nowhere",
    "problem",
    "No proxy of the chain asks OCSP, although certificates were eligible.",
    "Enable OCSP on the proxy nearest the Internet that intercepts TLS.",
    "Make sure that the captures cover its outer side, with TCP port 80.",
)


def find(view: View) -> Iterator[Finding]:
    """Say so where child and parent are in sight, and neither packets nor site file nor trace show OCSP."""
    case = view.case
    roles = {verdict.validator.role for verdict in view.verdicts}
    if not {"child", "parent"} <= roles or any(
        _may_be_a_proxys(view, exchange) for exchange in case.exchanges
    ):
        return
    if any(verdict.presence == "attempted" for verdict in view.verdicts):
        return
    if view.ocsp_shown_at("child") or view.ocsp_shown_at("parent"):
        return
    off = [line for proxy in case.site.proxies if proxy.ocsp is False for line in said_of(proxy, "ocsp")]
    eligible = [v for v in view.verdicts if v.cause in ("ocsp-disabled", "unexplained") and v.certificate]
    firm = [verdict for verdict in eligible if verdict.confidence in FIRM]
    if not eligible or (not firm and len(off) < 2):
        return
    yield finding(
        ENTRY,
        f"No proxy of the chain asks a responder, although certificates name one ({hosts_of(eligible)}).",
        [*off, *evidence_of(eligible[:4])],
    )


def _may_be_a_proxys(view: View, exchange: OcspExchangeFact) -> bool:
    """The question is neither that of a server, for its staple, nor that of a client behind the proxies."""
    credit = view.case.askers.credit(exchange)
    if credit.own_certificate:
        return False
    return credit.asker is None or view.case.roles.role(credit.asker) != "client"
