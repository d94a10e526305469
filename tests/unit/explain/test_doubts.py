"""Each doubt takes ``confirmed`` away from each cause that its grounds carry, and nothing else does there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.causes import ORDER
from ocsp_pcap.explain.engine import answer
from ocsp_pcap.explain.grounds.claim import Weighed
from ocsp_pcap.explain.grounds.doubts import DOUBTS, DoubtRule
from ocsp_pcap.explain.grounds.kinds import Kind
from ocsp_pcap.explain.question import Question
from tests.unit.explain.weighing import weighed

from .causes import of_cause
from .doubt_stories import CHANGES, OWN_CHANGES, SIGNS_ONLY, STORIES, Story, first
from .facts_factory import certificate, exchange, facts

PROOFS = {rule.entry.code: rule.entry.proofs for rule in ORDER}
ALL_STORIES: dict[str, tuple[Story, ...]] = {
    **STORIES,
    **{cause: found for cause in PROOFS if cause not in STORIES and (found := of_cause(cause, "STORIES"))},
}
PAIRS: list[tuple[str, Kind, DoubtRule]] = [
    (cause, kind, doubt)
    for cause, proofs in PROOFS.items()
    for kind in dict.fromkeys(kind for proof in proofs for kind in proof)
    for doubt in DOUBTS[kind]
]
NAMES = [f"{cause} {kind.__name__} {doubt.code}" for cause, kind, doubt in PAIRS]


def asked(story: Story) -> Question:
    """The question about the handshake of a story."""
    case = Case(facts(*story.items), Context(**story.told))
    (visit,) = (visit for visit in case.visits if visit.handshake is story.visit)
    return Question(case, visit, story.subject)


def claimed(question: Question, cause: str) -> Weighed:
    """What is claimed of one cause."""
    return next(one for one in weighed(question) if one.claim.cause == cause)


def has(story: Story, cause: str, kind: Kind) -> bool:
    return any(isinstance(ground, kind) for ground in claimed(asked(story), cause).claim.grounds)


def test_every_cause_that_can_be_proven_has_a_story() -> None:
    assert ALL_STORIES.keys() == {cause for cause, proofs in PROOFS.items() if proofs}
    assert {cause for cause, proofs in PROOFS.items() if not proofs} >= SIGNS_ONLY


@pytest.mark.parametrize(
    ("cause", "story"),
    [(cause, story) for cause, stories in ALL_STORIES.items() for story in stories],
    ids=[
        f"{cause} {number}" for cause, stories in ALL_STORIES.items() for number, _ in enumerate(stories, 1)
    ],
)
def test_where_no_doubt_stands_it_is_confirmed(cause: str, story: Story) -> None:
    winner = answer(asked(story)).winner
    assert (winner.claim.cause, winner.confidence, winner.doubts) == (cause, "confirmed", ())


def test_the_stories_of_a_cause_have_every_kind_of_ground() -> None:
    for cause, kind in {(cause, kind) for cause, kind, _ in PAIRS}:
        assert any(has(story, cause, kind) for story in ALL_STORIES[cause]), (cause, kind)


def test_every_doubt_has_a_change_and_no_change_is_left_over() -> None:
    assert CHANGES.keys() == {doubt.standing for doubts in DOUBTS.values() for doubt in doubts}
    pairs = {(cause, kind, doubt.code) for cause, kind, doubt in PAIRS}
    assert OWN_CHANGES.keys() <= pairs


def told_by(story: Story, cause: str, kind: Kind, doubt: DoubtRule) -> tuple[Weighed, list[str]]:
    """What the doubt's change makes of a story, and the doubts that its grounds of this kind raise."""
    change = OWN_CHANGES.get((cause, kind, doubt.code)) or CHANGES[doubt.standing]
    question = asked(change(story, first(claimed(asked(story), cause).claim, kind)))
    after = claimed(question, cause)
    grounds = [ground for ground in after.claim.grounds if isinstance(ground, kind)]
    return after, [standing.code for ground in grounds for standing in doubt.standing(question, ground)]


def stories(cause: str, kind: Kind) -> Iterator[Story]:
    return (story for story in ALL_STORIES[cause] if has(story, cause, kind))


@pytest.mark.parametrize(
    ("cause", "kind", "doubt"),
    PAIRS,
    ids=NAMES,
)
def test_a_doubt_takes_confirmed_away(cause: str, kind: Kind, doubt: DoubtRule) -> None:
    after, raised = told_by(next(stories(cause, kind)), cause, kind, doubt)
    assert after.confidence != "confirmed"
    assert raised
    assert {doubt.code, *raised} == {standing.code for standing in after.doubts} == {doubt.code}


def test_queries_about_the_issuers_that_are_covered_contradict_nothing() -> None:
    """They go to the responders that the site file tells of; one about another issuer does contradict."""
    (story,) = STORIES["no-responder-for-issuer"]
    for issuer, expected in (("CN=Corp CA", ()), ("CN=Third CA", ("told-otherwise",))):
        other = certificate("other.test", issuer)
        found = claimed(asked(story.with_more(other, exchange(other, time=-20))), "no-responder-for-issuer")
        assert tuple(doubt.code for doubt in found.doubts) == expected
        assert (found.confidence == "confirmed") == (not expected)
