"""The JSON object of a dataclass, made field by field from its plan: the measure of the compiled writer."""

from __future__ import annotations

from typing import Any

from ocsp_pcap.facts import plan
from ocsp_pcap.facts.times import time_text


def to_plain(value: Any) -> dict[str, Any]:
    """The JSON object of a dataclass of facts or results; facts say their kind first."""
    kind = getattr(type(value), "kind", None)
    head = {"kind": kind} if isinstance(kind, str) else {}
    members = plan.plan_of(type(value)).members
    return head | {member.name: _plain(member.shape, getattr(value, member.name)) for member in members}


def _plain(shape: plan.Shape, value: Any) -> Any:
    if value is None:
        return None
    match shape:
        case plan.Structure():
            return to_plain(value)
        case plan.Moment():
            return time_text(value)
        case plan.Pairs():
            return dict(value)
        case plan.Listing(element):
            return [_plain(element, item) for item in value]
        case _:
            return value
