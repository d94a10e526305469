"""DNS messages of a capture, kept until it is known which names matter: from UDP, and out of TCP."""

from __future__ import annotations

from functools import partial
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.facts import Transport
from ocsp_pcap.spoken.dns_stream import Keep
from ocsp_pcap.streams.joining import Joined

DNS_PORT: Final = 53


class DnsPacket(NamedTuple):
    """A DNS message as it was seen."""

    stream: int
    direction: int
    frame: int
    """In which it was complete."""
    time: int
    payload: bytes
    transport: Transport = "udp"


class DnsLog:
    """DNS messages in the order in which they came, within a bound on memory."""

    __slots__ = ("_bytes", "_max_bytes", "_successor", "_transport", "packets")

    def __init__(self, transport: Transport, max_bytes: int | None = None) -> None:
        self._transport = transport
        self._max_bytes = BOUNDS.dns_bytes if max_bytes is None else max_bytes
        self._bytes = 0
        self._successor: tuple[DnsLog, Joined, int] | None = None
        """Who keeps messages from now on, as which streams, and how many frames stand before."""
        self.packets: list[DnsPacket] = []

    def keep(self, stream: int, direction: int, frame: int, time: int, payload: bytes) -> bool:
        """Keep a message; return False where there is no room for more."""
        if self._successor is not None:
            log, joined, before = self._successor
            number, flipped = int(joined.number[stream]), int(joined.flipped[stream])
            return log.keep(number, direction ^ flipped, frame + before, time, payload)
        if self._bytes > self._max_bytes:
            reached("dns_bytes")
            return False
        self._bytes += len(payload) + 200
        self.packets.append(DnsPacket(stream, direction, frame, time, payload, self._transport))
        return True

    def adopt(
        self, other: DnsLog, joined: Joined, frames_before: int, wanted: NDArray[np.bool_] | None = None
    ) -> None:
        """Keep what another log kept of the files that follow, and what it is given from now on.

        It numbers streams as ``joined`` says; only those that are ``wanted`` count.
        """
        packets, other.packets = other.packets, []
        other._successor = self, joined, frames_before
        for packet in packets:
            if wanted is None or wanted[packet.stream]:
                other.keep(*packet[:5])

    def keeper(self, stream: int) -> Keep:
        """Return what keeps the messages of one stream."""
        # A lambda would keep observations from travelling between processes.
        return partial(self.keep, stream)
