"""Rules about answers that the validator already held."""

from __future__ import annotations

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.model import Confidence, Evidence
from ocsp_pcap.explain.occasions import occasions_of
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.explain.rules.answer import Answer, Question
from ocsp_pcap.explain.rules.attempts import looked_up_only, tried_in_vain
from ocsp_pcap.explain.rules.doubt import ends_too_soon, loss, near_a_limit
from ocsp_pcap.explain.rules.queries import proves_match
from ocsp_pcap.explain.spans import between
from ocsp_pcap.explain.trace import TraceEntry
from ocsp_pcap.explain.visits import Query, Visit
from ocsp_pcap.explain.windows import utc

TRACE_TOLERANCE = 30 * SECOND
"""A trace line belongs to a handshake that lies this near."""
UNKNOWN_CLOCKS = 600 * SECOND
"""Clocks of two captures that share no traffic hardly differ by more."""


def cached(question: Question) -> Answer | None:
    """An earlier response in the capture, or the proxy's own trace, says that a cached answer was used."""
    if question.certificate is None or question.own_queries:
        return None
    return _cached_in_capture(question) or _cached_by_trace(question)


def _cached_in_capture(question: Question) -> Answer | None:
    time = question.visit.time
    for query in reversed(between(question.queries, 0, time)):
        window = question.case.window(query, question.proxy)
        if window is None or time > window.end:
            continue
        assert query.single is not None
        return Answer(
            "cached",
            _confidence_in_cache(question, query),
            f"{question.who} had asked before, and the answer ({query.single.status}) is good until "
            f"{window.words}",
            (
                query.evidence(
                    f"earlier OCSP response ({query.single.status}) that still covers this handshake",
                    query.exchange.frames.response,
                ),
                question.visit.evidence(f"certificate of {question.host} again"),
            ),
            query.single.status,
            query.exchange.url,
            telling=0,
            until=utc(window.end),
        )
    return None


def _confidence_in_cache(question: Question, query: Query) -> Confidence:
    """The answer was there in time, by clocks that can be compared, and is good beyond doubt."""
    case, handshake, single = question.case, question.visit.handshake, query.single
    response = query.exchange.response
    assert single is not None
    assert response is not None
    ended = case.clock(handshake.capture, max(handshake.time, handshake.end_time or 0))
    ordered = (
        case.same_clock(query.exchange.capture, handshake.capture)
        or question.visit.time - query.answer_time > UNKNOWN_CLOCKS
    )
    override = question.proxy is not None and question.proxy.cache_ttl is not None
    covers = override or (
        single.next_update is not None
        and not near_a_limit(case, single, question.visit.time)
        and not _asks_again_sooner(question, question.visit.time - query.answer_time)
    )
    proven = proves_match(question, query) and response.signature == "valid"
    held = query.answer_time <= ended and ordered and covers and not _looked_for_responder(question)
    return "confirmed" if proven and held and not loss(case, handshake.capture) else "likely"


def _looked_for_responder(question: Question) -> bool:
    """It turned to the responder right after, and what came of it is not in the capture: perhaps a query."""
    assert question.certificate is not None
    return any(
        looked_up_only(question, host, port) or tried_in_vain(question, host, port)
        for host, port, _ in responder_hosts(question.certificate.ocsp_urls)
    )


def _asks_again_sooner(question: Question, age: int) -> bool:
    """The validator asked again elsewhere while an answer no older than this one still covered."""
    soonest = question.case.soonest_repeat.get(question.identity)
    return soonest is not None and soonest <= age


def trace_entry(question: Question) -> TraceEntry | None:
    """Return the line of a policy trace about this handshake."""
    if not question.case.context.trace:
        return None
    proxy = question.proxy
    if question.position > 0 or not question.eligible or (proxy is not None and proxy.ocsp is False):
        return None
    if question.validator.role not in ("child", "parent", "unknown"):
        return None
    entries = question.case.trace_of.get(question.host.lower(), [])
    timed = [entry for entry in entries if entry.time is not None]
    if not timed:
        return entries[0] if len({entry.action for entry in entries}) == 1 else None
    nearest = min(timed, key=lambda entry: abs((entry.time or 0) - question.visit.time))
    return nearest if abs((nearest.time or 0) - question.visit.time) <= TRACE_TOLERANCE else None


def trace_is_certain(question: Question, entry: TraceEntry) -> bool:
    """No other handshake can be the one that this line of a trace is about."""
    case = question.case
    rivals = [
        visit
        for visit in case.by_host.get(question.host.lower(), [])
        if visit is not question.visit and _could_be_traced(question, visit)
    ]
    if entry.time is None:
        same = [visit for visit in rivals if case.identity(visit.handshake.client) == question.identity]
        return len(same) == len(rivals) and len(case.trace_of[entry.host]) > len(same)
    distance = abs(entry.time - question.visit.time)
    return all(abs(entry.time - visit.time) > distance for visit in rivals)


def _could_be_traced(question: Question, visit: Visit) -> bool:
    """A proxy may have checked the certificate of this visit, as far as its kind tells."""
    case, address = question.case, visit.handshake.client
    chain, proxy = case.chain(visit.handshake), case.proxy(address)
    if not chain or not chain[0].ocsp_urls or case.roles.role(address) == "client":
        return False
    return not (proxy is not None and proxy.ocsp is False) and case.inner_leg(visit) is None


def _cached_by_trace(question: Question) -> Answer | None:
    entry = trace_entry(question)
    if entry is None or entry.action != "cached":
        return None
    return Answer(
        "cached",
        "confirmed" if trace_is_certain(question, entry) else "likely",
        f"{question.who} used a response it held from before the capture, says its own trace",
        (
            Evidence(
                entry.path, None, None, f"line {entry.line}: OCSP: using cached response, for {entry.host}"
            ),
            question.visit.evidence(f"certificate of {question.host}"),
        ),
    )


def cached_before_capture(question: Question) -> Answer | None:
    """An answer from before the capture is always possible, never proven without a trace."""
    if not question.eligible or question.own_queries:
        return None
    entry = trace_entry(question)
    if entry is not None and entry.action == "query":
        return None
    others = question.case.asked_by.get(question.identity, [])
    held = f"{question.who} may hold an answer from before the capture started"
    if not others or _covers_a_refresh(question) or _query_may_be_missing(question):
        return Answer("cached", "possible", held)
    example = others[0]
    return Answer(
        "cached",
        "likely",
        f"{held}: it does ask about other certificates, so OCSP is on there",
        (
            question.visit.evidence(f"certificate of {question.host}, and no query follows"),
            Evidence(
                example.capture,
                example.frames.request or example.frames.response,
                example.stream,
                "it asks about another certificate",
            ),
        ),
        longer=answers_last(question),
    )


def answers_last(question: Question) -> str | None:
    """Say how long answers about the certificates that this validator meets last."""
    occasions = question.case.once(occasions_of).get(question.identity)
    if occasions is None or not question.eligible:
        return None
    return occasions.lifetime.words if occasions.lifetime.seconds else None


def _query_may_be_missing(question: Question) -> bool:
    """The capture lost packets, or ends before a query would have had time to follow."""
    return loss(question.case, question.visit.handshake.capture) is not None or ends_too_soon(question)


def _covers_a_refresh(question: Question) -> bool:
    """An answer seen in the capture has run out, so one from before it would have, too."""
    return bool(question.queries) and question.queries[0].time <= question.visit.time
