"""Facts about which packets disagree, and the packets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, replace
from math import inf
from typing import TypeAlias, TypeVar

from ocsp_pcap.facts import (
    AmbiguousStream,
    CrlFetchFact,
    HandshakeFact,
    OcspExchangeFact,
    TcpAttemptFact,
    Transport,
)
from ocsp_pcap.observe.capture import Observation
from ocsp_pcap.observe.finished import FinishedStream, FinishedStreams

_Stream: TypeAlias = tuple[Transport, int]
"""Transport and number."""
Marked = TypeVar("Marked", HandshakeFact, OcspExchangeFact | CrlFetchFact | TcpAttemptFact)


class Disagreements:
    """The frames of one capture that disagree, by stream; facts take those that are about their bytes."""

    def __init__(self, observation: Observation) -> None:
        self._left: dict[_Stream, set[tuple[int, ...]]] = {}
        kinds: tuple[tuple[Transport, FinishedStreams, Callable[[int], int]], ...] = (
            ("tcp", observation.tcp.streams.finished, observation.tcp_stream),
            ("udp", observation.udp.finished, observation.udp_stream),
        )
        for transport, finished, number in kinds:
            for stream in finished.others:
                if stream.ambiguous:
                    self._left.setdefault((transport, number(stream.number)), set()).update(_moved(stream))

    def marked(self, facts: Sequence[Marked]) -> list[Marked]:
        """Return the facts, those that packets disagree about with the frames that do.

        Frames belong to the first message that was not over before the first of them, and to any other that
        was under way: one that never ends does not keep them from what follows it.
        """
        if not self._left:
            return list(facts)
        waiting: dict[_Stream, list[int]] = {}
        for index, fact in enumerate(facts):
            if isinstance(fact, TcpAttemptFact):
                continue
            transport: Transport = fact.transport if isinstance(fact, HandshakeFact) else "tcp"
            if (transport, fact.stream) in self._left:
                waiting.setdefault((transport, fact.stream), []).append(index)
        marked: list[Marked] = list(facts)
        for stream, indices in waiting.items():
            indices.sort(key=lambda index: _last(facts[index]))
            for frames in sorted(self._left[stream]):
                open_then: list[int] = [index for index in indices if _last(facts[index]) >= frames[0]]
                begun: list[int] = [index for index in open_then if _first(facts[index]) <= frames[-1]]
                for index in {*open_then[:1], *begun}:
                    self._left[stream].discard(frames)
                    marked[index] = _with_frames(marked[index], frames)
        return marked

    def left(self) -> tuple[AmbiguousStream, ...]:
        """Return the frames of TCP streams that disagree and are about no fact.

        A frame that is doubted alone (for urgent data) is left out: of such a stream nothing was read.
        """
        left = {
            stream: {frames for frames in groups if len(frames) > 1}
            for (transport, stream), groups in self._left.items()
            if transport == "tcp"
        }
        return tuple(
            AmbiguousStream(stream, tuple(sorted({frame for frames in groups for frame in frames})))
            for stream, groups in sorted(left.items())
            if groups
        )


def _moved(stream: FinishedStream) -> set[tuple[int, ...]]:
    return {tuple(frame + stream.frames_before for frame in frames) for frames in stream.ambiguous}


def _with_frames(fact: Marked, frames: tuple[int, ...]) -> Marked:
    if isinstance(fact, TcpAttemptFact):
        return fact
    return replace(fact, ambiguous=tuple(sorted({*fact.ambiguous, *frames})))


def _first(fact: HandshakeFact | OcspExchangeFact | CrlFetchFact | TcpAttemptFact) -> float:
    """Return the first frame of a message that is known."""
    return min((frame for frame in astuple(fact.frames) if frame is not None), default=inf)


def _last(fact: HandshakeFact | OcspExchangeFact | CrlFetchFact | TcpAttemptFact) -> float:
    """Return the frame in which a message ended; infinite where it did not, as far as is known."""
    if isinstance(fact, HandshakeFact):
        return fact.frames.finished if fact.complete and fact.frames.finished is not None else inf
    return fact.frames.response if fact.frames.response is not None else inf
