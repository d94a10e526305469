"""``unexplained``: nothing in the capture decides between the remaining causes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.chances_to_ask import answers_last
from ocsp_pcap.explain.entries import DECIDE, cause
from ocsp_pcap.explain.grounds.claim import Claim
from ocsp_pcap.explain.grounds.messages import REVOCATION_ALERTS, contradiction
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.saying import said_in_site

ENTRY: Final = cause(
    "unexplained",
    "absent",
    "Eligible, and nothing in the capture decides between the remaining causes.",
    (
        "was not asked about (the packets do not tell why)",
        "were not asked about (the packets do not tell why)",
        "may not have been asked about (the packets do not tell why)",
    ),
    (),
    "Start a new capture on {validator} with no capture filter, before its OCSP cache and TLS "
    "sessions are filled, and open one new connection to {host}.",
    "Give ocsp-pcap the site file (is OCSP enabled, cache TTL) and, for ProxySG, a policy trace.",
    "Look in the configuration of {validator} whether revocation checking applies to {host}.",
    DECIDE,
    only=lambda of: of.shown,
)


def claims(question: Question) -> Iterator[Claim]:
    """Say that nothing explains why nobody asked; what is possible stands beside it."""
    certificate = question.certificate
    assert certificate is not None
    responders = question.responders
    refusal = _refusal(question)
    if refusal is not None:
        words = (
            f"{question.who} refused the certificate for its revocation status (alert {refusal}), without a "
            "query in the capture"
        )
    elif responders:
        words = (
            f"{question.who} could have asked {responders[0][2]}; no such query is in the capture, and "
            "nothing there says why"
        )
    elif certificate.parse_error:
        words = (
            f"the certificate cannot be read ({certificate.parse_error}), nor whether it names a responder"
        )
    else:
        words = "nothing in the capture explains why no query was sent"
    evidence = [question.visit.evidence(f"certificate of {question.host}")]
    signs = contradiction(question)
    for sign in signs:
        words += f"; {sign.why}, so that the two contradict each other"
        evidence += [*said_in_site(question, "ocsp"), *sign.evidence]
    yield Claim(
        ENTRY.code,
        words,
        tuple(evidence),
        signs=signs,
        telling=0,
        at_most="possible",
        responder=responders[0][2] if responders else None,
        longer=answers_last(question),
    )


def _refusal(question: Question) -> str | None:
    """Return the alert by which the validator itself says that revocation is why it refused."""
    judge = "client" if question.presented_by == "server" else "server"
    return next(
        (
            alert.description
            for alert in question.visit.handshake.alerts
            if alert.sender == judge and alert.description in REVOCATION_ALERTS
        ),
        None,
    )
