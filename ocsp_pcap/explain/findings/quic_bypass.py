"""``quic-bypass``: connections pass the proxies as QUIC, and nothing there sees their certificates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import View, finding
from ocsp_pcap.explain.hidden import is_quic, past_a_proxy
from ocsp_pcap.explain.model import Finding
from ocsp_pcap.explain.phrases import first_of

ENTRY: Final = finding_entry(
    "quic-bypass",
    "advice",
    "Connections pass the proxies as QUIC: no proxy sees, or checks, their certificates.",
    "Block UDP port 443 towards the Internet, so that clients fall back to TCP and to the proxy.",
    "Or switch QUIC off in the browsers by policy.",
)
MAX_NAMED: Final = 3


def find(view: View) -> Iterator[Finding]:
    """Say so where a host that is no proxy speaks QUIC past those that are."""
    past = [
        visit
        for visit in view.visits
        if is_quic(visit.handshake) and visit.handshake.version and past_a_proxy(view.case, visit.handshake)
    ]
    if not past:
        return
    names = list(dict.fromkeys(visit.host or visit.handshake.server for visit in past))
    number = "1 connection goes" if len(past) == 1 else f"{len(past)} connections go"
    yield finding(
        ENTRY,
        f"{number} past the proxies as QUIC: {first_of(names, MAX_NAMED)}. What is "
        "validated there, the clients validate.",
        [visit.evidence("QUIC past the proxies") for visit in past],
    )
