"""Phrases of causes about a number of certificates, in the words that every report shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ocsp_pcap.explain.causes import CAUSES, URGENCY
from ocsp_pcap.explain.model import Confidence


def cause_phrase(cause: str, number: int, *, sure: bool = True) -> str:
    """Return what a cause says of so many certificates: ``2 were stapled``, ``2 may have been stapled``."""
    one, several, perhaps = CAUSES[cause].phrase
    words = (one if number == 1 else several) if sure else perhaps
    return f"{number:,} {words}"


def cause_phrases(causes: Iterable[tuple[str, Confidence]]) -> list[str]:
    """Return a phrase for each cause, the urgent first; what is not confirmed is counted apart."""
    counts = Counter((cause, confidence == "confirmed") for cause, confidence in causes)
    return [
        cause_phrase(cause, number, sure=sure)
        for (cause, sure), number in sorted(
            counts.items(), key=lambda item: (cause_rank(item[0][0]), not item[0][1])
        )
    ]


def cause_rank(cause: str) -> tuple[int, str]:
    """Sort key of causes, what has to be acted on first."""
    return (URGENCY.index(cause) if cause in URGENCY else len(URGENCY), cause)
