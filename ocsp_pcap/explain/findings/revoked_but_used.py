"""``revoked-but-used``: the answer said revoked, and the client used the connection all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import View, finding
from ocsp_pcap.explain.model import Evidence, Finding
from ocsp_pcap.explain.visits import Visit
from ocsp_pcap.facts import CertificateFact

ENTRY: Final = finding_entry(
    "revoked-but-used",
    "problem",
    "A response says revoked, and the connection was used all the same.",
    "Treat the connection to {host} as unsafe until it is explained: see frame {frame}.",
    "Make {validator} refuse revoked certificates, and check its exception lists.",
)


def find(view: View) -> Iterator[Finding]:
    """Say so where the client sent application data after it knew, and no newer answer said otherwise."""
    case = view.case
    for verdict in view.verdicts:
        if verdict.certificate is None or verdict.presented_by == "client":
            continue
        received = case.host(verdict.validator.address).received.get(verdict.certificate.sha256, [])
        for visit in received:
            proof = _proof_of_use(view, visit, verdict.certificate)
            if not proof:
                continue
            host, client = verdict.host or visit.handshake.server, verdict.validator.address
            yield finding(
                ENTRY,
                f"The certificate of {host} is revoked, and {client} sent application data over the "
                "connection all the same.",
                proof,
                host=host,
                validator=client,
                **case.places.reference(
                    proof[0].capture, proof[0].frame, proof[0].stream, proof[0].transport
                ),
            )
            break


def _proof_of_use(view: View, visit: Visit, certificate: CertificateFact) -> list[Evidence]:
    """Return the newest answer that was there when the client sent its last data, where that is revoked."""
    case, handshake = view.case, visit.handshake
    if handshake.client_data_last_time is None or case.hellos.inner_leg(visit) is not None:
        return []
    last = case.clock(handshake.capture, handshake.client_data_last_time)
    known: list[tuple[int, int, Evidence, str]] = []
    staple = case.staple_for(visit, certificate)
    if staple is not None and staple[0].signature != "invalid":
        evidence = visit.evidence("staple: revoked", handshake.frames.certificate_status)
        known.append((staple[1].this_update, visit.time, evidence, staple[1].status))
    for query in case.host(handshake.client).queries.get(certificate.sha256, []):
        comparable = case.clocks.comparable(query.exchange.capture, handshake.capture)
        if comparable and query.usable and query.single is not None and query.answer_time <= last:
            evidence = query.evidence("OCSP response: revoked", query.exchange.frames.response)
            known.append((query.single.this_update, query.answer_time, evidence, query.single.status))
    if not known:
        return []
    *_, shown, status = max(known, key=lambda item: item[:2])
    if status != "revoked":
        return []
    used = visit.evidence("application data of the client all the same", handshake.client_data_last_frame)
    return [shown, used]
