"""Reassembly of IP fragments (RFC 791 3.2, RFC 8200 4.5) with bounded memory and age.

Where fragments overlap, receivers differ: some keep the first bytes, some the last, and newer ones drop the
datagram (RFC 5722 4). Here the first ones stand, and the frames that disagree are named.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from ocsp_pcap.bounds import BOUNDS, reached

UNIT = 8
"""Fragments start at multiples of eight bytes."""
MAXIMUM_DATAGRAM = 0xFFFF
MAXIMUM_AGE = 60 * 10**9
"""Nanoseconds after its first fragment until a datagram is given up (RFC 8200 4.5)."""
MAXIMUM_EARLY = 1 << 16
"""Datagrams that are remembered to tell whether they may have begun earlier."""


class _Datagram:
    __slots__ = ("covered", "data", "disputed", "first_time", "length", "missing", "pieces")

    def __init__(self, time: int) -> None:
        self.first_time = time
        self.data = bytearray()
        self.covered = bytearray()
        self.missing = 0
        self.length: int | None = None
        self.pieces: list[tuple[int, int, int]] = []
        """Start, end and frame of each fragment."""
        self.disputed: set[int] = set()
        """Frames that bring other bytes for the same places, or another end."""

    def add(self, offset: int, more: bool, payload: bytes, frame: int) -> None:
        """Fill in what is not there yet: where fragments overlap the earlier one stands."""
        end = offset + len(payload)
        if len(self.data) < end:
            self.data += bytes(end - len(self.data))
        units = -(-end // UNIT)
        if len(self.covered) < units:
            self.missing += units - len(self.covered)
            self.covered += bytes(units - len(self.covered))
        first = offset // UNIT
        fresh = self.covered.count(0, first, units)
        if fresh == units - first:
            self.data[offset:end] = payload
        else:
            self._compare(offset, payload, frame)
        if 0 < fresh < units - first:
            for unit in range(first, units):
                if not self.covered[unit]:
                    start = unit * UNIT
                    self.data[start : min(start + UNIT, end)] = payload[
                        start - offset : start - offset + UNIT
                    ]
        self.covered[first:units] = b"\x01" * (units - first)
        self.missing -= fresh
        self.pieces.append((offset, end, frame))
        if not more:
            if self.length is None:
                self.length = end
            elif self.length != end:
                self._dispute({frame, *(own for _, last, own in self.pieces if last == self.length)})

    def _compare(self, offset: int, payload: bytes, frame: int) -> None:
        """Note which fragments hold other bytes for the same places."""
        there = self.data[offset : offset + len(payload)]
        if there == payload:
            return
        if len(self.disputed) >= BOUNDS.ambiguous_frames:
            reached("ambiguous_frames")
            return
        for start, end, own in self.pieces:
            low, high = max(start - offset, 0), min(end - offset, len(payload))
            if low < high and there[low:high] != payload[low:high]:
                self._dispute({own, frame})

    def _dispute(self, frames: set[int]) -> None:
        if len(self.disputed) < BOUNDS.ambiguous_frames:
            self.disputed |= frames
        else:
            reached("ambiguous_frames")

    def move(self, frames: int) -> None:
        """Count the frames of the fragments anew."""
        self.pieces = [(start, end, frame + frames) for start, end, frame in self.pieces]
        self.disputed = {frame + frames for frame in self.disputed}

    def complete(self) -> bytes | None:
        if self.length is None:
            return None
        units = -(-self.length // UNIT)
        if len(self.covered) > units:
            # Bytes after the last fragment: what counts is that everything up to it is there.
            return bytes(self.data[: self.length]) if not self.covered.count(0, 0, units) else None
        return bytes(self.data[: self.length]) if not self.missing else None


class Fragments:
    """Datagrams of which some fragments are known; the oldest give way where a bound is reached."""

    def __init__(self) -> None:
        self._datagrams: OrderedDict[Hashable, _Datagram] = OrderedDict()
        self._bytes = 0
        self._begins: int | None = None
        self._early: set[Hashable] = set()
        """Datagrams of fragments that came so early that others of them may have come before."""
        self.joined: list[int] = []
        """Frames of the fragments of which the last whole datagram was put together, in order of arrival."""
        self.disputed: tuple[int, ...] = ()
        """Those of them that disagree."""

    def __len__(self) -> int:
        return len(self._datagrams)

    def add(
        self, key: Hashable, offset: int, more: bool, payload: bytes, time: int, frame: int = 0
    ) -> bytes | None:
        """Take one fragment; return the payload of the whole datagram if this one completes it.

        ``offset`` is in bytes, ``time`` in nanoseconds; ``frame`` is where it stands.
        """
        if offset + len(payload) > MAXIMUM_DATAGRAM:
            return None
        self._forget(time)
        if self._begins is None:
            self._begins = time
        if time - self._begins <= MAXIMUM_AGE and len(self._early) <= MAXIMUM_EARLY:
            self._early.add(key)
        datagram = self._datagrams.get(key)
        if datagram is None:
            datagram = self._datagrams[key] = _Datagram(time)
        self._bytes -= len(datagram.data)
        datagram.add(offset, more, payload, frame)
        self._bytes += len(datagram.data)
        whole = datagram.complete()
        if whole is not None:
            self.joined = [own for _, _, own in datagram.pieces]
            self.disputed = tuple(sorted(datagram.disputed))
            self._drop(key)
        return whole

    def may_complete(self, earlier: Fragments) -> bool:
        """Tell whether fragments here may belong to datagrams that wait there, in the packets before."""
        begins = self._begins
        return begins is not None and any(
            begins - datagram.first_time <= MAXIMUM_AGE
            and (key in self._early or len(self._early) > MAXIMUM_EARLY)
            for key, datagram in earlier._datagrams.items()
        )

    def follow(self, later: Fragments, frames_before: int) -> None:
        """Wait for what another waits for, which counts frames from behind those before."""
        for key, datagram in later._datagrams.items():
            datagram.move(frames_before)
            self._datagrams[key] = datagram
        self._bytes += later._bytes

    def _forget(self, now: int) -> None:
        while self._datagrams:
            key, oldest = next(iter(self._datagrams.items()))
            if self._bytes > BOUNDS.fragment_bytes:
                reached("fragment_bytes")
            elif len(self._datagrams) >= BOUNDS.fragmented_datagrams:
                reached("fragmented_datagrams")
            elif now - oldest.first_time <= MAXIMUM_AGE:
                return
            self._drop(key)

    def _drop(self, key: Hashable) -> None:
        self._bytes -= len(self._datagrams.pop(key).data)
