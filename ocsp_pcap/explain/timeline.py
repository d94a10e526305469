"""The acts of each validator over time, a lane a certificate: handshakes, queries, how long answers cover.

So that one sees why nothing was sent: a handshake under the bar of an earlier answer needs no query.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.cause_phrases import cause_rank
from ocsp_pcap.explain.model import Cover, Event, EventKind, Lane, Status, Timeline, Verdict
from ocsp_pcap.explain.phrases import common_name
from ocsp_pcap.explain.staples import staple_state
from ocsp_pcap.explain.stapling import staple_problem
from ocsp_pcap.explain.visits import Query, Visit
from ocsp_pcap.explain.windows import BASIS_WORDS
from ocsp_pcap.facts import CertificateFact

MOST_VALIDATORS: Final = 12
MOST_LANES: Final = 20
MOST_EVENTS: Final = 200
"""Of one lane."""


def timelines(case: Case, verdicts: Sequence[Verdict]) -> tuple[Timeline, ...]:
    """Return a timeline for each validator of some verdicts, those that asked first."""
    by_host: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.chain_role == "leaf" or verdict.presence in ("present", "attempted"):
            by_host[case.identity(verdict.validator.address)].append(verdict)
    asking = {identity for identity, host in case.hosts.items() if host.exchanges}
    ranked = sorted(by_host.items(), key=lambda item: (item[0] not in asking, -len(item[1])))
    return tuple(_timeline(case, identity, rows) for identity, rows in ranked[:MOST_VALIDATORS])


def _timeline(case: Case, identity: str, verdicts: list[Verdict]) -> Timeline:
    verdicts = sorted(
        verdicts, key=lambda verdict: (verdict.presence != "present", cause_rank(verdict.cause))
    )
    lanes = sorted(
        (_lane(case, identity, verdict) for verdict in verdicts[:MOST_LANES]),
        key=lambda lane: lane.events[0].time if lane.events else 0,
    )
    times = [event.time for lane in lanes for event in lane.events]
    return Timeline(
        verdicts[0].validator,
        min(times, default=0),
        max(times, default=0),
        tuple(lanes),
        max(len(verdicts) - MOST_LANES, 0),
    )


def _lane(case: Case, identity: str, verdict: Verdict) -> Lane:
    certificate = verdict.certificate
    received = [] if certificate is None else case.hosts[identity].received.get(certificate.sha256, [])
    stapled = {(visit.handshake.capture, visit.handshake.stream): visit for visit in received}
    events = [
        Event(
            case.clock(sighting.capture, sighting.time),
            _kind_of(case, certificate, stapled.get((sighting.capture, sighting.stream))),
            sighting.capture,
            sighting.frame,
            f"TLS handshake: {sighting.cause} ({sighting.confidence})",
        )
        for sighting in verdict.sightings[:MOST_EVENTS]
    ]
    covers: list[Cover] = []
    if certificate is not None:
        proxy = case.proxy(verdict.validator.address)
        for query in case.hosts[identity].queries.get(certificate.sha256, [])[:MOST_EVENTS]:
            events.append(_asked(query))
            window = case.window(query, proxy)
            if window is not None:
                until = f"answer held until {BASIS_WORDS[window.basis]}"
                covers.append(Cover(query.answer_time, window.end, until, _status(query)))
        for visit in received[:MOST_EVENTS]:
            staple = case.staple_for(visit, certificate)
            if (
                staple is not None
                and staple[1].next_update is not None
                and staple_problem(staple[0], staple[1], visit.handshake.time) is None
            ):
                until = "staple valid until its nextUpdate"
                covers.append(Cover(visit.time, staple[1].next_update, until, staple[1].status))
    events.sort(key=lambda event: event.time)
    name = verdict.host or (certificate.subject if certificate else "no name")
    if verdict.chain_role == "intermediate" and certificate is not None:
        name = common_name(certificate.subject)
    return Lane(name, certificate.sha256 if certificate else None, tuple(events), tuple(covers))


def _kind_of(case: Case, certificate: CertificateFact | None, visit: Visit | None) -> EventKind:
    """Return what a handshake brought: no staple, one that says good, one that does not, an unusable one."""
    if visit is None or certificate is None or not visit.handshake.staples:
        return "handshake"
    if visit.handshake.certificates[:1] != (certificate.sha256,):
        return "handshake"
    trouble, _, status = case.once(staple_state, visit)
    if trouble is not None or status == "unknown":
        return "staple-unusable"
    return "staple-revoked" if status == "revoked" else "staple"


def _status(query: Query) -> Status:
    """Return what the answer says, or the one that it says is still good."""
    return query.single.status if query.single is not None else "good"


def _asked(query: Query) -> Event:
    exchange = query.exchange
    if query.usable:
        status = _status(query)
        words = status.upper() if status == "revoked" else status
        kind: EventKind = "query" if status == "good" else status
        return Event(query.time, kind, exchange.capture, query.frame, f"OCSP request, answered {words}")
    if not query.failed:
        return Event(query.time, "query", exchange.capture, query.frame, "OCSP request, answered HTTP 304")
    came = "no answer" if exchange.frames.response is None else "no usable answer"
    return Event(query.time, "failed", exchange.capture, query.frame, f"OCSP request, {came}")
