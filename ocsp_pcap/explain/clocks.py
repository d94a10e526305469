"""Clocks of several captures: how far they differ, told from traffic that two of them hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ocsp_pcap.facts import HandshakeFact

SECOND = 10**9
NEGLIGIBLE = SECOND // 2
"""An offset below this is network latency, not a clock that is wrong."""
BIN = 2 * SECOND
"""Width within which differences of two visits count as the same offset."""
PLAUSIBLE = 3600 * SECOND
"""Visits in step further apart than this are not compared: the captures are of other times."""

MAX_VISITS = 2_000
MAX_VISITS_OF_ONE_HOST = 64
"""Enough to tell an offset; bounds keep a day's captures from being compared pair by pair."""


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """What to add to the times of one capture to bring them to the clock of the reference."""

    capture: str
    reference: str
    offset: int
    """Nanoseconds."""
    matches: int
    """Handshakes, or visits of one host, from which it was told."""
    same_packets: bool
    """Told from the very same handshakes in both captures, not only from visits of the same hosts."""

    @property
    def significant(self) -> bool:
        """The clocks really differ."""
        return abs(self.offset) >= NEGLIGIBLE


def clock_offsets(handshakes: Iterable[HandshakeFact]) -> tuple[ClockOffset, ...]:
    """Estimate the clock offset of every capture against the first one that shares traffic with it.

    The same ClientHello random in two captures dates the same packet, or the same hello relayed by a
    tunnelling proxy. Where there is none, visits of one host behind CONNECT and the visits that the
    parent makes for them are paired: the offset on which most of the pairs agree is taken, if at
    least two hosts agree on it.
    """
    by_capture: dict[str, list[HandshakeFact]] = defaultdict(list)
    for handshake in handshakes:
        by_capture[handshake.capture].append(handshake)
    shown = {name: _Shown(own) for name, own in by_capture.items()}
    names = list(shown)
    known: dict[str, ClockOffset] = {}
    for index, name in enumerate(names[1:], 1):
        told = [
            (_Told(*offset), reference)
            for reference in names[:index]
            if (offset := _compare(shown[reference], shown[name])) is not None
        ]
        if told:
            # Captures of other days may visit the same hosts in step: the nearest explanation is taken.
            best, reference = max(told, key=lambda item: item[0].weight)
            base = known[reference].offset if reference in known else 0
            root = known[reference].reference if reference in known else reference
            known[name] = ClockOffset(name, root, base - best.difference, best.matches, best.same_packets)
    return tuple(known.values())


class _Shown:
    """The handshakes of one capture, laid out to be compared with many others."""

    def __init__(self, handshakes: list[HandshakeFact]) -> None:
        self.handshakes = handshakes
        self.times = {h.client_random: h.time for h in handshakes if h.client_random}
        self.visits: dict[str, list[HandshakeFact]] = defaultdict(list)
        for handshake in handshakes:
            if host := handshake.sni or handshake.connect_host:
                self.visits[host].append(handshake)
        self.proxied = any(handshake.tunnel == "connect" for handshake in handshakes)


@dataclass(frozen=True, slots=True)
class _Told:
    """How far one capture's clock is ahead of another's, and what that rests on."""

    difference: int
    matches: int
    same_packets: bool

    @property
    def weight(self) -> tuple[bool, bool, int, int]:
        """Sort key: the same packets before visits in step, clocks that agree before those that differ."""
        agrees = abs(self.difference) < NEGLIGIBLE
        return self.same_packets, agrees, self.matches, -abs(self.difference)


def _compare(first: _Shown, second: _Shown) -> tuple[int, int, bool] | None:
    return _by_random(first, second) or _by_visits(first, second)


def _by_random(first: _Shown, second: _Shown) -> tuple[int, int, bool] | None:
    if first.times.keys().isdisjoint(second.times):
        return None
    differences = [
        handshake.time - first.times[handshake.client_random]
        for handshake in second.handshakes
        if handshake.client_random in first.times
    ]
    return _middle(differences), len(differences), True


def _middle(differences: Iterable[int]) -> int:
    # Only who compares captures pays for loading it.
    from statistics import median

    return int(median(differences))


def _may_be_legs(one: HandshakeFact, other: HandshakeFact) -> bool:
    """Two visits of a host may be legs of one request: one at least goes through a proxy, neither repeats.

    A host that comes back hours later shows the same pattern of visits, and tells nothing of clocks.
    """
    return (
        one.client != other.client and one.server != other.server and "connect" in (one.tunnel, other.tunnel)
    )


def _by_visits(first: _Shown, second: _Shown) -> tuple[int, int, bool] | None:
    if not (first.proxied or second.proxied) or first.visits.keys().isdisjoint(second.visits):
        return None
    differences: list[tuple[int, str]] = []
    for handshake in second.handshakes[:MAX_VISITS]:
        host = handshake.sni or handshake.connect_host or ""
        gaps = (
            handshake.time - other.time
            for other in first.visits.get(host, ())[:MAX_VISITS_OF_ONE_HOST]
            if _may_be_legs(other, handshake)
        )
        differences += [(gap, host) for gap in gaps if abs(gap) <= PLAUSIBLE]
    groups: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for difference, host in differences:
        # Two overlapping grids, so that a cluster on the border of one lies whole in the other.
        groups[2 * (difference // BIN)].append((difference, host))
        groups[2 * ((difference + BIN // 2) // BIN) + 1].append((difference, host))
    ranked = [
        (len({host for _, host in group}), len(group), -abs(middle), middle)
        for group in groups.values()
        if (middle := _middle(difference for difference, _ in group)) is not None
    ]
    hosts, matches, _, middle = max(ranked, default=(0, 0, 0, 0))
    if hosts == 0 or (hosts < 2 and abs(middle) >= NEGLIGIBLE):
        return None
    return middle, matches, False
