"""The report on one file of a set by somebody who did not know the files before it.

The observers of a capture take it in (``match``, then ``join``) in place of the packets of that file.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.observe.dns_log import DnsPacket
from ocsp_pcap.observe.rows import Rows
from ocsp_pcap.observe.tcp_stream import ToldStream
from ocsp_pcap.observe.udp_stream import UdpStream
from ocsp_pcap.records import dataclass
from ocsp_pcap.spoken.seen import Tunnel
from ocsp_pcap.streams.flows import FlowTable


@dataclass(frozen=True, slots=True)
class TcpPart:
    """What the TCP streams of one file showed; streams and frames are counted from its beginning."""

    flows: FlowTable
    told: NDArray[np.bool_]
    """Streams that were read here and are over, or can tell nothing more."""
    dozing: NDArray[np.bool_]
    """Those among them that may begin to tell something yet."""
    tunnels: dict[int, Tunnel]
    """What the bytes of these travel behind."""
    aside: NDArray[np.bool_]
    """Streams whose first packet in the file is no SYN."""
    finished: list[ToldStream]
    rows: tuple[Rows, Rows]
    """Segments of streams that began before, and of those that are open."""
    incomplete: dict[int, int]
    """Stream to the first frame of it that is missing in ``rows`` for lack of room."""
    quoted: frozenset[int]
    """Streams of which a SYN is quoted in an ICMP error, or may be cut off."""
    socks_frames: dict[int, int]
    dns: list[DnsPacket]
    forgotten: int
    gaps: int
    given_up: int


@dataclass(frozen=True, slots=True)
class UdpPart:
    """What the UDP flows of one file showed; flows and frames are counted from its beginning."""

    flows: FlowTable
    state: NDArray[np.int8]
    begun: dict[int, int]
    randoms: dict[int, set[bytes]]
    open: frozenset[int]
    """Flows with a connection that may go on in the next file."""
    finished: list[UdpStream]
    open_rows: Rows
    """Datagrams of flows that are open."""
    open_incomplete: dict[int, int]
    """Flow to the first frame of it that is missing there for lack of room."""
    early_rows: Rows
    """The first datagrams of each flow."""
    early_incomplete: dict[int, int]
    dns: list[DnsPacket]
    forgotten: int
