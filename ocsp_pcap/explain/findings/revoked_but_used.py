"""``revoked-but-used``: the answer said revoked, and the client used the connection all the same."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import View, finding
from ocsp_pcap.explain.model import Evidence, Finding
from ocsp_pcap.explain.visits import Query, Visit
from ocsp_pcap.facts import CertificateFact, ResponseFact

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
    revoked = set(_said_revoked(case))
    for verdict in view.verdicts:
        if verdict.certificate is None or verdict.presented_by == "client":
            continue
        if verdict.certificate.sha256 not in revoked:
            continue
        for visit in case.host(verdict.validator.address).received.get(verdict.certificate.sha256, ()):
            proof, response = _proof_of_use(view, visit, verdict.certificate)
            if response is None:
                continue
            host, client = verdict.host or visit.handshake.server, verdict.validator.address
            yield finding(
                ENTRY,
                f"The certificate of {host} is revoked{_by_what(response)}, and {client} sent application "
                "data over the connection all the same.",
                proof,
                host=host,
                validator=client,
                **case.places.reference(
                    proof[0].capture, proof[0].frame, proof[0].stream, proof[0].transport
                ),
            )
            break


def _said_revoked(case: Case) -> Iterator[str]:
    """Yield the certificates (SHA-256) that some answer may call revoked, or a staple that came with them."""
    for host in case.hosts.values():
        for sha256, queries in host.queries.items():
            if any(query.single is not None and query.single.status == "revoked" for query in queries):
                yield sha256
    for visit in case.visits:
        handshake = visit.handshake
        for response in handshake.staples:
            if any(single.status == "revoked" for single in response.singles):
                yield from (*handshake.certificates, *handshake.client_certificates)


def _by_what(response: ResponseFact) -> str:
    """Say of an answer whose signature cannot be verified that it alone says so."""
    return "" if response.signature == "valid" else ", says an answer whose signature cannot be verified here"


def _proof_of_use(
    view: View, visit: Visit, certificate: CertificateFact
) -> tuple[list[Evidence], ResponseFact | None]:
    """Return the newest answer that was there when the client sent its last data, where that is revoked."""
    case, handshake = view.case, visit.handshake
    if handshake.client_data_last_time is None or case.hellos.inner_leg(visit) is not None:
        return [], None
    last = case.clock(handshake.capture, handshake.client_data_last_time)
    times, newest = case.once(_newest_answers, handshake.client, certificate.sha256, handshake.capture)
    position = bisect_right(times, last)
    query = newest[position - 1] if position else None
    staple = case.staple_for(visit, certificate)
    if staple is not None and staple[0].signature != "invalid":
        stapled = staple[1]
        if query is None or (stapled.this_update, visit.time) >= _age(query):
            shown = visit.evidence("staple: revoked", handshake.frames.certificate_status)
            return (_used(visit, shown), staple[0]) if stapled.status == "revoked" else ([], None)
    if query is None or query.single is None or query.single.status != "revoked":
        return [], None
    shown = query.evidence("OCSP response: revoked", query.exchange.frames.response)
    return _used(visit, shown), query.exchange.response


def _used(visit: Visit, shown: Evidence) -> list[Evidence]:
    frame = visit.handshake.client_data_last_frame
    return [shown, visit.evidence("application data of the client all the same", frame)]


def _newest_answers(case: Case, address: str, sha256: str, capture: str) -> tuple[list[int], list[Query]]:
    """Return when usable answers about a certificate came, and which one was the newest by then.

    Only those whose times can be compared with the times of a capture.
    """
    usable = [
        query
        for query in case.host(address).queries.get(sha256, [])
        if case.clocks.comparable(query.exchange.capture, capture) and query.usable and query.single
    ]
    usable.sort(key=lambda query: query.answer_time)
    newest = accumulate(usable, _newer)
    return [query.answer_time for query in usable], list(newest)


def _newer(one: Query, other: Query) -> Query:
    return other if _age(other) > _age(one) else one


def _age(query: Query) -> tuple[int, int]:
    return query.single.this_update if query.single is not None else 0, query.answer_time
