"""The answer of a block parser, in the shape that both formats share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture.batch import Bytes, Column
from ocsp_pcap.capture.chain import NONE

NOT_A_PACKET = -1
"""Link type of rows that Wireshark numbers as frames though they hold no packet, such as journal
entries; their lengths are 0."""

SNAPLEN_LIMIT = 262144
"""The longest packet that tcpdump and Wireshark accept on ordinary links."""
LARGE_SNAPLEN_LIMIT = 64 << 20
"""The same for the link types in LARGE_LINK_TYPES (Wireshark: 128 MiB, which no real record has)."""
# Values that old systems wrote as link type before LINKTYPE_ values existed, read as Wireshark does.
_PLATFORM_LINK_TYPES = {11: 100, 12: 101, 13: 109, 14: 101, 16: 106, 18: 106, 19: 106}

LARGE_LINK_TYPES = frozenset({189, 220, 231, 249, 279})
"""USB with either Linux header, D-Bus, USBPcap, EBHSCR."""


class FileDamage(NamedTuple):
    """Where in the buffer, and why, a capture cannot be read on."""

    position: int
    reason: str


@dataclass(slots=True, eq=False, repr=False)
class Parsed:
    """The packets of a part of the buffer; columns as in PacketBatch."""

    offset: Column
    captured_length: Column
    original_length: Column
    time: Column
    link_type: Column
    consumed: int
    """Position in the buffer up to which everything was read."""
    needed: int = 0
    """Bytes from ``consumed`` on without which the next record cannot be read; 0 where unknown."""
    damage: FileDamage | None = None
    timed: NDArray[np.bool_] | None = None
    """Which rows have a time of their own, where not all: the others repeat the one before."""

    def __len__(self) -> int:
        return len(self.offset)


def nothing(consumed: int, needed: int = 0, damage: FileDamage | None = None) -> Parsed:
    """Return an answer without packets."""
    return Parsed(NONE, NONE, NONE, NONE, NONE, consumed, needed, damage)


class BlockParser(Protocol):
    """Bytes in, packets out; keeps the state of one capture between blocks."""

    @property
    def snaplen(self) -> int | None:
        """The largest snapshot length so far; None where unlimited or unknown."""
        ...

    @property
    def dropped(self) -> int | None:
        """Packets reported as dropped so far; None where nothing was reported."""
        ...

    @property
    def evidence(self) -> str | None:
        """What evidence says of the one capture that it was chosen from; None: it is no evidence."""
        ...

    @property
    def secrets(self) -> list[bytes]:
        """TLS key log text so far, in file order."""
        ...

    def parse(self, buffer: Bytes, start: int, end: int, final: bool) -> Parsed:
        """Read the complete records of ``buffer[start:end]``; ``final`` where no more bytes follow.

        ``start`` is where the previous answer's ``consumed`` now stands. Never raises for bad input.
        """
        ...


def snaplen_limit(link_type: int) -> int:
    """Return the captured length above which a record header is taken for garbage."""
    return LARGE_SNAPLEN_LIMIT if link_type in LARGE_LINK_TYPES else SNAPLEN_LIMIT


def link_type_value(number: int) -> int:
    """Return the LINKTYPE_ value that a link type number in a file stands for."""
    return _PLATFORM_LINK_TYPES.get(number, number)
