"""``slow-responder``: handshakes wait for responders that answer late or are reached by a detour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.entries import finding_entry
from ocsp_pcap.explain.findings.common import View, finding
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.model import Evidence, Finding
from ocsp_pcap.explain.question import validator_words
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.explain.visits import Query, evidence_in
from ocsp_pcap.facts import TcpAttemptFact

ENTRY: Final = finding_entry(
    "slow-responder",
    "advice",
    "Handshakes wait for responders that answer late, or that are reached only after failed attempts.",
    "Measure the way to {responder} from {validator}: DNS, connection, answer, one by one.",
    "Where IPv6 is tried first and fails, repair IPv6 on {validator}, or keep it from using it.",
    "Let {validator} keep answers until their nextUpdate, so that few handshakes have to wait.",
)
SLOW: Final = SECOND
"""A handshake that waits longer is noticed by people."""
DETOUR: Final = 30 * SECOND
"""Within this time of a failed attempt, a query to the same responder was waiting for it."""
NEEDED: Final = frozenset({"unanswered", "refused", "reset"})


def find(view: View) -> Iterator[Finding]:
    """Say so for each validator, with its slowest answers, and failed attempts before a query that worked."""
    for host in view.case.hosts.values():
        slow = sorted(_slow(view, host), key=lambda query: query.time - query.answer_time)
        detours = list(_detours(view, host))
        if not slow and not detours:
            continue
        first = slow[0] if slow else detours[0][1]
        words = [_slow_words(slow)] if slow else []
        if detours:
            words.append(_detour_words(view, *detours[0]))
        role = validator_words(host.role, first.exchange.client)
        names = [name for name, _, _ in responder_hosts((first.exchange.url,) if first.exchange.url else ())]
        evidence = [item for query in slow[:3] for item in _waiting(query)]
        evidence += [item for pair in detours[:3] for item in _detour(*pair)]
        yield finding(
            ENTRY,
            f"{role[:1].upper()}{role[1:]} {', and '.join(words)}: handshakes wait as long.",
            evidence,
            validator=first.exchange.client,
            responder=names[0] if names else None,
        )


def _slow_words(slow: Sequence[Query]) -> str:
    longest = (slow[0].answer_time - slow[0].time) / SECOND
    number = "1 answer" if len(slow) == 1 else f"{len(slow)} answers"
    return f"waited for {number} longer than a second, at most {longest:.1f} s"


def _detour_words(view: View, attempt: TcpAttemptFact, query: Query) -> str:
    spent = (query.time - view.case.moment(attempt)) / SECOND
    kind = "over IPv6 " if ":" in attempt.server else ""
    sender = "" if attempt.client == query.exchange.client else f"from {attempt.client}, likely its own, "
    return (
        f"tried {attempt.server} {kind}first ({sender}{attempt.outcome}), and asked {spent:.1f} s later at "
        f"{query.exchange.server}"
    )


def _slow(view: View, host: Host) -> Iterator[Query]:
    """Yield queries whose answer took long, each exchange once."""
    seen: set[int] = set()
    for sha256, queries in host.queries.items():
        if not view.about(view.case.facts.certificates[sha256]):
            continue
        for query in queries:
            answered = query.exchange.response_time is not None
            if answered and query.answer_time - query.time >= SLOW and id(query.exchange) not in seen:
                seen.add(id(query.exchange))
                yield query


def _detours(view: View, host: Host) -> Iterator[tuple[TcpAttemptFact, Query]]:
    """Yield failed attempts at an address of a responder, each with the query that reached another one."""
    for sha256, queries in host.queries.items():
        if not view.about(view.case.facts.certificates[sha256]):
            continue
        for query in queries:
            for attempt in _tried_elsewhere(view, host, query):
                waited = query.time - view.case.moment(attempt)
                if attempt.outcome in NEEDED and SLOW <= waited <= DETOUR:
                    yield attempt, query


def _tried_elsewhere(view: View, host: Host, query: Query) -> Iterator[TcpAttemptFact]:
    """Yield attempts at other addresses of the responder that a query went to."""
    for name, _, _ in responder_hosts((query.exchange.url,) if query.exchange.url else ()):
        for address in host.addresses_of(name) - {query.exchange.server}:
            yield from host.attempts.get(address, ())
            yield from _of_its_other_family(view, host, address)


def _of_its_other_family(view: View, host: Host, address: str) -> Iterator[TcpAttemptFact]:
    """Yield attempts at an address that came from an address of the other IP version, likely its own.

    Nothing names the address of a host in the other IP version. Whoever connects there without having looked
    up any name, after this host did, uses the answer that this host received.
    """
    for other in view.case.hosts.values():
        if other is not host and not other.lookups and other.attempts.get(address):
            for attempt in other.attempts[address]:
                if all((":" in attempt.client) != (":" in own) for own in host.addresses):
                    yield attempt


def _waiting(query: Query) -> Iterator[Evidence]:
    spent = (query.answer_time - query.time) / SECOND
    yield query.evidence("OCSP request", query.frame)
    yield query.evidence(f"answer, {spent:.1f} s later", query.exchange.frames.response)


def _detour(attempt: TcpAttemptFact, query: Query) -> Iterator[Evidence]:
    yield evidence_in(attempt, f"{attempt.server}: {attempt.outcome}")
    yield query.evidence("OCSP request to another address", query.frame)
