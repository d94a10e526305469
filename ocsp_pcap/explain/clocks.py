"""Clocks of captures: how far they differ from each other, and from the times that packets themselves state.

Times are compared within one capture, or after the offset between two captures is known from traffic that
both hold. What is compared with a time that someone else wrote (thisUpdate, nextUpdate, a validity, a line
of a trace) can only be as sure as the capture's clock is: :data:`TOLERANCE` is what is usual.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.explain.spans import TIME
from ocsp_pcap.facts import (
    CrlFetchFact,
    DnsLookupFact,
    Facts,
    HandshakeFact,
    OcspExchangeFact,
    ResponseFact,
    SingleFact,
    TcpAttemptFact,
)

Dated: TypeAlias = OcspExchangeFact | CrlFetchFact | DnsLookupFact | TcpAttemptFact

SECOND = 10**9
TOLERANCE = 300 * SECOND
"""Clocks are hardly ever further off than this, and often enough nearly as much."""
ROUNDING = 2 * SECOND
"""A Date is written in whole seconds, a moment before it is captured."""
AGREEING = 10 * SECOND
"""Clocks that were seen to agree are not further off than this."""
UNKNOWN_CLOCKS = 600 * SECOND
"""Clocks of two captures that share no traffic hardly differ by more."""
NOTICEABLE_STEP = SECOND // 2
"""A clock that goes back by this much within a capture was set while it ran."""
NEGLIGIBLE = SECOND // 2
"""An offset below this is network latency, not a clock that is wrong."""
DISORDER = 50 * 10**6
"""Packets of several connections may be out of order by this: threads that capture stamp what they read."""
BIN = 2 * SECOND
"""Width within which differences of two visits count as the same offset."""
PLAUSIBLE = 3600 * SECOND
"""Visits in step further apart than this are not compared: the captures are of other times."""

NEAREST = 64
"""Visits of one host, in another capture, with which one is compared where there are too many for all."""


class ClockOffset(NamedTuple):
    """Nanoseconds to add to the times of one capture to bring them to the clock of the reference."""

    capture: str
    reference: str
    offset: int
    """Nanoseconds."""
    matches: int
    """Handshakes, or visits of one host, from which it was inferred."""
    same_packets: bool
    """Inferred from the very same handshakes in both captures, not only from visits of the same hosts."""
    sampled: bool = False
    """Inferred from some of the visits only: a bound of the program was reached before all were compared."""

    @property
    def significant(self) -> bool:
        """The clocks really differ."""
        return abs(self.offset) >= NEGLIGIBLE


class Clocks:
    """The clocks of a run's captures. Built once, only read afterwards."""

    def __init__(self, facts: Facts) -> None:
        self.offsets: dict[str, ClockOffset] = {
            offset.capture: offset for offset in clock_offsets(facts.handshakes)
        }
        self._steps = {capture.path: capture.step_back for capture in facts.captures}
        self._dates: dict[str, list[int]] = defaultdict(list)
        """Capture: the times in Date headers, in order."""
        self._lags: dict[str, list[int]] = defaultdict(list)
        """Capture: by how much later each of them was captured, in order."""
        self._behind: dict[str, int] = {}
        """Capture: by how much at most a time that a packet's sender wrote into it is after its capturing."""
        for exchange in facts.ocsp_exchanges:
            seen = exchange.response_time if exchange.response_time is not None else exchange.time
            if exchange.date is not None:
                self._dates[exchange.capture].append(exchange.date)
                self._lags[exchange.capture].append(seen - exchange.date)
            for stated in (exchange.date, _produced(exchange.response)):
                self._state(exchange.capture, stated, seen)
        for handshake in facts.handshakes:
            seen = handshake.end_time if handshake.end_time is not None else handshake.time
            for staple in handshake.staples:
                self._state(handshake.capture, _produced(staple), seen)
        for times in (*self._dates.values(), *self._lags.values()):
            times.sort()

    def _state(self, capture: str, stated: int | None, seen: int) -> None:
        if stated is not None:
            self._behind[capture] = max(stated - seen, self._behind.get(capture, stated - seen))

    def bring(self, capture: str, time: int) -> int:
        """Bring a time of one capture to the reference clock."""
        offset = self.offsets.get(capture)
        return time + offset.offset if offset is not None and offset.significant else time

    def moment(self, fact: Dated) -> int:
        """Return the time of a fact by the reference clock."""
        return self.bring(fact.capture, fact.time)

    def comparable(self, capture: str, other: str) -> bool:
        """Times of two captures can be compared: one capture, or traffic in both shows their offset."""

        def root(path: str) -> str:
            offset = self.offsets.get(path)
            return path if offset is None else offset.reference

        return root(capture) == root(other)

    def sampled(self, *captures: str) -> bool:
        """The offset of one of some captures is inferred from some visits only."""
        return any((known := self.offsets.get(path)) is not None and known.sampled for path in captures)

    def steps_back(self, capture: str) -> int | None:
        """Return by how many nanoseconds this capture's clock was set back meanwhile; None: it was not."""
        step = self._steps.get(capture, 0)
        return step if step >= NOTICEABLE_STEP else None

    def disordered(self, capture: str) -> bool:
        """Tell whether packets stand a little behind others that are later, as several queues leave them."""
        return 0 < self._steps.get(capture, 0) < NOTICEABLE_STEP

    def disorder(self, capture: str) -> int:
        """Return within how many nanoseconds the order of packets of two connections tells nothing."""
        return max(DISORDER, self._steps.get(capture, 0) if self.disordered(capture) else 0)

    def behind(self, capture: str) -> int:
        """Return by how many nanoseconds a capture's clock is behind its own packets; 0: it is not.

        The Date of an answer (RFC 9110 6.6.1) and the producedAt of an OCSP response (RFC 6960 4.2.2.1) are
        written before the answer is captured.
        """
        return self._behind.get(capture, 0)

    def ahead(self, capture: str) -> int:
        """Return by how much a capture's clock is ahead of every Date in its answers; 0: it is not.

        One old Date is that of an answer from a cache; several that are all late by as much are not.
        """
        lags = self._lags.get(capture, [])
        even = len(lags) >= 3 and lags[0] > TOLERANCE and lags[-1] - lags[0] < TOLERANCE
        return lags[0] if even else 0

    def late(self, capture: str) -> int:
        """Return by how much every Date in a capture's answers is late; 0: one agrees, or there is none.

        The clock may be ahead by as much, or each of the answers came out of a cache. Where a capture holds
        no Date, those of the others count, which may be by the same clock.
        """
        if capture in self._lags:
            return max(self._lags[capture][0], 0)
        return max(min((lags[0] for lags in self._lags.values()), default=0), 0)

    def dated_within(self, capture: str, single: SingleFact) -> bool:
        """Tell whether an answer of this capture bears a Date at which a response was valid."""
        dates, end = self._dates.get(capture, []), single.next_update
        first = bisect_left(dates, single.this_update)
        return end is not None and first < len(dates) and dates[first] <= end

    def off_by(self, capture: str) -> int:
        """Return by how many nanoseconds a time of this capture may be wrong when someone else's is compared.

        Where answers bear a Date that agrees with the capture's clock, that is by how far the two can differ.
        """
        differ = (abs(offset.offset) for offset in self.offsets.values() if offset.significant)
        lags = self._lags.get(capture, [])
        first = bisect_left(lags, -ROUNDING)
        agree = first < len(lags) and lags[first] <= ROUNDING
        usual = AGREEING if agree else TOLERANCE
        return max(usual, self.behind(capture), self.ahead(capture), max(differ, default=0))


