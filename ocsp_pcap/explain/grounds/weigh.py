"""The weighing of claims: the one place that says ``confirmed``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from ocsp_pcap.bounds import counted, mark, reached_since
from ocsp_pcap.explain.grounds.claim import Claim, DoubtCode, Proof, Standing, Weighed, cut_short
from ocsp_pcap.explain.grounds.doubts import DOUBTS
from ocsp_pcap.explain.question import Question

LEFT_OPEN: Final[Mapping[str, DoubtCode]] = {"legs": "may-tunnel", "agreeing_visits": "other-place"}
"""Bounds at which a search for claims, or for what they rest on, may end, and the doubt that then stands.

Of any other it is ``unread-question``: what is left out may be what the validator did.
"""


def weigh(question: Question, claim: Claim, proofs: Sequence[Proof], bound: str | None = None) -> Weighed:
    """Return how sure a claim is.

    Args:
        question: what the claim answers.
        claim: with the grounds that it stands on.
        proofs: sets of kinds of ground, each of which proves the cause where no doubt stands.
        bound: a bound of the program at which a search for this claim, or for one before it, was cut short.
    """
    if claim.at_most == "possible":
        # Whatever its grounds: nobody needs to know which doubts stand besides.
        return Weighed(claim, "possible", claim.signs)
    standing = (*claim.signs, *standing_doubts(question, claim))
    doubts = tuple([doubt for doubt in standing if not doubt.given])
    if len(doubts) > 1:
        doubts = tuple(_distinct(doubts))
    if bound is not None:
        doubts = tuple(_distinct((*doubts, cut_short(LEFT_OPEN.get(bound, "unread-question"), bound))))
    if any(doubt.rival is not None for doubt in doubts):
        return Weighed(claim, "possible", doubts)
    if doubts or claim.at_most != "confirmed":
        return Weighed(claim, "likely", doubts)
    kinds = {type(ground) for ground in claim.grounds}
    proven = any(kinds.issuperset(proof) for proof in proofs)
    given = tuple(doubt for doubt in standing if doubt.given)
    return Weighed(claim, "confirmed" if proven else "likely", doubts, given)


def standing_doubts(question: Question, claim: Claim) -> list[Standing]:
    """Return every doubt that stands about a ground of the claim.

    One whose search for what makes it stand ended at a bound of the program stands, too.
    """
    before = mark()
    doubts = [
        doubt
        for ground in claim.grounds
        for rule in DOUBTS[type(ground)]
        for doubt in rule.standing(question, ground)
    ]
    if reached_since(before) is None:
        return doubts
    with counted():
        return list(_with_those_cut_short(question, claim))


def _with_those_cut_short(question: Question, claim: Claim) -> Iterator[Standing]:
    for ground in claim.grounds:
        for rule in DOUBTS[type(ground)]:
            before = mark()
            standing = tuple(rule.standing(question, ground))
            yield from standing
            if not standing and (bound := reached_since(before)) is not None:
                yield cut_short(rule.code, bound)


def _distinct(doubts: Iterable[Standing]) -> Iterable[Standing]:
    """Yield each code once, the first that is said of it, but for those that name a rival."""
    seen: set[tuple[str, str | None]] = set()
    for doubt in doubts:
        if (doubt.code, doubt.rival) not in seen:
            seen.add((doubt.code, doubt.rival))
            yield doubt
