"""The bodies of pcapng blocks other than packets (draft-ietf-opsawg-pcapng), and interface clocks."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture.batch import Column
from ocsp_pcap.capture.parser import link_type_value

SECTION_HEADER = 0x0A0D0D0A
INTERFACE_DESCRIPTION = 1
OLD_PACKET = 2
SIMPLE_PACKET = 3
INTERFACE_STATISTICS = 5
ENHANCED_PACKET = 6
JOURNAL_EXPORT = 9
DECRYPTION_SECRETS = 10
CUSTOM_BLOCKS = frozenset({0x0BAD, 0x40000BAD})
SYSDIG_EVENTS = frozenset({0x204, 0x216, 0x221})

_TLS_KEY_LOG = 0x544C534B
_COMMENT, _NAME, _TSRESOL, _TSOFFSET = 1, 2, 9, 14
_EVIDENCE = b"ocsp-pcap evidence "
"""What the comment begins with by which an interface says which capture its packets were chosen from."""
_IFDROP, _OSDROP = 5, 7
_LATEST = (1 << 63) - 1
_SECOND = 1_000_000_000
_REALTIME = re.compile(rb"(?:^|\n)__REALTIME_TIMESTAMP=(\d{1,19})\n")


class Clock(NamedTuple):
    """The meaning of an interface's timestamps: if_tsresol and if_tsoffset."""

    resolution: int = 6
    """Negative power of ten, or of two with the high bit set."""
    offset: int = 0
    """Seconds to add."""

    def nanoseconds(self, stamps: NDArray[np.uint64]) -> Column:
        """Convert timestamps to nanoseconds since the epoch; the year 2262 ends what can be expressed."""
        exponent = self.resolution & 0x7F
        if self.resolution & 0x80:
            time = _from_binary(stamps, exponent)
        elif exponent <= 9:
            factor = 10 ** (9 - exponent)
            time = np.minimum(stamps, np.uint64(_LATEST // factor)).astype(np.int64) * factor
        else:
            # No stamp reaches a nanosecond where the divisor leaves the range of stamps.
            divisor = 10 ** (exponent - 9)
            whole = stamps // np.uint64(divisor) if divisor < 1 << 64 else np.zeros_like(stamps)
            time = np.minimum(whole, np.uint64(_LATEST)).astype(np.int64)
        if self.offset:
            half = 1 << 62
            offset = max(-half, min(self.offset * _SECOND, half - 1))
            time = np.clip(time, -half, half) + offset
        return time


def _from_binary(stamps: NDArray[np.uint64], exponent: int) -> Column:
    if exponent <= 34:
        shift = np.uint64(exponent)
        fraction = ((stamps & np.uint64((1 << exponent) - 1)) * np.uint64(_SECOND)) >> shift
        seconds = np.minimum(stamps >> shift, np.uint64(_LATEST // _SECOND - 1))
        time: Column = (seconds * np.uint64(_SECOND) + fraction).astype(np.int64)
        return time
    exact = [min(int(stamp) * _SECOND >> exponent, _LATEST) for stamp in stamps]
    return np.array(exact, np.int64)


class Interface(NamedTuple):
    """An Interface Description Block."""

    link_type: int
    snaplen: int
    """0 where unlimited."""
    clock: Clock
    name: str = ""
    evidence: str = ""
    """What an evidence capture says of the capture from which these packets were chosen."""


def read_interface(order: str, body: bytes) -> Interface | None:
    """Read the body of an Interface Description Block; None where it is too short."""
    if len(body) < 8:
        return None
    link_type, snaplen = struct.unpack_from(order + "HxxI", body)
    resolution, offset = 6, 0
    name = evidence = ""
    for code, value in options(order, body[8:]):
        if code == _TSRESOL and len(value) == 1:
            resolution = value[0]
        elif code == _TSOFFSET and len(value) == 8:
            (offset,) = struct.unpack(order + "q", value)
        elif code == _NAME:
            name = value.decode("utf-8", "replace")
        elif code == _COMMENT and value.startswith(_EVIDENCE):
            evidence = value.decode("ascii", "replace")
    return Interface(link_type_value(link_type), snaplen, Clock(resolution, offset), name, evidence)


def read_dropped(order: str, body: bytes) -> tuple[int, int] | None:
    """Read (interface, packets dropped) from the body of an Interface Statistics Block, if it tells."""
    if len(body) < 12:
        return None
    dropped: int | None = None
    for code, value in options(order, body[12:]):
        if code in (_IFDROP, _OSDROP) and len(value) == 8:
            (count,) = struct.unpack(order + "Q", value)
            # All ones is how writers say that they do not know.
            if count != (1 << 64) - 1:
                dropped = (dropped or 0) + count
    if dropped is None:
        return None
    (interface,) = struct.unpack_from(order + "I", body)
    return interface, dropped


def read_key_log(order: str, body: bytes) -> bytes | None:
    """Read the TLS key log text from the body of a Decryption Secrets Block, if it holds that."""
    if len(body) < 8:
        return None
    kind, length = struct.unpack_from(order + "II", body)
    return body[8 : 8 + length] if kind == _TLS_KEY_LOG else None


def read_event_time(kind: int, order: str, body: bytes) -> int | None:
    """Return the time, in nanoseconds, of a block that is numbered as a frame but holds no packet."""
    if kind in SYSDIG_EVENTS and len(body) >= 10:
        return min(int.from_bytes(body[2:10], "little" if order == "<" else "big"), _LATEST)
    if kind == JOURNAL_EXPORT:
        found = _REALTIME.search(body)
        return min(int(found[1]) * 1000, _LATEST) if found else None
    return None


def options(order: str, data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (code, value) of an option list, up to its end or the first one that does not fit."""
    position = 0
    while position + 4 <= len(data):
        code, length = struct.unpack_from(order + "HH", data, position)
        position += 4
        if code == 0 or position + length > len(data):
            return
        yield code, data[position : position + length]
        position += length + (-length % 4)
