"""Rules about queries that may have left another way than the capture shows: only ever alternatives."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.explain.rules.answer import Answer, Question
from ocsp_pcap.explain.rules.attempts import REACTION, looked_up_only
from ocsp_pcap.explain.visits import Query

MAX_ASKERS: Final = 16
"""Hosts that asked about one certificate that are looked at."""


def asked_elsewhere(question: Question) -> Answer | None:
    """A host that was not seen to receive this certificate asked about it, soon after this handshake.

    It may be another interface or address of the validator, or a host that asks on its behalf. That
    of another validator, which got the certificate itself, is no such query.
    """
    certificate = question.certificate
    if certificate is None or not question.eligible or question.queries:
        return None
    case, time = question.case, question.visit.time
    for asker in case.askers_of.get(certificate.sha256, [])[:MAX_ASKERS]:
        if asker == question.identity or (asker, certificate.sha256) in case.visits_of:
            continue
        queries = case.queries_of[asker, certificate.sha256]
        position = bisect_left(queries, time, key=lambda query: query.time)
        for query in queries[position : position + 1]:
            if query.time - time <= REACTION:
                return Answer(
                    "queried",
                    "possible",
                    f"{query.exchange.client} asked about this very certificate "
                    f"{(query.time - time) / SECOND:.1f} s after this handshake "
                    f"(frame {_frame(case, query)}) "
                    f"and was not seen to receive it: the query is that of {question.who} if "
                    "this is another address or interface of it, or asks on its behalf",
                    responder=query.exchange.url,
                )
    return None


def connection_not_seen(question: Question) -> Answer | None:
    """The validator looked up the responder right after this handshake, and opened no connection to it."""
    if not question.eligible or question.own_queries:
        return None
    assert question.certificate is not None
    for host, port, url in responder_hosts(question.certificate.ocsp_urls):
        lookup = looked_up_only(question, host, port)
        if lookup is None:
            continue
        frame = question.case.places.frame_words(
            lookup.capture, lookup.frames.response or lookup.frames.request
        )
        return Answer(
            "capture-filtered",
            "possible",
            f"{question.who} looked up the responder {host} right after this handshake (frame {frame}), and "
            "no connection to it is in the capture: it was opened by another interface or through another "
            "host, the capture lost it, or an answer was at hand after all",
            responder=url,
        )
    return None


def _frame(case: Case, query: Query) -> str:
    """Name a frame and the file that holds it."""
    capture = query.exchange.capture
    words = case.places.frame_words(capture, query.frame) or ""
    return words if " of " in words else f"{words} of {capture}"
