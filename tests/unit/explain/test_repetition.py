from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.repetition import Habit, Repetition, find_repetition
from ocsp_pcap.facts import Fact

from .facts_factory import PARENT, SECOND, certificate, exchange, facts, handshake, response

SHOP = certificate()


def repetition(*story: Fact) -> Repetition | None:
    case = Case(facts(SHOP, *story), Context())
    key = (case.identity(PARENT), SHOP.sha256)
    triggered = set(case.trigger_of.get(key, {}))
    return find_repetition(case.queries_of.get(key, []), case.visits_of.get(key, []), triggered)


def story(*visits: float, asked: Sequence[float] = (), **other: Any) -> Repetition | None:
    """Visits at some seconds, and queries one second after those of ``asked``."""
    return repetition(
        *(handshake("shop.test", SHOP, time=time, **other) for time in visits),
        *(exchange(SHOP, time=time + 1) for time in asked),
    )


def test_nothing_repeated() -> None:
    assert story(0, 100, 200, asked=[0]) is None
    assert story(0) is None


@pytest.mark.parametrize(
    ("visits", "asked", "habit"),
    [
        ([0, 100, 200, 300], [0, 100, 200, 300], "keeps-nothing"),
        ([0, 100], [0, 100], "keeps-nothing"),
        ([0, 30, 70, 100, 130], [0, 70, 130], "fixed-lifetime"),
        ([0, 100, 130], [0, 100], "fixed-lifetime"),
        ([0, 100, 130, 300, 2000], [0, 100, 130], "irregular"),
    ],
)
def test_habits(visits: list[float], asked: list[float], habit: Habit) -> None:
    found = story(*visits, asked=asked)
    assert found is not None
    assert found.habit == habit
    assert len(found.repeats) == len(asked) - 1


def test_ages() -> None:
    found = story(0, 30, 70, 100, 140, asked=[0, 70, 140])
    assert found is not None
    # The answer comes 1.1 s after the visit.
    assert [age / SECOND for age in found.used_at] == [28.9, 28.9]
    assert [age / SECOND for age in found.asked_at] == [69.9, 69.9]


@pytest.mark.parametrize(
    ("lifetime", "agrees"), [(20, False), (30, True), (60, True), (69, True), (75, False)]
)
def test_a_configured_lifetime(lifetime: int, agrees: bool) -> None:
    found = story(0, 30, 70, 100, 140, asked=[0, 70, 140])
    assert found is not None
    assert found.agrees_with(lifetime * SECOND) is agrees


def test_a_visit_that_waits_for_the_same_answer_used_no_cache() -> None:
    found = story(0, 100, 100.5, asked=[0, 100])
    assert found is not None
    assert found.used_at == ()


@pytest.mark.parametrize("other", [{"complete": False}, {"staples": (response(SHOP),)}])
def test_visits_that_need_no_answer_used_no_cache(other: dict[str, Any]) -> None:
    found = repetition(
        handshake("shop.test", SHOP),
        handshake("shop.test", SHOP, time=50, **other),
        handshake("shop.test", SHOP, time=100),
        exchange(SHOP, time=1),
        exchange(SHOP, time=101),
    )
    assert found is not None
    assert found.used_at == ()
    assert found.habit == "keeps-nothing"
