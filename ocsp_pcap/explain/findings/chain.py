"""Findings about where in the chain OCSP is done, and where it would have to be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import get_args

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.findings.common import evidence_of, finding, hosts_of, of_role, site_says, who
from ocsp_pcap.explain.model import Evidence, Finding, Verdict
from ocsp_pcap.explain.site import ProxyRole
from ocsp_pcap.facts import OcspExchangeFact

ASKING = ("present", "attempted")
FIRM = ("confirmed", "likely")


def ocsp_on_wrong_proxy(case: Case, verdicts: Sequence[Verdict]) -> Iterator[Finding]:
    """OCSP is on at the child, which sees reissued certificates only, and off where they are real."""
    child_on, parent_off = site_says(case, "child", ocsp=True), site_says(case, "parent", ocsp=False)
    reissued = [
        verdict
        for verdict in verdicts
        if verdict.cause == "reissued-certificate"
        and verdict.confidence in FIRM
        and verdict.validator.role in ("child", "unknown")
    ]
    parent = of_role(verdicts, "parent")
    if any(verdict.presence in ASKING for verdict in parent) or not reissued:
        return
    unasked = [verdict for verdict in parent if verdict.cause in ("ocsp-disabled", "unexplained")]
    child = reissued[0].validator.address
    if child_on is not None and (parent_off is not None or unasked or not parent):
        pass
    elif not (child_on is None and case.site.proxy("child") is None and unasked):
        return
    hosts = hosts_of(reissued)
    if child_on is not None:
        sees = f"OCSP is on at {who(reissued[0])}, which sees only reissued certificates ({hosts})"
    else:
        sees = (
            f"if OCSP is on at {who(reissued[0])}, it is on the wrong proxy: only certificates reissued "
            f"upstream are seen there ({hosts})"
        )
    if parent_off is not None:
        rest = "OCSP is off at the parent, the proxy that sees the real ones"
    elif unasked:
        rest = f"{who(unasked[0])} sees the real ones and sends no query"
    else:
        rest = "it has to be on at the proxy that sees the real ones"
    said = [line for line in (child_on, parent_off) if line is not None]
    yield finding(
        "ocsp-on-wrong-proxy",
        f"{sees[:1].upper()}{sees[1:]}; {rest}.",
        [*said, *evidence_of(reissued[:3]), *evidence_of(unasked[:3])],
        "problem" if child_on is not None else "advice",
        validator=child if child_on is not None else None,
    )


def ocsp_at_egress(_: Case, verdicts: Sequence[Verdict]) -> Iterator[Finding]:
    """The parent, which sees the real certificates, asks: best practice."""
    asking = [v for v in of_role(verdicts, "parent") if v.presence == "present"]
    if asking:
        yield finding(
            "ocsp-at-egress",
            f"OCSP is done where it belongs: {who(asking[0])} sees the origins' certificates and asks "
            f"about them ({hosts_of(asking)}).",
            evidence_of(asking[:4]),
            validator=asking[0].validator.address,
        )


def ocsp_nowhere(case: Case, verdicts: Sequence[Verdict]) -> Iterator[Finding]:
    """No proxy of the chain asks, although certificates named responders."""
    roles = {verdict.validator.role for verdict in verdicts}
    off = [line for line in (site_says(case, role, ocsp=False) for role in get_args(ProxyRole)) if line]
    if not {"child", "parent"} <= roles or case.exchanges:
        return
    child_on = site_says(case, "child", ocsp=True) is not None
    # With OCSP on at the child the trouble is its place; that is another finding.
    if child_on or any(verdict.presence == "attempted" for verdict in verdicts):
        return
    eligible = [v for v in verdicts if v.cause in ("ocsp-disabled", "unexplained") and v.certificate]
    firm = [v for v in eligible if v.confidence in FIRM]
    if not firm and len(off) < 2:
        return
    if eligible:
        yield finding(
            "ocsp-nowhere",
            f"No proxy of the chain asks a responder, although certificates name one ({hosts_of(eligible)}).",
            [*off, *evidence_of(eligible[:4])],
        )


def parent_not_intercepting(_: Case, verdicts: Sequence[Verdict]) -> Iterator[Finding]:
    """The parent only tunnels, so the child sees the origins' certificates."""
    tunnelled = [
        v for v in verdicts if v.cause == "not-intercepted" and v.validator.role in ("parent", "unknown")
    ]
    if tunnelled:
        yield finding(
            "parent-not-intercepting",
            f"{who(tunnelled[0]).capitalize()} only tunnels TLS ({hosts_of(tunnelled)}): the proxy or client "
            "before it sees the origins' certificates, so that is where OCSP belongs.",
            evidence_of(tunnelled[:4]),
            validator=tunnelled[0].validator.address,
        )


def ocsp_forwarded(case: Case, _: Sequence[Verdict]) -> Iterator[Finding]:
    """Queries travel through a forwarding host: look for them there, and let them through there."""
    by_route: dict[tuple[str, str, int], list[OcspExchangeFact]] = defaultdict(list)
    for exchange in case.exchanges:
        if exchange.via_proxy:
            by_route[exchange.client, exchange.server, exchange.server_port].append(exchange)
    for (client, server, port), forwarded in by_route.items():
        last = forwarded[-1]
        yield finding(
            "ocsp-forwarded",
            f"{client} sends its OCSP queries ({len(forwarded)}) through the forwarding host {server} port "
            f"{port}, not to the responders directly.",
            [
                Evidence(
                    exchange.capture,
                    exchange.frames.request or exchange.frames.response,
                    exchange.stream,
                    f"OCSP request for {exchange.url} sent to {server} port {port}",
                )
                for exchange in forwarded
            ],
            validator=client,
            **case.places.reference(last.capture, last.frames.request, last.stream),
        )
