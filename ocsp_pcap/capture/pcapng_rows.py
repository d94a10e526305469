"""Blocks of pcapng that are numbered as frames and read one by one: all but Enhanced Packet Blocks."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np

from ocsp_pcap.capture import pcapng_blocks as blocks
from ocsp_pcap.capture.batch import Bytes, Column
from ocsp_pcap.capture.parser import NOT_A_PACKET, snaplen_limit
from ocsp_pcap.capture.pcapng_state import FileState

CLAIMS_MORE = "the block is too short for the packet it claims to hold"
SINGLE_ROWS = frozenset(
    {blocks.SIMPLE_PACKET, blocks.OLD_PACKET, blocks.JOURNAL_EXPORT, *blocks.SYSDIG_EVENTS}
)
"""Types of such blocks, without those that hold no packet and no time."""


@dataclass(slots=True)
class SingleRows:
    """Packets found one by one, as columns; positions are those of their blocks."""

    position: list[int] = field(default_factory=list)
    offset: list[int] = field(default_factory=list)
    captured: list[int] = field(default_factory=list)
    original: list[int] = field(default_factory=list)
    time: list[int] = field(default_factory=list)
    timed: list[bool] = field(default_factory=list)
    link_type: list[int] = field(default_factory=list)

    def _add(
        self, position: int, offset: int, captured: int, original: int, time: int | None, link_type: int
    ) -> None:
        self.position.append(position)
        self.offset.append(offset)
        self.captured.append(captured)
        self.original.append(original)
        self.time.append(time or 0)
        self.timed.append(time is not None)
        self.link_type.append(link_type)

    def add_empty(self, positions: Column) -> None:
        """Add blocks that are numbered as frames but hold no packet and no time, all at once."""
        count = len(positions)
        self.position += positions.tolist()
        self.offset += positions.tolist()
        for column in (self.captured, self.original, self.time):
            column += [0] * count
        self.timed += [False] * count
        self.link_type += [NOT_A_PACKET] * count

    def take(self, kind: int, order: str, position: int, body: Bytes, state: FileState) -> str | None:
        """Add one block; return what is wrong with it where reading cannot go on."""
        if kind == blocks.SIMPLE_PACKET:
            return self._simple_packet(order, position, body, state)
        if kind == blocks.OLD_PACKET:
            return self._old_packet(order, position, body, state)
        time = blocks.read_event_time(kind, order, body.tobytes())
        self._add(position, position, 0, 0, time, NOT_A_PACKET)
        return None

    def _simple_packet(self, order: str, position: int, body: Bytes, state: FileState) -> str | None:
        if not state.count:
            return "a simple packet stands before the description of its interface"
        if len(body) < 4:
            return CLAIMS_MORE
        interface = state.interfaces[state.base]
        (original,) = struct.unpack_from(order + "I", body.data)
        captured = min(original, interface.snaplen) if interface.snaplen else original
        if captured > min(len(body) - 4, snaplen_limit(interface.link_type)):
            return CLAIMS_MORE
        self._add(position, position + 12, captured, original, None, interface.link_type)
        return None

    def _old_packet(self, order: str, position: int, body: Bytes, state: FileState) -> str | None:
        if len(body) < 20:
            return CLAIMS_MORE
        number, high, low, captured, original = struct.unpack_from(order + "HxxIIII", body.data)
        known = state.count
        if number >= known:
            return f"a packet names interface {number}, its section describes {known}"
        interface = state.interfaces[state.base + number]
        if captured > min(len(body) - 20, snaplen_limit(interface.link_type)):
            return CLAIMS_MORE
        time = int(interface.clock.nanoseconds(np.array([high << 32 | low], np.uint64))[0])
        self._add(position, position + 28, captured, original, time, interface.link_type)
        return None
