"""``capture-filtered``: the capture holds no traffic of the kind in which an OCSP query would travel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import For, NoOtherTry, Sent, Traced
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.saying import trace_entry
from ocsp_pcap.explain.seeking import looked_up_only, query_ports, query_ports_seen
from ocsp_pcap.explain.trace_entry import TraceEntry

ENTRY: Final = cause(
    "capture-filtered",
    "unknown",
    "The capture holds no traffic of the kind OCSP would travel in.",
    (
        "stays open (no traffic of the kind OCSP travels in was captured)",
        "stay open (no traffic of the kind OCSP travels in was captured)",
        "may be left open because the capture holds no traffic of the kind OCSP travels in",
    ),
    (),
    "Capture again without a filter, or with at least: tcp port 80 or port 53 or tcp port 443 (and "
    "the proxy's ports).",
    "Capture on the interface by which {validator} reaches {responder}.",
    only=lambda of: of.eligible and not of.asked_now and (of.turned or of.traced or not of.asks),
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that a query was sent, or may have been, in traffic that the capture does not hold."""
    entry = trace_entry(question)
    if entry is not None and entry.action == "query":
        yield _by_trace(question, entry)
        return
    yield from _looked_up(question)
    if query_ports_seen(question) or question.asker.exchanges:
        return
    yield Claim(ENTRY.code, f"{_nothing(question)}: a capture filter may hide the query", at_most="possible")


def _nothing(question: Question) -> str:
    ports = ", ".join(str(port) for port in sorted(query_ports(question)))
    return f"the capture holds no packet at all on port {ports}"


def _by_trace(question: Question, entry: TraceEntry) -> Claim:
    seen = query_ports_seen(question)
    nothing = (
        "that query is not in the capture: it went another way, or was lost" if seen else _nothing(question)
    )
    words = "the capture holds packets on the port on which it would travel"
    return Claim(
        ENTRY.code,
        f"{question.who} did query {entry.url or 'the responder'}, says its own trace, but {nothing}",
        (
            Evidence(entry.path, None, None, f"line {entry.line}: OCSP: querying responder"),
            question.visit.evidence(f"certificate of {question.host}"),
        ),
        # That the capture is blind is the claim here, and no doubt about it.
        (Traced(entry), NoOtherTry(question.visit.time)),
        (Standing("packets-lost", words if seen else "no packet shows what became of that query"),),
        responder=entry.url,
    )


def _looked_up(question: Question) -> Iterator[Claim]:
    """The validator looked up the responder right after this handshake, and no connection to it is there."""
    for host, port, url in question.sought:
        lookup = looked_up_only(question, host, port)
        if lookup is None:
            continue
        blind = not query_ports_seen(question) and not question.asker.exchanges
        lookup_frame = lookup.frames.response or lookup.frames.request
        frame = question.case.places.frame_words(lookup.capture, lookup_frame)
        looked = f"{question.who} looked up the responder {host} right after this handshake"
        evidence = (
            question.visit.evidence(f"certificate of {question.host}"),
            Evidence(lookup.capture, lookup_frame, None, f"DNS lookup of the responder {host}"),
        )
        if blind:
            words = f"{looked}, and {_nothing(question)}: a capture filter hides the query"
            sign = Standing("other-purpose", "the lookup may have been for something else")
            grounds = (Sent(lookup), For(lookup), NoOtherTry(question.visit.time))
            yield Claim(ENTRY.code, words, evidence, grounds, (sign,), responder=url)
        else:
            words = (
                f"{looked} (frame {frame}), and no connection to it is in the capture: it was opened by "
                "another interface or through another host, the capture lost it, or an answer was at hand "
                "after all"
            )
            yield Claim(ENTRY.code, words, evidence, at_most="possible", responder=url)
        return
