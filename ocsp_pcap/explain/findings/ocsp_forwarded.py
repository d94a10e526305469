"""``ocsp-forwarded``: queries travel through a forwarding host: look for them there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import View, finding
from ocsp_pcap.explain.model import Finding
from ocsp_pcap.explain.responders import host_and_port
from ocsp_pcap.explain.visits import evidence_in
from ocsp_pcap.facts import OcspExchangeFact

ENTRY: Final = finding_entry(
    "ocsp-forwarded",
    "advice",
    "OCSP queries travel through a forwarding host.",
    "Make sure that the forwarding host lets requests to responders pass without authentication or "
    "filtering.",
    "Look for the queries in a capture of the forwarding host's outer side.",
)


def find(view: View) -> Iterator[Finding]:
    """Say so for each route that queries take through another host than the responder."""
    by_route: dict[tuple[str, str, int], list[OcspExchangeFact]] = defaultdict(list)
    for exchange in view.case.exchanges:
        if exchange.via_proxy and _about(view, exchange) and not view.case.askers.credit(exchange).relayed:
            by_route[exchange.client, exchange.server, exchange.server_port].append(exchange)
    for (client, server, port), forwarded in by_route.items():
        if not _another_host(view, server, port, forwarded):
            continue
        last = forwarded[-1]
        yield finding(
            ENTRY,
            f"{client} sends OCSP queries ({len(forwarded)}) through the forwarding host {server} port "
            f"{port}, not to the responders directly.",
            [
                evidence_in(exchange, f"OCSP request for {exchange.url} sent to {server} port {port}")
                for exchange in forwarded
            ],
            validator=client,
            **view.case.places.reference(last.capture, last.frames.request, last.stream),
        )


def _about(view: View, exchange: OcspExchangeFact) -> bool:
    """It asks about a host that was asked for, as far as its certificates are known."""
    meant = view.case.askers.certificates_meant(exchange)
    return any(map(view.about, meant)) if meant else view.wanted(None)


def _another_host(view: View, server: str, port: int, forwarded: list[OcspExchangeFact]) -> bool:
    """The absolute form (RFC 9112 3.2.2) went to another host than the one that it names.

    It may be sent to the responder itself, too: then DNS gave that address for the name, or neither port nor
    name tells the two apart.
    """
    case = view.case
    targets = {target for exchange in forwarded if (target := host_and_port(exchange.url)) is not None}
    if any(
        server == name or server in host.addresses_of(name)
        for host in case.hosts.values()
        for name, _ in targets
    ):
        return False
    given = any(proxy.forwarding_host == f"{server}:{port}" for proxy in case.site.proxies)
    known_proxy = case.roles.role(server) in ("child", "parent") or case.site.proxy_at(server) is not None
    return (
        given
        or known_proxy
        or len({name for name, _ in targets}) > 1
        or any(own != port for _, own in targets)
    )
