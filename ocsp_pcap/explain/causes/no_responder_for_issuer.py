"""``no-responder-for-issuer``: the responders that are set up on the validator do not cover this issuer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim
from ocsp_pcap.explain.grounds.kinds import InView, Received, Silence, Told
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.saying import said_in_site, source_of

ENTRY: Final = cause(
    "no-responder-for-issuer",
    "absent",
    "The responders configured on the validator do not cover this issuer.",
    (
        "has an issuer without a configured responder",
        "have issuers without a configured responder",
        "may have an issuer without a configured responder",
    ),
    ((Told, Received, Silence, InView),),
    "Add a responder for the issuer of {host} on {validator}, or let it use the URL in the certificate.",
    "If only some issuers shall be checked there, nothing is wrong.",
    only=lambda of: of.shown and of.in_site and not of.asked_now,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that the site file's responders cover other issuers only."""
    certificate, proxy = question.certificate, question.proxy
    assert certificate is not None
    assert proxy is not None
    if proxy.ocsp is False or not (question.eligible or proxy.responder_url) or proxy.covers(certificate):
        return
    yield Claim(
        ENTRY.code,
        f"the responders of {question.who} cover {', '.join(proxy.issuers[:3])}, says the site file, and not "
        f"{certificate.issuer}",
        (
            *said_in_site(question, "issuers"),
            question.visit.evidence(f"certificate issued by {certificate.issuer}"),
        ),
        (
            Told(source_of(proxy, "issuers")),
            Received(question.visit),
            Silence(question.visit.time),
            InView(),
        ),
    )
