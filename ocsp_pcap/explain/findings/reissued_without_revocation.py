"""``reissued-without-revocation``: clients give up on reissued certificates without OCSP and CRL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import FIRM, View, finding
from ocsp_pcap.explain.model import Evidence, Finding, Verdict
from ocsp_pcap.explain.phrases import first_of
from ocsp_pcap.explain.visits import Visit

ENTRY: Final = finding_entry(
    "reissued-without-revocation",
    "advice",
    "Clients give up on reissued certificates that name neither OCSP nor CRL.",
    "Look at what the client says: software that insists on a revocation check (Java's “could not determine "
    "revocation status”, Schannel's “revocation server offline”) cannot make one here.",
    "Let the intercepting proxy write a CRL address into what it reissues, if it can, and serve that CRL.",
    "Or exempt those clients or hosts from interception, or their software from the check.",
)
GIVES_UP: Final = frozenset(
    {"certificate_unknown", "bad_certificate", "certificate_revoked", "handshake_failure"}
)
"""Alerts with which validators end a handshake over revocation; ``unknown_ca`` tells of trust instead."""


def find(view: View) -> Iterator[Finding]:
    """Say so where the receiver of such a certificate ended the handshake with a fatal alert."""
    given_up: list[tuple[Verdict, Visit, int]] = []
    case = view.case
    alerts = {
        place: (visit, frame)
        for place, visit in case.by_stream.items()
        if visit.handshake.alerts and (frame := _alert(visit)) is not None
    }
    alerted = {case.identity(visit.handshake.client) for visit, _ in alerts.values()}
    for verdict in view.verdicts if alerts else ():
        certificate = verdict.certificate
        if certificate is None or certificate.ocsp_urls or certificate.crl_urls or certificate.is_ca:
            continue
        if verdict.cause != "reissued-certificate" or verdict.confidence not in FIRM:
            continue
        if case.identity(verdict.validator.address) not in alerted:
            continue
        found = (alerts.get((sighting.capture, sighting.stream)) for sighting in verdict.sightings)
        if first := next(filter(None, found), None):
            given_up.append((verdict, *first))
    if not given_up:
        return
    hosts = list(dict.fromkeys(verdict.host or "an unnamed host" for verdict, _, _ in given_up))
    clients = list(dict.fromkeys(verdict.validator.address for verdict, _, _ in given_up))
    yield finding(
        ENTRY,
        f"{', '.join(clients[:3])} ended the handshake over a reissued certificate that names neither "
        f"OCSP nor CRL ({first_of(hosts)}): software that insists on a revocation check cannot "
        "make one.",
        _evidence(given_up),
    )


def _alert(visit: Visit) -> int | None:
    """Return the frame of the alert with which the client gave up."""
    return next(
        (
            alert.frame
            for alert in visit.handshake.alerts
            if alert.sender == "client" and alert.level == "fatal" and alert.description in GIVES_UP
        ),
        None,
    )


def _evidence(given_up: list[tuple[Verdict, Visit, int]]) -> Iterator[Evidence]:
    for _, visit, frame in given_up[:3]:
        yield visit.evidence("reissued certificate without OCSP or CRL address")
        yield visit.evidence("fatal alert of the client", frame)
