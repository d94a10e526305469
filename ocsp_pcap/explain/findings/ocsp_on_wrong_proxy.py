"""``ocsp-on-wrong-proxy``: OCSP is on where only reissued certificates are seen, not where they are real."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import FIRM, View, evidence_of, finding, hosts_of, who
from ocsp_pcap.explain.making import (
    behind_proxy,
    given_authority,
    one_issuer_for_all,
    original_visit,
    relayed_to_the_end,
)
from ocsp_pcap.explain.model import Finding, Verdict
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.saying import said_of
from ocsp_pcap.facts import CertificateFact

ENTRY: Final = finding_entry(
    "ocsp-on-wrong-proxy",
    "problem",
    "OCSP is enabled on a proxy that sees only certificates reissued by its upstream proxy.",
    "Enable OCSP on the parent, the proxy that intercepts and reaches the origins.",
    "Switch it off on the child, {validator}: it never sees the certificates of the origins.",
)


def find(view: View) -> Iterator[Finding]:
    """Say that OCSP is on at the child while the proxy that sees the origins is silent."""
    child, parent = view.case.site.proxy("child"), view.case.site.proxy("parent")
    # Whom the site file does not name is not the proxy that it speaks of.
    named = child is not None and child.addresses and not child.more_addresses
    known = ("child",) if named else ("child", "unknown")
    reissued = [
        verdict
        for verdict in view.verdicts
        if verdict.cause == "reissued-certificate"
        and verdict.confidence in FIRM
        and verdict.validator.role in known
    ]
    reissued += _asked_about_reissued(view)
    at_parent = view.of_role("parent")
    asking = any(verdict.presence in ("present", "attempted") for verdict in at_parent)
    if not reissued:
        yield from _perhaps_reissued(view)
        return
    if asking or view.ocsp_shown_at("parent"):
        return
    off = parent is not None and parent.ocsp is False
    on = (child is not None and child.ocsp is True) or view.asks_about(reissued)
    unasked = [verdict for verdict in at_parent if verdict.cause in ("ocsp-disabled", "unexplained")]
    if on:
        if not (off or unasked or not at_parent):
            return
    elif child is not None or not unasked:
        return
    hosts = hosts_of(reissued)
    if on:
        sees = f"OCSP is on at {who(reissued[0])}, which sees only reissued certificates ({hosts})"
    else:
        sees = (
            f"if OCSP is on at {who(reissued[0])}, it is on the wrong proxy: only certificates reissued "
            f"upstream are seen there ({hosts})"
        )
    if off:
        rest = "OCSP is off at the parent, the proxy that sees the real ones"
    elif unasked:
        rest = f"{who(unasked[0])} sees the real ones and sends no query"
    else:
        rest = "it has to be on at the proxy that sees the real ones"
    said = [
        line
        for proxy, key in ((child, "ocsp"), (parent, "ocsp"))
        if proxy is not None and proxy.ocsp is (proxy is child)
        for line in said_of(proxy, key)
    ]
    yield finding(
        ENTRY,
        f"{sees[:1].upper()}{sees[1:]}; {rest}.",
        [*said, *evidence_of(reissued[:3]), *evidence_of(unasked[:3])],
        "problem" if on else "advice",
        validator=reissued[0].validator.address if on else None,
    )


def _perhaps_reissued(view: View) -> Iterator[Finding]:
    """Certificates with a responder that look made upstream, of which one capture alone proves nothing."""
    made = [
        verdict
        for verdict in view.verdicts
        if (verdict.cause == "unexplained" or _asked(verdict))
        and verdict.validator.role in ("child", "unknown")
        and (verdict.chain_role, verdict.presented_by) == ("leaf", "server")
        and verdict.certificate is not None
        and _looks_made(view.case, verdict.validator.address, verdict.certificate)
    ]
    if not made or view.of_role("parent"):
        return
    first, hosts = made[0], hosts_of(made)
    asks = "asks" if any(map(_asked, made)) else "could ask"
    assert first.certificate is not None
    yield finding(
        ENTRY,
        f"{who(first)[:1].upper()}{who(first)[1:]} {asks} about certificates that may be reissued upstream "
        f"({hosts}): all came through a proxy, {first.certificate.issuer} issued them all, and none bears "
        "the timestamps of a public CA. If so, OCSP there tells nothing of the origins, and belongs on the "
        "proxy that sees theirs; its CA in the site file (ca), or a capture of its outer side, decides.",
        evidence_of(made[:3]),
        "advice",
    )


def _asked(verdict: Verdict) -> bool:
    return verdict.presence in ("present", "attempted") and verdict.confidence in FIRM


def _looks_made(case: Case, address: str, certificate: CertificateFact) -> bool:
    visits = case.host(address).received.get(certificate.sha256, ())
    return any(one_issuer_for_all(Question(case, visit, certificate)) for visit in visits)


def _asked_about_reissued(view: View) -> list[Verdict]:
    """Return verdicts about certificates that a proxy made and that name a responder, which was asked."""
    return [
        verdict
        for verdict in view.verdicts
        if _asked(verdict)
        and verdict.validator.role in ("child", "unknown")
        and (verdict.chain_role, verdict.presented_by) == ("leaf", "server")
        and verdict.certificate is not None
        and _handed_on(view.case, verdict.validator.address, verdict.certificate)
    ]


def _handed_on(case: Case, address: str, certificate: CertificateFact) -> bool:
    """Both sides show it: the proxy before this validator received another certificate for the host."""
    for visit in case.host(address).received.get(certificate.sha256, ()):
        question = Question(case, visit, certificate)
        if relayed_to_the_end(question) or original_visit(question) is None:
            continue
        if behind_proxy(question) or given_authority(question) is not None:
            return True
    return False
