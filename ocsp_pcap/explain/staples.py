"""The fate of stapling, a row for each validator and host (RFC 6066 8, RFC 8446 4.4.2.1).

Asked for, sent, good until when, stale since when, refused: what an engineer asks of a server whose staples
come and go. A handshake that a host only relays counts for the one that it is relayed for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Final

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.matching import match_cert_id
from ocsp_pcap.explain.model import Evidence, StapleRow, Status
from ocsp_pcap.explain.stapling import refused_staple, staple_problem
from ocsp_pcap.explain.visits import Visit

MOST_EVIDENCE: Final = 3
"""Of one row."""


def staple_rows(case: Case, wanted: Callable[[str | None], bool] = lambda _: True) -> tuple[StapleRow, ...]:
    """Return a row for each validator and host, what went wrong first; ``wanted`` chooses the hosts."""
    groups: dict[tuple[str, str | None], list[Visit]] = defaultdict(list)
    for visit in case.visits:
        host = visit.host.lower() if visit.host else None
        if case.hellos.outer_leg(visit) is None and wanted(host):
            groups[case.identity(visit.handshake.client), host].append(visit)
    rows = (_row(case, host, visits) for (_, host), visits in groups.items())
    return tuple(sorted(rows, key=_order))


def _order(row: StapleRow) -> tuple[bool, bool, bool, bool, str, str]:
    return (
        not row.refused,
        row.problem is None,
        not row.sent,
        not row.requested,
        row.validator.address,
        row.host or "~",
    )


def _row(case: Case, host: str | None, visits: list[Visit]) -> StapleRow:
    sent = fresh = unseen = 0
    fresh_until = fresh_for = stale_since = problem = None
    evidence: list[Evidence] = []
    refused = [visit for visit in visits if refused_staple(visit.handshake)]
    for visit in refused:
        alert = next(a for a in visit.handshake.alerts if a.description == "bad_certificate_status_response")
        evidence.append(visit.evidence("alert bad_certificate_status_response", alert.frame))
    for visit in visits:
        handshake = visit.handshake
        if not handshake.staples:
            unseen += _may_be_hidden(visit)
            continue
        sent += 1
        trouble, until, _ = case.once(staple_state, visit)
        note = f"stapled OCSP response: {trouble}" if trouble else "stapled OCSP response"
        evidence.append(visit.evidence(note, handshake.frames.certificate_status))
        if trouble is None:
            fresh += 1
            fresh_until, fresh_for = until, until - handshake.time if until is not None else None
        else:
            problem = trouble
            if until is not None and until < handshake.time:
                stale_since = until
    if not evidence:
        evidence.append(visits[0].evidence("TLS handshake in which no staple is to be seen"))
    return StapleRow(
        validator=case.validator(visits[0].handshake.client),
        host=host,
        handshakes=len(visits),
        requested=sum(visit.handshake.status_request for visit in visits),
        request_unseen=sum(_request_unseen(visit) for visit in visits),
        sent=sent,
        unseen=unseen,
        fresh=fresh,
        fresh_until=fresh_until,
        fresh_for=fresh_for,
        stale_since=stale_since,
        problem=problem,
        refused=len(refused),
        evidence=tuple(evidence[:MOST_EVIDENCE]),
    )


def _request_unseen(visit: Visit) -> bool:
    """The hello shows no request for a staple, and is not whole, or may be the outer one only."""
    handshake = visit.handshake
    whole = handshake.frames.client_hello is not None and not handshake.client_hello_cut
    return not handshake.status_request and (not whole or handshake.encrypted_client_hello)


def _may_be_hidden(visit: Visit) -> bool:
    """No staple is to be seen, and there may be one: encrypted, or among bytes that are missing."""
    handshake = visit.handshake
    return not handshake.resumed and (
        visit.hides_certificate or handshake.certificate_encrypted or handshake.missing_bytes > 0
    )


def staple_state(case: Case, visit: Visit) -> tuple[str | None, int | None, Status | None]:
    """Return what is wrong with the staple of a leaf (None: nothing), its nextUpdate and its status."""
    handshake = visit.handshake
    chain = case.chain(handshake)
    if not chain:
        return "the certificate that it is for is not to be seen", None, None
    found = case.staple_for(visit, chain[0])
    if found is not None:
        response, single, _ = found
        return staple_problem(response, single, handshake.time), single.next_update, single.status
    singles = [single for response in handshake.staples for single in response.singles]
    if any(match_cert_id(certificate, single) for certificate in chain[1:] for single in singles):
        return "it is about an intermediate only", None, None
    return staple_problem(handshake.staples[0], None, handshake.time), None, None
