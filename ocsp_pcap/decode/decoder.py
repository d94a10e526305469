"""Packet batches to transport rows: the fast path, and the slow path for what it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.capture.batch import PacketBatch
from ocsp_pcap.decode.blocks import merge
from ocsp_pcap.decode.columns import TransportColumns
from ocsp_pcap.decode.fast import FastResult, decode_fast, first_level
from ocsp_pcap.decode.frames import Space
from ocsp_pcap.decode.undecoded import TOO_DEEP

if TYPE_CHECKING:
    from ocsp_pcap.decode.fragments import Fragments
    from ocsp_pcap.decode.slow import Handed, SlowPath


class DecodedBatch(NamedTuple):
    """The TCP segments and UDP datagrams of one packet batch."""

    tcp: TransportColumns
    udp: TransportColumns
    undecoded: dict[str, int]
    """Packets whose network layer could not be understood, by what they are: ``EtherType 0x88e5``."""
    truncated: int
    """Packets of which the capture holds less than there was on the wire."""


class Decoder:
    """Decodes the batches of one capture, in order; remembers fragments between batches."""

    def __init__(self) -> None:
        self._slow: SlowPath | None = None

    @property
    def fragments(self) -> Fragments | None:
        """Datagrams that wait for the rest of their fragments; None: no packet was looked at for that."""
        return None if self._slow is None else self._slow.fragments

    def follow(self, later: Fragments, frames_before: int) -> None:
        """Wait for what is left of packets that were decoded elsewhere, those that follow."""
        self._slow_path().fragments.follow(later, frames_before)

    def _slow_path(self) -> SlowPath:
        if self._slow is None:
            from ocsp_pcap.decode.slow import SlowPath

            self._slow = SlowPath()
        return self._slow

    @property
    def joined(self) -> Mapping[int, Sequence[int]]:
        """Frames of the fragments of each datagram put together last, by the frame that completes it."""
        return {} if self._slow is None else self._slow.joined

    def decode(self, batch: PacketBatch) -> DecodedBatch:
        """Return the transport rows of ``batch``; they refer to its buffer. Never raises on bad packets."""
        space = Space(batch.buffer)
        walk = FastResult(space)
        decode_fast(first_level(batch), walk)
        tcp, udp, extra = walk.tcp, walk.udp, b""
        disputed = None
        if walk.slow:
            extra = self._decode_rest(batch, walk)
            disputed = self._slow.disputed if self._slow is not None else None
        return DecodedBatch(
            tcp=merge(batch, tcp, extra, disputed),
            udp=merge(batch, udp, extra, disputed),
            undecoded=dict(walk.undecoded.counts),
            truncated=int(np.count_nonzero(batch.captured_length < batch.original_length)),
        )

    def _decode_rest(self, batch: PacketBatch, first: FastResult) -> bytes:
        """Add to ``first`` what the slow path makes of what it left; return what was reassembled.

        What the slow path finds inside packets is read as columns again, and that may leave more.
        """
        slow = self._slow_path()
        slow.begin()
        walks = [first]
        for _ in range(BOUNDS.rounds):
            handed: list[Handed] = []
            for walk in walks:
                if walk.slow:
                    found = slow.decode(batch, walk)
                    first.tcp.append(found.tcp)
                    first.udp.append(found.udp)
                    first.undecoded.update(found.undecoded.counts)
                    handed += found.handed
            if not handed:
                return slow.extra
            extra = slow.space()
            walks = []
            for each in handed:
                walk = FastResult(extra if each.in_extra else first.space, each.quoted)
                decode_fast(each.level, walk)
                first.tcp += walk.tcp
                first.udp += walk.udp
                if not each.quoted:
                    first.undecoded.update(walk.undecoded.counts)
                walks.append(walk)
        waiting = sum(len(piece) for walk in walks for piece in walk.waiting())
        if waiting:
            first.undecoded.add(TOO_DEEP, waiting)
            reached("rounds", waiting)
        return slow.extra
