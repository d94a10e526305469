"""``no-ocsp-url``: the certificate names no responder (RFC 5280 4.2.2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import Genuine, Read, Received
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.responders import host_and_port, responder_hosts

ENTRY: Final = cause(
    "no-ocsp-url",
    "absent",
    "The certificate names no responder.",
    ("names no responder", "name no responder", "may name no responder"),
    ((Read, Received, Genuine),),
    "Nothing can be asked: revocation of this certificate is published by CRL only, if at all.",
    "If policy demands revocation checks, enable CRL checking on {validator}.",
    "To test OCSP, use a host whose certificate names a responder (see the OCSP URL under Authority"
    " Information Access).",
    check="needless",
    only=lambda of: of.shown and not of.eligible,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that there is nobody to ask."""
    certificate = question.certificate
    assert certificate is not None
    if certificate.parse_error:
        return
    crl = "; it names a CRL" if certificate.crl_urls else ""
    useless = f" that can be asked over HTTP ({certificate.ocsp_urls[0]})" if certificate.ocsp_urls else ""
    yield Claim(
        ENTRY.code,
        f"the certificate names no OCSP responder{useless}, so there is nobody to ask{crl}",
        (question.visit.evidence("certificate without an OCSP URL in its authorityInfoAccess"),),
        (Read(question.visit.handshake), Received(question.visit), Genuine(certificate)),
        tuple(_signs(question)),
    )


def _signs(question: Question) -> Iterator[Standing]:
    """A responder that no certificate names may be asked for all of them."""
    proxy, asker = question.proxy, question.asker
    if proxy is not None and proxy.responder_url is not None:
        yield Standing("other-place", f"the site file says that {proxy.responder_url} is asked instead")
        return
    if asker.exchanges and (responder := question.case.once(_responder_set_up, asker)) is not None:
        yield Standing(
            "other-place",
            f"it asks {responder}, which no certificate that it received names: a responder that is set "
            "up there may be asked for this one, too",
        )


def _responder_set_up(case: Case, asker: Host) -> str | None:
    """Return a responder that a host asks and none of the certificates that it received names."""
    known = case.facts.certificates
    named = {host for sha256 in asker.received for host, _, _ in responder_hosts(known[sha256].ocsp_urls)}
    asked = (host_and_port(exchange.url) for exchange in asker.exchanges if exchange.requests)
    return next((target[0] for target in asked if target is not None and target[0] not in named), None)
