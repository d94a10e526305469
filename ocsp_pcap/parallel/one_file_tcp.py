"""TCP of one file of a set, read without the files before it.

A stream that the file shows from its SYN is read here, and if it is over by the end of the file, that is
all. The segments of other streams, and of those still open at the end, are set aside: whoever knows the
files before goes through them again.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ocsp_pcap.decode.columns import SYN, TransportColumns
from ocsp_pcap.observe.plain import LIVE
from ocsp_pcap.observe.rows import Spool
from ocsp_pcap.observe.tcp import DOZING, TcpObserver, telling
from ocsp_pcap.observe.tcp_stream import DIRECTION_BITS
from ocsp_pcap.observe.told import TcpPart
from ocsp_pcap.spoken.shared import Shared

ASIDE: Final = 8
"""The stream began before the file did: its segments are set aside."""
CUT: Final = 16
"""Of those there was no room for all."""
MAX_ASIDE_BYTES: Final = 8 << 20
MAX_ASIDE_STREAM_BYTES: Final = 1 << 13
"""A handshake that is under way where the file begins has not much more to say."""


class TcpPartObserver(TcpObserver):
    """All TCP streams of one file. Call :meth:`part` at its end, instead of ``finish``."""

    def __init__(self, shared: Shared, *, first: bool) -> None:
        """``first``: no file comes before this one."""
        super().__init__(shared)
        self._first = first
        self._aside = Spool(MAX_ASIDE_BYTES, MAX_ASIDE_STREAM_BYTES)
        self._open_spool = Spool()
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
        told = telling(columns)
        for spool, state in ((self._aside, ASIDE), (self._open_spool, LIVE)):
            kept = np.flatnonzero(told & ((self._wanted[rows.stream] & state) != 0))
            spool.keep(columns, kept, rows.stream[kept], rows.direction[kept])
        if self._aside.incomplete:
            self._wanted[list(self._aside.incomplete)] = CUT
        if self._open_spool.full:
            self._open_spool.forget((self._wanted & LIVE) != 0)

    def part(self) -> TcpPart:
        """Return what the file showed."""
        size = len(self.flows)
        is_open = (self._wanted & LIVE) != 0
        return TcpPart(
            flows=self.flows,
            told=(self._wanted[:size] & (DIRECTION_BITS | ASIDE | CUT)) == 0,
            dozing=(self._wanted[:size] & DOZING) != 0,
            tunnels=self._tunnels,
            aside=(self._wanted[:size] & (ASIDE | CUT)) != 0,
            finished=self.finished,
            rows=(self._aside.rows(np.ones(size, np.bool_)), self._open_spool.rows(is_open)),
            incomplete=self._aside.incomplete
            | {number: frame for number, frame in self._open_spool.incomplete.items() if is_open[number]},
            quoted=frozenset(self._quoted),
            socks_frames=self.socks_frames,
            dns=[packet for packet in self.dns.packets if not is_open[packet.stream]],
            forgotten=self.dns.forgotten,
            gaps=self.gaps,
            given_up=self.given_up,
        )
