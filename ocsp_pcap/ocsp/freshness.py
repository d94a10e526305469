"""Whether a response says anything about a given moment (RFC 6960 3.2 rules 5 and 6, 4.2.2.1)."""

from __future__ import annotations

from typing import Literal, TypeAlias

from ocsp_pcap.ocsp.response import SingleResponse

Freshness: TypeAlias = Literal["fresh", "not_yet_valid", "stale", "no_next_update"]

DEFAULT_SKEW = 300 * 1_000_000_000
"""Nanoseconds by which the clocks of responder, validator and capture may differ."""


def freshness(single: SingleResponse, at: int, skew: int = DEFAULT_SKEW) -> Freshness:
    """Tell how a single response stands at a moment; ``at`` and ``skew`` are in nanoseconds.

    ``no_next_update``: newer information is available all the time (RFC 6960 2.4), so how long it may be
    used is the validator's own decision.
    """
    if at < single.this_update - skew:
        return "not_yet_valid"
    if single.next_update is None:
        return "no_next_update"
    return "stale" if at > single.next_update + skew else "fresh"
