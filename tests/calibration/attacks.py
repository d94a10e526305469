"""Samples under attack: what captures can be like though nothing that a host did is another thing by it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from .calibrate import Count, Whole, explanation_of, judge
from .merges import Attacked, merged

Attack: TypeAlias = Callable[[random.Random, Sequence[Whole], Whole], Attacked | None]
"""None: the sample has nothing to attack in this way."""

ATTACKS: Final[Mapping[str, Attack]] = {attack.__name__: attack for attack in (merged,)}


def attacked(wholes: Sequence[Whole], seed: int, only: str | None = None) -> Attacked | None:
    """Attack a sample; both are chosen by the seed."""
    rng = random.Random(seed)
    name = only or rng.choice(sorted(ATTACKS))
    return ATTACKS[name](rng, wholes, rng.choice(wholes))


def attack(wholes: Sequence[Whole], seed: int, number: int, only: str | None = None) -> Count:
    """Attack a sample by each seed from ``seed`` on, and count what is confirmed of it."""
    count = Count()
    for one in range(seed, seed + number):
        if made := attacked(wholes, one, only):
            count.damaged += 1
            seen = explanation_of(made.given, made.files, made.link_types)
            judge(count, made.truth, *seen, f"seed {one}, {made.story}")
    return count
