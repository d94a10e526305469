"""Labels of the links in the picture of the chain.

A label counts over all hosts that a figure stands for, so each function takes what went over the links
of all of them and returns one phrase.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from ocsp_pcap.explain.cause_phrases import cause_phrases
from ocsp_pcap.explain.model import Evidence, LinkKind, Verdict
from ocsp_pcap.explain.phrases import count, listed
from ocsp_pcap.explain.traffic import FAILED, Asked
from ocsp_pcap.explain.visits import Visit

MOST_GHOSTS: Final = 4
"""Reasons that a label gives for queries that never went; of more, an ellipsis."""


def _phrases(verdicts: Iterable[Verdict]) -> list[str]:
    return cause_phrases((verdict.cause, verdict.confidence) for verdict in verdicts)


def staple_words(staples: Sequence[tuple[Visit, str | None]], kind: LinkKind) -> str:
    """Return how many staples came, and why those that are unusable are."""
    number = count(sum(len(visit.handshake.staples) for visit, _ in staples), "OCSP staple")
    if kind == "staple-unusable":
        return f"{number}, not usable: {'; '.join(dict.fromkeys(trouble or '' for _, trouble in staples))}"
    return f"{number} in the handshakes" + (": REVOKED" if kind == "staple-revoked" else "")


def beyond_words(asked: Sequence[Asked]) -> str:
    """Return how many requests a proxy took whose further way no capture shows."""
    return f"where {count(len(asked), 'request')} went on is not in the captures"


def ocsp_words(asked: Sequence[Asked], kind: LinkKind, what: str, handed_on: bool) -> str:
    """Return how many requests there were, and what came of them."""
    label = count(len(asked), what) + (" handed on" if handed_on else "")
    if kind != "ocsp-failed":
        statuses = Counter(status for each in asked for status in each.statuses or ("not modified",))
        parts = [f"{number:,} {status}" for status, number in statuses.most_common()]
        label += ": " + (", ".join(parts) if len(parts) > 1 else next(iter(statuses)))
        return label.replace("revoked", "REVOKED")
    failed = Counter(each.outcome for each in asked)
    label += ": " + ", ".join(count(number, *FAILED[outcome]) for outcome, number in failed.most_common())
    if any("revoked" in each.statuses for each in asked):
        label += " (an unusable answer says REVOKED)"
    return label


def cause_words(verdicts: Sequence[Verdict]) -> str:
    """Return the phrases of all causes, as a list in prose."""
    return listed(_phrases(verdicts))


def crl_words(fetches: Sequence[Evidence]) -> str:
    """Return how many CRLs were fetched."""
    return f"{count(len(fetches), 'CRL')} fetched"


def ghost_words(verdicts: Sequence[Verdict]) -> str:
    """Return why no query went, the reasons to act on first."""
    phrases = _phrases(verdicts)
    return "; ".join(phrases[:MOST_GHOSTS] + (["…"] if len(phrases) > MOST_GHOSTS else []))
