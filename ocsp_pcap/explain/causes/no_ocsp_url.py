"""``no-ocsp-url``: the certificate names no responder (RFC 5280 4.2.2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import Genuine, Read, Received
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
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that there is nobody to ask."""
    certificate = question.certificate
    if certificate is None or question.eligible or certificate.parse_error:
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
    if not asker.exchanges:
        return
    named = question.case.once(_responders_named).get(asker.identity, set())
    for exchange in asker.exchanges:
        target = host_and_port(exchange.url)
        if target is not None and exchange.requests and target[0] not in named:
            yield Standing(
                "other-place",
                f"it asks {target[0]}, which no certificate that it received names: a responder that is set "
                "up there may be asked for this one, too",
            )
            return


def _responders_named(case: Case) -> dict[str, set[str]]:
    """Return, by host that asked something, the responders that the certificates it received name."""
    return {
        identity: {
            responder
            for sha256 in host.received
            for responder, _, _ in responder_hosts(case.facts.certificates[sha256].ocsp_urls)
        }
        for identity, host in case.hosts.items()
        if host.exchanges
    }
