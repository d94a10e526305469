"""Any facts, from their plan."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ocsp_pcap.facts.plan import (
    KINDS,
    Integer,
    Listing,
    Moment,
    Pairs,
    Shape,
    Structure,
    Text,
    Truth,
    plan_of,
)

__all__ = ["KINDS", "instances"]


def strategy(shape: Shape) -> st.SearchStrategy[Any]:
    """Values of a shape."""
    match shape:
        case Structure():
            return instances(shape.cls)
        case Text(choices) if choices:
            return st.sampled_from(choices)
        case Text():
            return st.text(st.characters(exclude_categories=()), max_size=8)
        case Pairs():
            pair = st.tuples(st.text(), st.text())
            return st.lists(pair, max_size=2, unique_by=lambda item: item[0]).map(tuple)
        case Listing(element):
            return st.lists(strategy(element), max_size=2).map(tuple)
        case Truth():
            return st.booleans()
        case Moment():
            return st.integers(-(10**18), 10**19)
        case Integer():
            return st.integers(0, 2**64)


def instances(cls: Any) -> st.SearchStrategy[Any]:
    """Instances of a dataclass of facts."""
    members = plan_of(cls).members
    return st.builds(
        cls,
        **{
            member.name: st.none() | strategy(member.shape) if member.optional else strategy(member.shape)
            for member in members
        },
    )
