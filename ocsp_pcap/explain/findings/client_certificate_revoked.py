"""``client-certificate-revoked``: a client presented a certificate that a response calls revoked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import View, finding, who
from ocsp_pcap.explain.model import Finding
from ocsp_pcap.explain.stapling import PROVE_NOTHING

ENTRY: Final = finding_entry(
    "client-certificate-revoked",
    "problem",
    "A client presented a certificate that a response calls revoked.",
    "Find out who still uses the certificate of {host}, and replace it.",
    "Make sure that {validator} refuses it: see whether the handshake was finished.",
)


def find(view: View) -> Iterator[Finding]:
    """Say so for each client's certificate whose newest answer is revoked, but for one that is not valid."""
    for verdict in view.verdicts:
        if verdict.presented_by != "client" or verdict.status != "revoked":
            continue
        said = [each for each in verdict.sightings if each.status == "revoked"]
        if all(each.cause in PROVE_NOTHING for each in said):
            continue
        yield finding(
            ENTRY,
            f"The client certificate of {verdict.host or 'an unnamed client'}, presented to {who(verdict)}, "
            "is revoked.",
            verdict.evidence,
            host=verdict.host,
            validator=verdict.validator.address,
        )
