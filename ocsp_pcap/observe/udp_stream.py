"""A handshake of a UDP flow that is being read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ocsp_pcap.spoken.handshakes import HandshakeTracker

if TYPE_CHECKING:
    from ocsp_pcap.quic.connection import QuicConnection


@dataclass(slots=True, eq=False, repr=False)
class UdpStream:
    """A handshake (or those of one connection) of a UDP flow; a flow may have several."""

    number: int
    connection: QuicConnection
    tracker: HandshakeTracker
    client: int = 0
    """The direction in which the client sends."""
    last_frame: int = 0
    last_time: int = 0
    hello_seen: bool = False
    silent: int = 0
    """Datagrams since the last that showed something."""
    waiting: int = 0
    """Bytes that waited in its connection when this was last counted."""
    ambiguous: frozenset[tuple[int, ...]] = frozenset()
    """Frames of IP fragments that disagree about its datagrams."""
    frames_before: int = 0
    """To be added to frames: those of the files before the one that it was read in."""
