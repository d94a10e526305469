"""DNS over TCP (RFC 7766): the first bytes by which it is known, and the messages cut out of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from ocsp_pcap.dns.message import HEADER_LENGTH, TcpFraming

MAX_FIRST_MESSAGE: Final = 4096
"""Bytes of a message by which a TCP connection is recognised as DNS; later ones may be longer.

A TLS record begins with 0x1603, which would be a longer one."""
RECOGNISED: Final = 8
"""Bytes, with the length before the message, by which DNS over TCP is recognised."""
OPCODE: Final = 0x78
"""Mask of the opcode in the third octet of a message (RFC 1035 4.1.1); 0 is QUERY."""

Keep: TypeAlias = Callable[[int, int, int, bytes], bool]
"""Takes direction, frame, time and message; tells whether there is room for more."""


def begins_dns(data: bytes) -> bool | None:
    """Tell whether bytes of a TCP connection begin a DNS query or its answer; None: too few to tell.

    The length comes first (RFC 7766 8), then the header (RFC 1035 4.1.1) of a message with one question.
    """
    if len(data) >= 2 and not HEADER_LENGTH < int.from_bytes(data[:2], "big") <= MAX_FIRST_MESSAGE:
        return False
    if len(data) >= 5 and data[4] & OPCODE:
        return False
    if len(data) < RECOGNISED:
        return None
    return data[6:8] == b"\x00\x01"


class DnsStream:
    """Both directions of a TCP connection that carries DNS: bytes in, messages kept."""

    __slots__ = ("_framings", "_keep", "finished")

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._framings: list[TcpFraming | None] = [TcpFraming(), TcpFraming()]
        """None: bytes are missing, so that nothing tells where the next message begins."""
        self.finished = False
        """There is no room for more messages."""

    def receive(self, direction: int, data: bytes, frame: int, time: int, segment_start: bool) -> None:
        """Take the next bytes of one direction."""
        framing = self._framings[direction]
        if framing is None:
            if not segment_start or not begins_dns(data):
                return
            framing = self._framings[direction] = TcpFraming()
        for payload in framing.receive(data):
            if not self._keep(direction, frame, time, payload):
                self.finished = True
                return

    def gap(self, direction: int) -> None:
        """Note that bytes are missing: the next message is looked for where a segment begins."""
        self._framings[direction] = None
