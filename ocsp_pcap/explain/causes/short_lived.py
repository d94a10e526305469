"""``short-lived``: the certificate lives so short that it needs no revocation information."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.authorities import short_lived_lifetime
from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim
from ocsp_pcap.explain.grounds.kinds import Genuine, Read, Received
from ocsp_pcap.explain.lifetimes import DAY
from ocsp_pcap.explain.question import Question

ENTRY: Final = cause(
    "short-lived",
    "absent",
    "Validity is so short that no revocation information is required.",
    ("is short-lived", "are short-lived", "may be exempt as short-lived"),
    ((Read, Received, Genuine),),
    "Nothing is wrong: the certificate expires before revocation would matter.",
    "To test OCSP, use a host with a long-lived certificate that names a responder.",
    check="needless",
    only=lambda of: of.leaf and of.short_lived,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that so short a validity needs no revocation information (Baseline Requirements 1.6.1, 7.1.2)."""
    certificate = question.certificate
    assert certificate is not None
    lifetime = short_lived_lifetime(certificate)
    if lifetime is None or certificate.is_ca:
        return
    words = f"the certificate is valid for {lifetime / DAY:.1f} days only"
    evidence = (question.visit.evidence(f"certificate valid for {lifetime / DAY:.1f} days"),)
    if certificate.ocsp_urls or certificate.crl_urls:
        # It names where to ask, so a validator that checks would: its short life is no proof.
        yield Claim(ENTRY.code, f"{words}, and validators may skip the check", evidence, at_most="possible")
        return
    yield Claim(
        ENTRY.code,
        f"{words}, short-lived ones need no revocation check",
        evidence,
        (Read(question.visit.handshake), Received(question.visit), Genuine(certificate)),
    )
