"""``crl-fallback``: a CRL was fetched where OCSP failed or was not to be had."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import View, finding
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.model import Evidence, Finding
from ocsp_pcap.explain.question import validator_words
from ocsp_pcap.facts import CertificateFact, CrlFetchFact, SingleFact

ENTRY: Final = finding_entry(
    "crl-fallback",
    "info",
    "A CRL was fetched where OCSP failed or was not to be had.",
    "If OCSP failed first, repair that: a CRL is larger and older.",
    "If the certificate names no responder, nothing is wrong.",
)


def find(view: View) -> Iterator[Finding]:
    """Say so for each CRL that speaks for a certificate about which no answer was at hand."""
    case = view.case
    for host in case.hosts.values():
        fetches = {
            (fetch.url, fetch.issuer): fetch
            for own in reversed(host.fetches.values())
            for fetch in reversed(own)
        }
        said: set[str | None] = set()
        for fetch in fetches.values():
            subjects = [
                certificate
                for certificate in _spoken_for(view, host, fetch)
                if not _answered(view, host, certificate, fetch)
            ]
            if not subjects or fetch.url in said:
                continue
            said.add(fetch.url)
            who = validator_words(case.roles.role(fetch.client), fetch.client)
            names = ", ".join(c.sans[0] if c.sans else c.subject for c in subjects[:3])
            got = "" if fetch.http_status in (200, None) else f", which failed with HTTP {fetch.http_status}"
            yield finding(
                ENTRY,
                f"{who[:1].upper()}{who[1:]} fetched {_named(fetch)}{got}; it speaks for {names}.",
                [
                    Evidence(fetch.capture, frame, fetch.stream, note)
                    for frame, note in (
                        (fetch.frames.request, "CRL requested"),
                        (fetch.frames.response, f"HTTP {fetch.http_status}"),
                    )
                    if frame is not None
                ],
                validator=fetch.client,
                **case.places.reference(fetch.capture, fetch.frames.request, fetch.stream),
            )


def _named(fetch: CrlFetchFact) -> str:
    return f"the CRL {fetch.url}" if fetch.url is not None else f"a CRL of {fetch.issuer}"


def _spoken_for(view: View, host: Host, fetch: CrlFetchFact) -> list[CertificateFact]:
    """Return certificates that the host received before and that name this CRL; none of them named another.

    What it only handed on, it did not receive for itself.
    """
    time = view.case.moment(fetch)
    known = view.case.facts.certificates
    received = [
        known[sha256]
        for sha256, visits in host.received.items()
        if visits[0].time <= time
        and view.about(known[sha256])
        and any(view.case.hellos.inner_leg(visit) is None for visit in visits)
    ]
    naming = [certificate for certificate in received if fetch.url in certificate.crl_urls]
    return naming or [c for c in received if fetch.issuer == c.issuer and not c.crl_urls]


def _answered(view: View, host: Host, certificate: CertificateFact, fetch: CrlFetchFact) -> bool:
    """An OCSP answer about the certificate, or a staple, was there before: then the CRL is no fallback."""
    time = view.case.moment(fetch)
    for visit in host.received.get(certificate.sha256, ()):
        staple = view.case.staple_for(visit, certificate) if visit.time <= time else None
        if staple is not None and staple[0].signature != "invalid" and _fresh(staple[1], fetch.time):
            return True
    queries = host.queries.get(certificate.sha256, ())
    return any(not query.failed and query.answer_time <= time for query in queries)


def _fresh(single: SingleFact, time: int) -> bool:
    return single.next_update is None or single.next_update >= time
