"""``cached``: an earlier response still covers this certificate, so no query was due."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.authorities import short_lived_lifetime
from ocsp_pcap.explain.chances_to_ask import answers_last
from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.absences import packets_lost, span_not_covered, unread_question
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import (
    After,
    Alone,
    Due,
    Held,
    InView,
    Means,
    Received,
    Saw,
    Sent,
    Silence,
    Traced,
)
from ocsp_pcap.explain.grounds.messages import contradiction
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.explain.querying import unread_tries
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.repetition import soonest_repeats
from ocsp_pcap.explain.saying import trace_entry
from ocsp_pcap.explain.spans import between
from ocsp_pcap.explain.stapling import refused_staple
from ocsp_pcap.explain.visits import evidence_in
from ocsp_pcap.explain.windows import utc
from ocsp_pcap.facts import OcspExchangeFact

ENTRY: Final = cause(
    "cached",
    "absent",
    "An earlier response still covers it.",
    (
        "is still covered by an earlier answer",
        "are still covered by earlier answers",
        "may still be covered by an earlier answer",
    ),
    ((Saw, Sent, Received, Means, Held, After, Silence, Due, Alone), (Traced,)),
    "To see a query, clear the OCSP response cache of {validator} or wait for nextUpdate, then open"
    " a new connection to {host}.",
    "The answer in frame {frame} is good until {until}: the next query is due with the first new connection "
    "after that.",
    "A capture longer than {longer} sees the next query: no answer from before lasts until then.",
    check="done",
    only=lambda of: (of.eligible or of.asked) and not of.asked_now,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that an earlier response was used: of the capture, of a trace, or from before."""
    if refused_staple(question.visit.handshake):
        # It wanted a staple and nothing else: what it holds did not count.
        return
    claim = _in_capture(question) or _by_trace(question) or _before_capture(question)
    if claim is not None:
        yield claim


def _in_capture(question: Question) -> Claim | None:
    time, case = question.visit.time, question.case
    handshake = question.visit.handshake
    for query in reversed(between(question.queries, 0, time)):
        window = case.window(query, question.proxy)
        if window is None or time > window.end:
            continue
        source = query.confirms or query
        assert source.single is not None
        exchange, single = source.exchange, source.single
        ended = case.clock(handshake.capture, max(handshake.time, handshake.end_time or 0))
        signs: list[Standing] = []
        if query.answer_time > ended:
            signs.append(Standing("span-not-covered", "the answer came only after this handshake was over"))
        if window.basis != "ttl-override" and _asks_again_sooner(question, ended - query.answer_time):
            words = "it asked again elsewhere although an answer hardly older than this one still covered"
            signs.append(Standing("checks-only-some", words))
        if not (handshake.complete or handshake.application_data):
            words = "the handshake was not finished: the validator need not have come to ask"
            signs.append(Standing("checks-only-some", words))
        if single.status == "unknown":
            signs.append(
                Standing("checks-only-some", "the answer unknown settles nothing, and need not be kept")
            )
        if window.basis in ("max-age", "expires"):
            signs.append(Standing("checks-only-some", "only HTTP says how long the answer may be kept"))
        by_others = window.end if window.basis in ("next-update", "expires") else None
        return Claim(
            ENTRY.code,
            f"{question.who} had asked before, and the answer ({single.status}) is good until {window.words}",
            (
                query.evidence(
                    f"earlier OCSP response ({single.status}) that still covers this handshake",
                    query.exchange.frames.response,
                ),
                question.visit.evidence(f"certificate of {question.host} again"),
            ),
            (
                Saw(exchange, "answer"),
                Sent(query),
                Received(question.visit),
                Means(source.match, exchange.response, handshake.time),
                Held(single, handshake.capture, handshake.time, by_others),
                After((query.exchange.capture, query.answer_time), (handshake.capture, time)),
                Silence(time),
                Due(time),
                Alone(time),
            ),
            tuple(signs),
            status=single.status,
            responder=query.exchange.url,
            telling=0,
            until=utc(window.end),
        )
    return None


def _asks_again_sooner(question: Question, age: int) -> bool:
    """The validator asked again elsewhere while an answer that was hardly older than this one still covered.

    One that keeps answers for a fixed time uses younger ones; one that keeps none asks at any age, and where
    visits come at even intervals, one whose query was lost with its whole connection is just a bit younger.
    """
    soonest = question.case.once(soonest_repeats).get(question.asker.identity)
    return soonest is not None and soonest <= 2 * age


def _by_trace(question: Question) -> Claim | None:
    entry = trace_entry(question)
    if entry is None or entry.action != "cached":
        return None
    return Claim(
        ENTRY.code,
        f"{question.who} used a response it held from before the capture, says its own trace",
        (
            Evidence(
                entry.path, None, None, f"line {entry.line}: OCSP: using cached response, for {entry.host}"
            ),
            question.visit.evidence(f"certificate of {question.host}"),
        ),
        (Traced(entry),),
    )


def _before_capture(question: Question) -> Claim | None:
    """An answer from before the capture is always possible, never proven without a trace."""
    if not question.eligible:
        return None
    entry = trace_entry(question)
    if entry is not None and entry.action == "query":
        return None
    held = f"{question.who} may hold an answer from before the capture started"
    example = _asks_of_such(question)
    if example is None or _covers_a_refresh(question) or unread_tries(question):
        return Claim(ENTRY.code, held, at_most="possible")
    return Claim(
        ENTRY.code,
        f"{held}: it does ask about other certificates, so OCSP is on there",
        (
            question.visit.evidence(f"certificate of {question.host}, and no query follows"),
            evidence_in(example, "it asks about another certificate"),
        ),
        (Received(question.visit), Silence(question.visit.time), InView(), Due(question.visit.time)),
        (
            Standing("span-not-covered", "the answer itself would have come before the capture"),
            *contradiction(question),
        ),
        at_most="possible" if _query_may_be_missing(question) else "likely",
        longer=answers_last(question),
    )


def _asks_of_such(question: Question) -> OcspExchangeFact | None:
    """Return a query of the validator about another certificate of the same place in its chain."""
    asker, case = question.asker, question.case
    for sha256, queries in asker.queries.items():
        known = case.facts.certificates[sha256]
        if known is question.certificate or not queries or short_lived_lifetime(known):
            continue
        leaf = (
            any(visit.handshake.certificates[:1] == (sha256,) for visit in asker.received.get(sha256, ()))
            or not known.is_ca
        )
        if leaf == (question.position == 0):
            return queries[0].exchange
    return None


def _query_may_be_missing(question: Question) -> bool:
    """The handshake broke off, the capture lost packets, or ends before a query could have followed."""
    handshake = question.visit.handshake
    if not (handshake.complete or handshake.application_data):
        return True
    silence = Silence(question.visit.time)
    return (
        any(True for _ in packets_lost(question, silence))
        or any(True for _ in span_not_covered(question, silence))
        or any(True for _ in unread_question(question, silence))
    )


def _covers_a_refresh(question: Question) -> bool:
    """An answer seen in the capture has run out, so one from before it would have, too."""
    return bool(question.queries) and question.queries[0].time <= question.visit.time
