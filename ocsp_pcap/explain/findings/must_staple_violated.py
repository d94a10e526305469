"""``must-staple-violated``: the certificate demands a staple (RFC 7633), and no usable one came."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import View, finding
from ocsp_pcap.explain.grounds.kinds import Held
from ocsp_pcap.explain.grounds.messages import validity_clock
from ocsp_pcap.explain.model import Finding
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.stapling import refused_staple, staple_problem
from ocsp_pcap.explain.visits import Visit
from ocsp_pcap.facts import SingleFact

ENTRY: Final = finding_entry(
    "must-staple-violated",
    "problem",
    "The certificate demands a staple (TLS feature status_request), and the server sent none.",
    "Ask whoever runs {host} to enable OCSP stapling, or to reissue the certificate without must-staple.",
    "Check that {validator} offers status_request; without the offer no server may staple.",
)


def find(view: View) -> Iterator[Finding]:
    """Say so once for each validator and certificate; a client that refused for it is the strongest proof."""
    case = view.case
    said: set[tuple[str, str]] = set()
    demanded = [
        (chain[0], visit)
        for visit in view.visits
        if (chain := case.chain(visit.handshake)) and chain[0].must_staple and not visit.handshake.resumed
    ]
    for leaf, visit in sorted(demanded, key=lambda each: not refused_staple(each[1].handshake)):
        handshake = visit.handshake
        came = _what_came(view, visit)
        refused = refused_staple(handshake)
        complete = handshake.complete and not handshake.missing_bytes and handshake.status_request
        key = (handshake.client, leaf.sha256)
        if came is None or not (refused or complete) or key in said:
            continue
        said.add(key)
        host = visit.host or handshake.server
        then = f"; {handshake.client} refused the connection for it" if refused else ""
        evidence = [
            visit.evidence("ClientHello with status_request", handshake.frames.client_hello),
            visit.evidence(f"must-staple certificate: {came}", handshake.frames.certificate_status),
        ]
        if refused:
            alert = next(a for a in handshake.alerts if a.description == "bad_certificate_status_response")
            evidence.append(visit.evidence("alert bad_certificate_status_response", alert.frame))
        yield finding(
            ENTRY,
            f"The certificate of {host} demands a staple (TLS feature status_request), {handshake.client} "
            f"offered to take one, and {came}{then}.",
            evidence,
            host=host,
            validator=handshake.client,
            **case.places.reference(handshake.capture, visit.frame, handshake.stream, handshake.transport),
        )


def _what_came(view: View, visit: Visit) -> str | None:
    """Say what came instead of a usable staple; None: one came."""
    handshake = visit.handshake
    if not handshake.staples:
        return "the server sent none"
    certificate = view.case.chain(handshake)[0]
    found = view.case.staple_for(visit, certificate)
    response, single = (found[0], found[1]) if found is not None else (handshake.staples[0], None)
    problem = staple_problem(response, single, handshake.time)
    if problem is None:
        return None
    if single is not None and response.signature != "invalid" and _by_clock(view, visit, single):
        return None
    return f"the server's proves nothing: {problem}"


def _by_clock(view: View, visit: Visit, single: SingleFact) -> bool:
    """The time that is against a staple is that of the capture's clock, which may be wrong by as much."""
    handshake = visit.handshake
    held = Held(single, handshake.capture, handshake.time, single.next_update, refuted=True)
    question = Question(view.case, visit, view.case.chain(handshake)[0])
    return not refused_staple(handshake) and any(True for _ in validity_clock(question, held))
