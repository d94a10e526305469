"""A TCP stream that is being read: its conversation, the reassembly of both sides, and what was noticed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from ocsp_pcap.observe.finished import FinishedStream
from ocsp_pcap.observe.rows import Row
from ocsp_pcap.spoken.conversation import Conversation
from ocsp_pcap.streams.reassembly import Reassembler

DIRECTION_BITS: Final = 3

Entry: TypeAlias = tuple[Row, bytes, bytes]
"""A row, the bytes before its payload, and its payload."""


class Reset(NamedTuple):
    """An RST that a receiver may have taken."""

    direction: int
    frame: int
    time: int
    sent: int
    """Sequence number that its direction had come to."""


@dataclass(slots=True, eq=False, repr=False)
class TcpStream:
    """A stream that is being read."""

    number: int
    conversation: Conversation
    sides: tuple[Reassembler, ...]
    first_time: int
    """Of the first row that was read."""
    gaps: int = 0
    closed: int = 0
    """Bit 0, 1: a FIN of that direction; both: RST."""
    last_frame: int = 0
    last_time: int = 0
    started_mid_stream: bool = False
    late: bool = False
    """Something else was spoken before it was read."""
    frames_before: int = 0
    """To be added to frames: those of the files before the one that it was read in."""
    lingering: bool = False
    wanted: int = DIRECTION_BITS
    """Directions (bits) of which further bytes can matter."""
    skipped: int = 0
    """Directions (bits) that were not wanted for a while, so that bytes of them may have passed."""
    entries: list[Entry] | None = field(default_factory=list)
    """What was read so far, to read it again without what the receiver did not take; None: too much."""
    forgotten: bool = False
    """These were dropped for the bound on the bytes of all connections."""
    size: int = 0
    """Bytes that these take."""
    waiting: int = 0
    """Bytes that waited in reassembly and parsers when this was last counted."""
    refused: frozenset[int] = frozenset()
    """Frames that the receiver did not take."""
    outside: frozenset[int] = frozenset()
    """Frames that lay outside their receiver's window."""
    ambiguous: frozenset[tuple[int, ...]] = frozenset()
    """Frames, in order, that disagree about the same bytes, or that a receiver may not have taken."""
    judged: frozenset[tuple[int, ...]] = frozenset()
    """Frames whose bytes were compared with those of the last one."""
    rereadings: int = 0
    read_again: bool = False
    """A receiver took other packets than those that were read."""
    reset: Reset | None = None
    after_reset: tuple[int, ...] = ()
    """Frames of what its sender sent behind that, which nobody has acknowledged yet."""

    def want(self, directions: int) -> bool:
        """Note of which directions (bits) bytes can matter from now on; return whether that is news."""
        if directions == self.wanted:
            return False
        self.skipped |= ~directions & DIRECTION_BITS
        self.wanted = directions
        return True

    def counted(self, rows: list[Row]) -> list[Row]:
        """Return rows with their frames counted as this stream counts."""
        before = self.frames_before
        return [(*row[:2], row[2] - before, *row[3:]) for row in rows] if before else rows

    def finished(self) -> FinishedStream:
        """Return what is kept of the stream once it is over."""
        return FinishedStream(
            self.number,
            self.conversation.result(),
            self.started_mid_stream,
            self.ambiguous,
            self.frames_before,
        )
