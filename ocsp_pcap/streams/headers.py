"""The IP and TCP headers before a payload, read only where it is in doubt whether a receiver took a segment.

The fast path keeps no columns for this: that two copies disagree is rare, and then the bytes before the
payload tell it all.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, NamedTuple

HEADERS: Final = 120
"""Bytes before a payload that are kept: IPv4 and TCP headers of full length."""
TCP: Final = 6
IPV6_HEADER: Final = 40
NEAR: Final = 1 << 16
"""An RST further than this from what its receiver expects does not belong to the connection: windows may be
wider, but who resets a connection knows what was acknowledged."""
FAR: Final = 1 << 20
"""A segment or FIN this far beyond what the other side acknowledged was not in its window: larger windows are
rare, and where the capture lost so much, acknowledgments show it."""


class Checksum(Enum):
    """What the checksums of TCP (RFC 9293 3.1) and of IPv4's header (RFC 791 3.1) say of a segment."""

    RIGHT = auto()
    WRONG = auto()
    UNFINISHED = auto()
    """It is that of the pseudo-header alone, or 0: the sending host left it to its network interface."""
    UNKNOWN = auto()
    """Headers or payload are not whole in the capture."""


class Headers(NamedTuple):
    """Fields of a segment's headers that show whether its receiver took it."""

    hop_limit: int | None
    """TTL of IPv4, hop limit of IPv6."""
    checksum: Checksum
    timestamp: int | None
    """TSval of the timestamps option (RFC 7323 3.2)."""


UNKNOWN: Final = Headers(None, Checksum.UNKNOWN, None)


def read_headers(before: bytes, data: bytes, missing: int, sequence: int, acknowledgment: int) -> Headers:
    """Read the headers that end where a payload begins.

    Args:
        before: the bytes before the payload, up to :data:`HEADERS` of them.
        data: the payload as far as the capture holds it.
        missing: bytes of the payload that the capture cut off.
        sequence: sequence number in the header: what is taken for a TCP header must have it.
        acknowledgment: likewise.
    """
    numbers = sequence.to_bytes(4) + acknowledgment.to_bytes(4)
    for length in range(20, 64, 4):
        start = len(before) - length
        if start < 0:
            return UNKNOWN
        if before[start + 4 : start + 12] == numbers and before[start + 12] >> 4 == length >> 2:
            return _read(before, start, data, missing)
    return UNKNOWN


def _read(before: bytes, start: int, data: bytes, missing: int) -> Headers:
    segment_length = len(before) - start + len(data) + missing
    hop_limit, pseudo_header, spoilt = None, None, False
    for length in range(20, 64, 4):
        at = start - length
        if at < 0:
            break
        if before[at] == 0x40 | length >> 2 and before[at + 9] == TCP:
            hop_limit = before[at + 8]
            pseudo_header = before[at + 12 : at + 20] + TCP.to_bytes(2) + segment_length.to_bytes(4)
            # 0: it is not made yet. Else a header with its checksum sums up to zero.
            spoilt = before[at + 10 : at + 12] != b"\0\0" and bool(int.from_bytes(before[at:start]) % 0xFFFF)
            break
    else:
        at = -1
    if pseudo_header is None and start >= IPV6_HEADER:
        at = start - IPV6_HEADER
        if before[at] >> 4 == 6 and before[at + 6] == TCP:
            hop_limit = before[at + 7]
            pseudo_header = before[at + 8 : at + 40] + segment_length.to_bytes(4) + TCP.to_bytes(4)
    checksum = Checksum.WRONG if spoilt else Checksum.UNKNOWN
    if not spoilt and pseudo_header is not None and not missing:
        checksum = _checksum(pseudo_header, before[start:] + data)
    return Headers(hop_limit, checksum, _timestamp(before[start + 20 :]))


def _checksum(pseudo_header: bytes, segment: bytes) -> Checksum:
    """Judge a checksum; the sum of 16-bit words in ones' complement is the number modulo 0xFFFF."""
    whole = pseudo_header + segment + bytes(len(segment) & 1)
    if not int.from_bytes(whole) % 0xFFFF:
        return Checksum.RIGHT
    stored = int.from_bytes(segment[16:18])
    if not stored or stored % 0xFFFF == int.from_bytes(pseudo_header) % 0xFFFF:
        return Checksum.UNFINISHED
    return Checksum.WRONG


def _timestamp(options: bytes) -> int | None:
    at = 0
    while at < len(options):
        kind = options[at]
        if kind == 0:
            return None
        if kind == 1:
            at += 1
            continue
        if at + 1 >= len(options) or options[at + 1] < 2:
            return None
        if kind == 8 and options[at + 1] == 10 and at + 10 <= len(options):
            return int.from_bytes(options[at + 2 : at + 6])
        at += options[at + 1]
    return None
