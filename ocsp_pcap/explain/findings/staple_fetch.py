"""``staple-fetch``: a server asks about its own certificate, to staple the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import View, finding
from ocsp_pcap.explain.model import Finding
from ocsp_pcap.explain.visits import evidence_in

ENTRY: Final = finding_entry(
    "staple-fetch",
    "info",
    "A server asks about its own certificate, to staple the answer.",
    "Do not count these queries as a proxy's: whoever receives the staple need not ask.",
)


def find(view: View) -> Iterator[Finding]:
    """Say so for each host with queries about a certificate that it presents itself."""
    for host in view.case.hosts.values():
        fetches = [
            exchange
            for exchange in host.staple_fetches
            if any(
                view.about(certificate)
                for visit in view.case.visits
                for certificate in view.case.chain(visit.handshake)[:1]
                if any(cert_id.serial == certificate.serial for cert_id in exchange.requests)
            )
        ]
        if not fetches:
            continue
        number = "1 query" if len(fetches) == 1 else f"{len(fetches)} queries"
        yield finding(
            ENTRY,
            f"{fetches[0].client} asks about its own certificate ({number}), as a server does that staples.",
            [
                evidence_in(exchange, "OCSP query of a server about its own certificate")
                for exchange in fetches
            ],
        )
