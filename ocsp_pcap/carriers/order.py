"""Puts numbered packets in order and tells where some are missing."""

from __future__ import annotations

from typing import Final, NamedTuple

MAXIMUM_WAITING: Final = 32
"""Packets held behind a hole before it counts as lost; receive windows of real endpoints are smaller."""
MAXIMUM_WAITING_BYTES: Final = 1 << 17
MAXIMUM_AHEAD: Final = 4096
"""A packet further ahead than this belongs to no window."""


class Carried(NamedTuple):
    """Bytes of one direction of one TLS session, as a carrier brought them, in order."""

    session: int
    """Counts the sessions of one carrier from 0."""
    direction: int
    data: bytes
    frame: int
    """The frame that delivered them: where they waited behind a hole, the one that filled it."""
    time: int
    missing: int = 0
    """Bytes that are missing before ``data``, estimated from the size of the packets that came."""


class _Waiting(NamedTuple):
    data: bytes
    frame: int
    time: int


class PacketOrder:
    """One direction of one session; the first copy of a packet wins.

    ``first`` is the number of the first packet, None where it is that of the first packet that comes.
    """

    __slots__ = ("_largest", "_modulus", "_waiting", "_waiting_bytes", "direction", "expected", "session")

    def __init__(self, session: int, direction: int, modulus: int, first: int | None) -> None:
        self.session = session
        self.direction = direction
        self.expected = first
        self._modulus = modulus
        self._waiting: dict[int, _Waiting] = {}
        self._waiting_bytes = 0
        self._largest = 1

    def receive(self, number: int, data: bytes, frame: int, time: int) -> list[Carried]:
        """Take a packet and return what is in order now. Packets without data count too."""
        if self.expected is None:
            self.expected = number
        ahead = (number - self.expected) % self._modulus
        if ahead > MAXIMUM_AHEAD or number in self._waiting:
            return []
        self._largest = max(self._largest, len(data))
        found: list[Carried] = []
        if ahead:
            self._waiting[number] = _Waiting(data, frame, time)
            self._waiting_bytes += len(data)
            if len(self._waiting) > MAXIMUM_WAITING or self._waiting_bytes > MAXIMUM_WAITING_BYTES:
                self._give_up(found, frame, time)
            return found
        self._deliver(_Waiting(data, frame, time), frame, time, 0, found)
        self._drain(frame, time, found)
        return found

    def flush(self) -> list[Carried]:
        """Give up every hole: nothing more will come."""
        found: list[Carried] = []
        while self._waiting:
            last = max(self._waiting.values(), key=lambda packet: packet.frame)
            self._give_up(found, last.frame, last.time)
        return found

    def _deliver(self, packet: _Waiting, frame: int, time: int, lost: int, found: list[Carried]) -> None:
        assert self.expected is not None
        self.expected = (self.expected + 1) % self._modulus
        if packet.data or lost:
            found.append(
                Carried(self.session, self.direction, packet.data, frame, time, lost * self._largest)
            )

    def _drain(self, frame: int, time: int, found: list[Carried]) -> None:
        assert self.expected is not None
        while self._waiting:
            packet = self._waiting.pop(self.expected, None)
            if packet is None:
                return
            self._waiting_bytes -= len(packet.data)
            self._deliver(packet, frame, time, 0, found)

    def _give_up(self, found: list[Carried], frame: int, time: int) -> None:
        """Count the packets before the nearest one that waits as lost."""
        expected = self.expected
        assert expected is not None
        nearest = min(self._waiting, key=lambda number: (number - expected) % self._modulus)
        lost = (nearest - expected) % self._modulus
        packet = self._waiting.pop(nearest)
        self._waiting_bytes -= len(packet.data)
        self.expected = nearest
        self._deliver(packet, frame, time, lost, found)
        self._drain(frame, time, found)
