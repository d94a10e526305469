"""TCP of one file of a set, read without the files before it.

A stream that the file shows from its SYN is read here, and if it is over by the end of the file, that is
all. The segments of other streams, and of those still open at the end, are set aside: whoever knows the
files before goes through them again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.decode.columns import SYN, TransportColumns
from ocsp_pcap.observe.names import DnsPacket
from ocsp_pcap.observe.rows import Rows, Spool
from ocsp_pcap.observe.tcp import DIRECTION_BITS, LIVE, Stream, TcpObserver, telling
from ocsp_pcap.observe.tools import Tools
from ocsp_pcap.streams.flows import FlowTable

ASIDE: Final = 8
"""The stream began before the file did: its segments are set aside."""
CUT: Final = 16
"""Of those there was no room for all."""


@dataclass(frozen=True, slots=True)
class TcpPart:
    """What the TCP streams of one file showed; streams and frames are counted from its beginning."""

    flows: FlowTable
    told: NDArray[np.bool_]
    """Streams that were read here and are over, or can tell nothing more."""
    aside: NDArray[np.bool_]
    """Streams whose first packet in the file is no SYN."""
    finished: list[Stream]
    rows: Rows
    """Segments of streams that are not told."""
    incomplete: dict[int, int]
    """Stream to the first frame of it that is missing in ``rows`` for lack of room."""
    quoted: frozenset[int]
    """Streams of which a SYN is quoted in an ICMP error, or may be cut off."""
    socks_frames: dict[int, int]
    dns: list[DnsPacket]
    forgotten: int
    gaps: int
    given_up: int


class TcpPartObserver(TcpObserver):
    """All TCP streams of one file. Call :meth:`part` at its end, instead of ``finish``."""

    def __init__(self, tools: Tools, *, first: bool) -> None:
        """``first``: no file comes before this one."""
        super().__init__(tools)
        self._first = first
        self._spool = Spool()
        self._quoted: set[int] = set()

    def receive(self, columns: TransportColumns) -> None:
        """Take one batch of segments."""
        before = len(self.flows)
        rows = self.flows.assign(columns)
        if not len(columns):
            return
        self._reserve()
        if columns.in_error.any():
            self._quoted.update(rows.stream[columns.in_error & ((columns.flags & SYN) != 0)].tolist())
        if not self._first:
            new = np.arange(before, len(self.flows))
            self._wanted[new[~self.flows.starts_with_syn(new)]] = ASIDE
        self._take(columns, rows.stream, rows.direction)
        kept = np.flatnonzero(telling(columns) & ((self._wanted[rows.stream] & (ASIDE | LIVE)) != 0))
        self._spool.keep(columns, kept, rows.stream[kept], rows.direction[kept])
        for number in self._spool.incomplete:
            if self._wanted[number] == ASIDE:
                self._wanted[number] = CUT
        if self._spool.full:
            self._spool.forget(self._kept())

    def _kept(self) -> NDArray[np.bool_]:
        """Tell which streams somebody has to go through again."""
        kept: NDArray[np.bool_] = (self._wanted & (ASIDE | CUT | LIVE)) != 0
        return kept

    def part(self) -> TcpPart:
        """Return what the file showed."""
        size = len(self.flows)
        kept = self._kept()
        return TcpPart(
            flows=self.flows,
            told=(self._wanted[:size] & (DIRECTION_BITS | ASIDE | CUT)) == 0,
            aside=(self._wanted[:size] & (ASIDE | CUT)) != 0,
            finished=self.finished,
            rows=self._spool.rows(kept),
            incomplete={number: frame for number, frame in self._spool.incomplete.items() if kept[number]},
            quoted=frozenset(self._quoted),
            socks_frames=self.socks_frames,
            dns=[packet for packet in self.dns.packets if not kept[packet.stream]],
            forgotten=self.dns.forgotten,
            gaps=self.gaps,
            given_up=self.given_up,
        )