def _produced(response: ResponseFact | None) -> int | None:
    """Return the producedAt of an answer, where it lies within what the answer itself says it is good for."""
    if response is None or response.produced_at is None:
        return None
    ends = [single.next_update for single in response.singles if single.next_update is not None]
    return response.produced_at if all(response.produced_at <= end for end in ends) else None


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
        inferred = [
            (difference, reference)
            for reference in names[:index]
            if (difference := _compare(shown[reference], shown[name])) is not None
        ]
        if inferred:
            # Captures of other days may visit the same hosts in step: the nearest explanation is taken.
            best, reference = max(inferred, key=lambda item: item[0].weight)
            base = known[reference].offset if reference in known else 0
            root = known[reference].reference if reference in known else reference
            sampled = best.sampled or (reference in known and known[reference].sampled)
            offset = base - best.difference
            known[name] = ClockOffset(name, root, offset, best.matches, best.same_packets, sampled)
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


class _Inferred(NamedTuple):
    """How far one capture's clock is ahead of another's, and what that rests on."""

    difference: int
    matches: int
    same_packets: bool
    sampled: bool = False

    @property
    def weight(self) -> tuple[bool, bool, int, int]:
        """Sort key: the same packets before visits in step, clocks that agree before those that differ."""
        agrees = abs(self.difference) < NEGLIGIBLE
        return self.same_packets, agrees, self.matches, -abs(self.difference)


def _compare(first: _Shown, second: _Shown) -> _Inferred | None:
    return _by_random(first, second) or _by_visits(first, second)


def _by_random(first: _Shown, second: _Shown) -> _Inferred | None:
    if first.times.keys().isdisjoint(second.times):
        return None
    differences = [
        handshake.time - first.times[handshake.client_random]
        for handshake in second.handshakes
        if handshake.client_random in first.times
    ]
    return _Inferred(_middle(differences), len(differences), True)


def _middle(differences: Iterable[int]) -> int:
    # Only who compares captures pays for loading it.
    from statistics import median

    return int(median(differences))


def _may_be_legs(one: HandshakeFact, other: HandshakeFact) -> bool:
    """Two visits of a host may be legs of one request: one at least goes through a proxy, neither repeats.

    A host that comes back hours later shows the same pattern of visits, and says nothing of clocks.
    """
    return (
        one.client != other.client and one.server != other.server and "connect" in (one.tunnel, other.tunnel)
    )


def _by_visits(first: _Shown, second: _Shown) -> _Inferred | None:
    if not (first.proxied or second.proxied):
        return None
    visits = [(host, visit) for host, own in second.visits.items() if host in first.visits for visit in own]
    if not visits:
        return None
    pairs = sum(len(first.visits[host]) for host, _ in visits)
    sampled, every, most = pairs > BOUNDS.clock_pairs, 1, len(first.handshakes)
    if sampled:
        # Visits all over the capture, those of each host as many as its share in all.
        every, most = -(-len(visits) * NEAREST // BOUNDS.clock_pairs), NEAREST
        reached("clock_pairs")
    differences: list[tuple[int, str]] = []
    for host, handshake in visits[::every]:
        others = first.visits[host]
        begin = bisect_left(others, handshake.time, key=TIME) - most // 2
        begin = max(0, min(begin, len(others) - most))
        gaps = (
            handshake.time - other.time
            for other in others[begin : begin + most]
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
    return _Inferred(middle, matches, False, sampled)
