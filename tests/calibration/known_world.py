"""A world of which everything is known, and the confirmed sightings that are not true of it.

Whatever is called confirmed has to be true, wherever anything in the facts shows what makes the difference:
worlds in which nothing does are not made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.facts import (
    CertificateFact,
    Fact,
    Facts,
)
from tests.unit.explain.facts_factory import (
    BEGIN,
    DAY,
    SECOND,
    facts,
)

LENGTH: Final = 1800
"""Seconds that a world lasts."""
ASKED: Final = frozenset(
    {"queried", "cached", "http-error", "no-response", "responder-unreachable", "dns-failed"}
    | {"failure-cached"}
)
"""Causes that say that it asked, or that it had asked."""


@dataclass
class Program:
    """One TLS client with its own cache, somewhere."""

    address: str
    fingerprint: str
    agent: str | None
    ttl: int | None
    asks: bool
    keeps: float | None
    """Seconds for which it keeps an answer; None: until nextUpdate."""
    keeps_failures: float
    heeds_staples: bool
    unprompted: float | None
    """Seconds after which it asks again by itself; None: never."""
    whole_chain: bool
    """It asks about intermediates, too."""
    crl: bool
    """It fetches a CRL where asking failed, or in place of asking."""
    held: dict[str, float] = field(default_factory=dict)
    failed: dict[str, float] = field(default_factory=dict)
    asked: dict[str, float] = field(default_factory=dict)


@dataclass
class World:
    """Facts, and the causes that are true of each handshake: (address of the validator, stream)."""

    story: str
    items: list[Fact] = field(default_factory=list)
    truth: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    proxy: Program | None = None
    """The one that intercepts."""
    alike: set[tuple[str, int]] = field(default_factory=set)
    """Handshakes beside which another of the same program showed the same certificate."""
    alike_for_issuer: set[tuple[str, int]] = field(default_factory=set)
    """The same for the intermediate, which comes with each."""
    lossy: bool = False
    """The capture lacks some of what there was, and tells so."""
    issuer: CertificateFact | None = None
    """An intermediate that comes along with every certificate; None: there is none."""
    of_issuer: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    """What is true of the intermediate in each handshake."""
    one_address: bool = False
    """All responders have the same address."""
    says_via: bool = False
    """A proxy that relays says so in what it hands on."""
    lasts: float = DAY
    """Seconds for which answers are good."""
    partial: bool = False
    """Of some exchanges one side is not in the capture, which tells so."""
    other_egress: bool = False
    """A proxy asks from another address than that from which it goes to origins; the site file has both."""
    two_captures: bool = False
    """What goes to responders stands in a capture of its own."""


def lies(made: World) -> Iterator[str]:
    """Yield every confirmed sighting of a world that is not true of it."""
    seen: Facts = facts(*made.items)
    by_stream = {(h.client, h.stream): h for h in seen.handshakes}
    for verdict in explain(seen, Context(**made.told)).verdicts:
        for sighting in verdict.sightings:
            key = (verdict.validator.address, sighting.stream)
            true = (made.truth if verdict.chain_role == "leaf" else made.of_issuer).get(key)
            if sighting.confidence != "confirmed" or not true or key not in by_stream:
                continue
            alike = made.alike if verdict.chain_role == "leaf" else made.alike_for_issuer
            if key in alike and true & ASKED and sighting.cause in ASKED:
                continue
            if sighting.cause not in true:
                at = (sighting.time - BEGIN) / SECOND
                yield f"{made.story}: {key[0]} at {at:.2f}: {', '.join(sorted(true))} -> {sighting.cause}"
