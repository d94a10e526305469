"""``leaf-only``: an intermediate, and this validator asks about leaf certificates only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ocsp_pcap.explain.entries import cause
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import Due, InView, Silence
from ocsp_pcap.explain.grounds.messages import contradiction
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.visits import evidence_in

ENOUGH: Final = 2
"""Leaves that were asked about, and no intermediate, before that is likely a habit."""

ENTRY: Final = cause(
    "leaf-only",
    "absent",
    "An intermediate, and this validator asks about leaf certificates only.",
    (
        "is an intermediate, and only leaves are asked about",
        "are intermediates, and only leaves are asked about",
        "may be left out because only leaves are asked about",
    ),
    (),
    "Nothing is wrong: browsers and many proxies check intermediates by other means, or not at all.",
    "If policy demands it, look whether {validator} can check the whole chain.",
    check="needless",
    only=lambda of: of.eligible and not of.leaf and not of.asked and of.asks,
)


def claims(question: Question) -> Iterator[Claim]:
    """Claim that the validator never asks about intermediates."""
    asker, known = question.asker, question.case.facts.certificates
    asked = [known[sha256] for sha256, queries in asker.queries.items() if queries]
    leaves = [certificate for certificate in asked if not certificate.is_ca]
    if not leaves or len(leaves) < len(asked):
        return
    exchange = asker.queries[leaves[0].sha256][0].exchange
    firm = len(leaves) >= ENOUGH
    words = "1 leaf certificate" if len(leaves) == 1 else f"{len(leaves)} leaf certificates"
    yield Claim(
        ENTRY.code,
        f"{question.who} asked about {words} and about no intermediate: it seems to check leaves only",
        (
            question.visit.evidence("intermediate certificate that names a responder"),
            evidence_in(exchange, "it asks about a leaf"),
        ),
        (Silence(question.visit.time), InView(), Due(question.visit.time)),
        (
            Standing(
                "checks-only-some",
                "answers about intermediates last long, so that one from before the capture may be held",
                rival=None if firm else "cached",
            ),
            *contradiction(question),
        ),
    )
