"""Of worlds made at random, with all that they hide known, nothing untrue is called confirmed."""

from __future__ import annotations

import os

from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.facts import HandshakeFact
from tests.unit.explain.facts_factory import facts

from .known_world import lies
from .worlds import world, worlds

NUMBER = 600
SEED = int(os.environ.get("OCSP_PCAP_SEED", "20260728"))
"""The same worlds on each run, unless another seed is asked for."""
ONCE = (61411,)
"""Worlds of which something untrue was confirmed once."""


def test_nothing_untrue_of_a_world_is_confirmed() -> None:
    told = [lie for made in (*map(world, ONCE), *worlds(SEED, NUMBER)) for lie in lies(made)]
    print(f"seeds {SEED} to {SEED + NUMBER - 1}: {len(told)} lies")
    assert told == []


def test_much_is_confirmed_all_the_same() -> None:
    """Who never says that anything is certain does not lie, and is of no use."""
    causes: dict[str, int] = {}
    for made in worlds(SEED, 150):
        for verdict in explain(facts(*made.items), Context(**made.told)).verdicts:
            for sighting in verdict.sightings:
                if sighting.confidence == "confirmed":
                    causes[sighting.cause] = causes.get(sighting.cause, 0) + 1
    assert {cause for cause, number in causes.items() if number >= 10} >= {
        "queried", "cached", "stapled", "session-resumed", "not-intercepted", "reissued-certificate",
    }  # fmt: skip


def test_a_lie_is_found() -> None:
    made = next(each for each in map(world, range(50)) if each.story.endswith("direct") and each.truth)
    keys = {(item.client, item.stream) for item in made.items if isinstance(item, HandshakeFact)}
    made.truth = {key: {"short-lived"} for key in keys}
    assert list(lies(made))
