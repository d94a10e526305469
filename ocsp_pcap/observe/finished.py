"""The TCP or UDP streams of a capture that are over, held small: there may be a million.

Nearly all showed one handshake and nothing else. What is its own of such a one is packed into a string of
bytes, which takes a fifth of the objects; its traits stay as they are, for others have the same.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from marshal import dumps, loads

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.spoken.seen import SeenHandshake, Spoken, Traits, Tunnel


@dataclass(slots=True, eq=False, repr=False)
class FinishedStream:
    """A stream that is over, or of which nothing more can matter."""

    number: int
    spoken: Spoken
    started_mid_stream: bool = False
    ambiguous: frozenset[tuple[int, ...]] = frozenset()
    """Frames that disagree about its bytes, in order."""
    frames_before: int = 0
    """To be added to frames: those of the files before the one that it was read in."""


class FinishedStreams:
    """Streams that are over, or muted, and showed something; of UDP one for each connection on them."""

    def __init__(self) -> None:
        self.others: list[FinishedStream] = []
        """Those that are not packed."""
        self.traits: list[Traits] = []
        """Of those that are packed, one after the other."""
        self._packed: list[bytes] = []
        self._numbers, self._times, self._before = array("q"), array("q"), array("q")
        self._fresh: list[FinishedStream] = []

    def __len__(self) -> int:
        return len(self._packed) + len(self.others) + len(self._fresh)

    def __iter__(self) -> Iterator[FinishedStream]:
        """Yield all streams, those that are packed first."""
        yield from map(self.packed, range(len(self._packed)))
        yield from self.others
        yield from self._fresh

    def add(self, *streams: FinishedStream) -> None:
        """Take streams, of which something may still be noted until :meth:`pack`."""
        self._fresh += streams

    def pack(self) -> None:
        """Pack what was added."""
        for stream in self._fresh:
            client, swapped, tunnel, handshakes, exchanges, inner = stream.spoken
            if stream.ambiguous or exchanges or inner is not None or not handshakes or len(handshakes) > 1:
                self.others.append(stream)
                continue
            (handshake,) = handshakes
            way = client, swapped, tunnel and tuple(tunnel), stream.started_mid_stream
            packed = dumps((way, handshake[1:-1]))
            self._append(stream.number, handshake.time, stream.frames_before, packed, handshake.traits)
        self._fresh.clear()

    def _append(self, number: int, time: int, frames_before: int, packed: bytes, traits: Traits) -> None:
        self._numbers.append(number)
        self._times.append(time)
        self._before.append(frames_before)
        self._packed.append(packed)
        self.traits.append(traits)

    def adopt(
        self, other: FinishedStreams, number: Mapping[int, int], frames_before: int
    ) -> Iterator[FinishedStream]:
        """Take over streams that others read; yield those of which only some may be kept.

        Args:
            other: has packed what was added to it.
            number: the numbers that those of its streams have here which are taken over.
            frames_before: frames of the files before.
        """
        left = [stream for stream in other.others if stream.number in number]
        for place, (theirs, traits) in enumerate(zip(other._numbers, other.traits, strict=True)):
            own = number.get(theirs)
            if own is None:
                continue
            if traits.cipher is None:
                left.append(other.packed(place))
            else:
                self._append(own, other._times[place], frames_before, other._packed[place], traits)
        for stream in left:
            stream.number, stream.frames_before = number[stream.number], frames_before
            yield stream

    def packed(self, place: int) -> FinishedStream:
        """Return a stream that is packed."""
        # Nobody else writes these bytes.
        way, own = loads(self._packed[place])  # noqa: S302
        client, swapped, tunnel, mid_stream = way
        handshake = SeenHandshake._make((self._times[place], *own, self.traits[place]))
        spoken = Spoken(client, swapped, tunnel and Tunnel(*tunnel), (handshake,), (), None)
        return FinishedStream(self._numbers[place], spoken, mid_stream, frames_before=self._before[place])

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The numbers of those that are packed."""
        return np.array(self._numbers, np.int64)

    @property
    def times(self) -> NDArray[np.int64]:
        """When their handshakes began."""
        return np.array(self._times, np.int64)
