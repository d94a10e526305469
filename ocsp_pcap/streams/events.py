"""Events of the TCP reassembler, for one direction of a stream."""

# No postponed annotations: named tuples would compile each of theirs, at every start.
from typing import NamedTuple, TypeAlias


class Data(NamedTuple):
    """Bytes in order, as far as one segment contributed them."""

    direction: int
    """0: sent by the host that sent the first packet of the stream; 1: by the other host."""
    frame: int
    """The frame that carried these bytes."""
    delivered_frame: int
    """The frame with whose arrival they became contiguous: later than ``frame`` after reordering."""
    time: int
    """Time of ``delivered_frame`` in nanoseconds since the epoch."""
    data: bytes
    segment_start: bool
    """These bytes begin where a TCP segment began."""


class Gap(NamedTuple):
    """Bytes that the capture does not hold: lost, filtered, or cut off by the snaplen."""

    direction: int
    frame: int
    """The first frame after the gap."""
    time: int
    length: int


class Close(NamedTuple):
    """The end of one direction by FIN, or of the stream by RST."""

    direction: int
    frame: int
    time: int
    reset: bool


class CopiesDiffer(NamedTuple):
    """Another copy of bytes that had been delivered was not the same."""

    direction: int
    frames: tuple[int, ...]
    """Those that brought the bytes that were delivered."""
    copy: int
    """The frame that brought others."""
    end: int
    """Sequence number after the last byte of which there are two copies."""


StreamEvent: TypeAlias = Data | Gap | Close | CopiesDiffer
