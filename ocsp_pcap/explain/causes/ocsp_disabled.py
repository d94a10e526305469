"""``ocsp-disabled``: OCSP is off on this validator, says the site file, or the whole capture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.chances_to_ask import chances_to_ask
from ocsp_pcap.explain.entries import DECIDE, cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import Due, InView, Received, Silence, Told
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.explain.querying import unread_tries
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.saying import contradicted, said_in_site, source_of, trace_is_of
from ocsp_pcap.explain.seeking import query_ports_seen, reached_out

ENTRY: Final = cause(
    "ocsp-disabled",
    "absent",
    "Eligible, nothing else explains it, and the site file or the whole capture says that OCSP is off here.",
    (
        "was not checked (OCSP is off)",
        "were not checked (OCSP is off)",
        "may not have been checked because OCSP is off there",
    ),
    ((Told, Received, Silence),),
    "Enable OCSP, or revocation checking for server certificates, on {validator}.",
    "Then open a new connection to {host} and capture again.",
    DECIDE,
    check="off",
    only=lambda of: of.eligible and not of.asked_now and (of.in_site or not of.asks),
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that OCSP is off: because the site file says so, or because many occasions brought no query."""
    if (claim := _said(question) or _silent(question)) is not None:
        yield claim


def _said(question: Question) -> Claim | None:
    proxy = question.proxy
    if proxy is None or proxy.ocsp is not False:
        return None
    if (shown := contradicted(question)) is not None:
        return Claim(
            ENTRY.code,
            f"{shown.words}: if the file is right, that is not its own",
            (*said_in_site(question, "ocsp"),),
            at_most="possible",
        )
    signs: list[Standing] = []
    if not proxy.addresses and question.validator.address not in question.case.roles.given:
        signs.append(Standing("other-asker", "the site file does not say which address the proxy has"))
    if reached_out(question):
        signs.append(Standing("told-otherwise", "it looked for the responder right after"))
    return Claim(
        ENTRY.code,
        f"OCSP is off on {question.who}, says the site file, and no OCSP request of it is in the capture",
        (
            *said_in_site(question, "ocsp"),
            question.visit.evidence(f"certificate of {question.host}, which names a responder"),
        ),
        (Told(source_of(proxy, "ocsp")), Received(question.visit), Silence(question.visit.time)),
        tuple(signs),
    )


def _silent(question: Question) -> Claim | None:
    """The validator never asked for anything, though it had many occasions."""
    proxy, asker = question.proxy, question.asker
    if asker.exchanges or (proxy is not None and proxy.ocsp is True):
        return None
    if (
        reached_out(question)
        or unread_tries(question)
        or (question.case.context.trace and trace_is_of(question))
    ):
        return None
    words = f"{question.who} sent no OCSP request at all in the capture"
    chances = question.case.once(chances_to_ask).get(asker.identity)
    if chances is None:
        return Claim(ENTRY.code, f"{words}; OCSP may be off there", at_most="possible")
    if chances.look_switched_off and query_ports_seen(question) and question.presented_by == "server":
        return Claim(
            ENTRY.code,
            f"{words}, though {chances.words}: OCSP looks switched off here",
            (
                question.visit.evidence(f"certificate of {question.host}, which names a responder"),
                *(
                    Evidence(fetch.capture, fetch.frames.request, fetch.stream, f"it fetched {fetch.url}")
                    for fetch in (chances.first_crl,)
                    if fetch is not None
                ),
            ),
            (Received(question.visit), Silence(question.visit.time), InView(), Due(question.visit.time)),
            (Standing("checks-only-some", "answers from before the capture may be held for each of them"),),
            longer=chances.lifetime.words,
        )
    return Claim(
        ENTRY.code,
        f"{words}, though {chances.words}; OCSP may be off there, or the answers were held from before",
        at_most="possible",
    )
