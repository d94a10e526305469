"""The weighing of claims: the one place that says ``confirmed``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ocsp_pcap.explain.grounds.claim import Claim, Proof, Standing, Weighed
from ocsp_pcap.explain.grounds.doubts import DOUBTS
from ocsp_pcap.explain.question import Question


def weigh(question: Question, claim: Claim, proofs: Sequence[Proof]) -> Weighed:
    """Return how sure a claim is.

    Args:
        question: what the claim answers.
        claim: with the grounds that it stands on.
        proofs: sets of kinds of ground, each of which proves the cause where no doubt stands.
    """
    if claim.at_most == "possible":
        # Whatever its grounds: nobody needs to know which doubts stand besides.
        return Weighed(claim, "possible", claim.signs)
    doubts = tuple(_distinct((*claim.signs, *standing_doubts(question, claim))))
    if any(doubt.rival is not None for doubt in doubts):
        return Weighed(claim, "possible", doubts)
    if doubts or claim.at_most != "confirmed":
        return Weighed(claim, "likely", doubts)
    kinds = {type(ground) for ground in claim.grounds}
    proven = any(kinds.issuperset(proof) for proof in proofs)
    return Weighed(claim, "confirmed" if proven else "likely", doubts)


def standing_doubts(question: Question, claim: Claim) -> list[Standing]:
    """Return every doubt that stands about a ground of the claim."""
    return [
        doubt
        for ground in claim.grounds
        for rule in DOUBTS[type(ground)]
        for doubt in rule.standing(question, ground)
    ]


def _distinct(doubts: Iterable[Standing]) -> Iterable[Standing]:
    """Yield each code once, the first that is said of it, but for those that name a rival."""
    seen: set[tuple[str, str | None]] = set()
    for doubt in doubts:
        if (doubt.code, doubt.rival) not in seen:
            seen.add((doubt.code, doubt.rival))
            yield doubt
