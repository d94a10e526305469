"""Rules about answers that the validator already held."""

from __future__ import annotations

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.matching import Match
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.explain.rules.answer import Answer, Question
from ocsp_pcap.explain.trace import TraceEntry

TRACE_TOLERANCE = 30 * SECOND
"""A trace line belongs to a handshake that lies this near."""


def cached(question: Question) -> Answer | None:
    """An earlier response in the capture, or the proxy's own trace, says that a cached answer was used."""
    if question.certificate is None or question.own_queries:
        return None
    return _cached_in_capture(question) or _cached_by_trace(question)


def _cached_in_capture(question: Question) -> Answer | None:
    time = question.visit.time
    for query in reversed(question.queries):
        if query.time > time:
            continue
        end = question.case.window_end(query, question.proxy)
        if end is None or not query.time <= time <= end:
            continue
        assert query.single is not None
        override = question.proxy is not None and question.proxy.cache_ttl is not None
        until = "the TTL override of the site file" if override else "its nextUpdate"
        return Answer(
            "cached",
            "confirmed" if query.match is Match.FULL else "likely",
            f"{question.who} had asked before, and the answer ({query.single.status}) is covered by {until}",
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
        )
    return None


def trace_entry(question: Question) -> TraceEntry | None:
    """Return the line of a policy trace about this handshake."""
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


def _cached_by_trace(question: Question) -> Answer | None:
    entry = trace_entry(question)
    if entry is None or entry.action != "cached":
        return None
    return Answer(
        "cached",
        "confirmed",
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
    others = question.case.asked_by.get(question.identity, [])
    held = f"{question.who} may hold an answer from before the capture started"
    if not others or _covers_a_refresh(question):
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
    )


def _covers_a_refresh(question: Question) -> bool:
    """An answer seen in the capture has run out, so one from before it would have, too."""
    return any(query.time <= question.visit.time for query in question.queries)
