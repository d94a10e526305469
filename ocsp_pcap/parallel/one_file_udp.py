"""UDP of one file of a set, read without the files before it.

Nothing in a datagram tells that a flow begins with it. A file is read as if all its flows did; the first
datagrams of each are set aside, and those of connections that are still open at the end of the file, for
whoever knows the files before to go through again.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.decode.columns import TransportColumns
from ocsp_pcap.observe.rows import Spool
from ocsp_pcap.observe.told import UdpPart
from ocsp_pcap.observe.udp import UdpObserver
from ocsp_pcap.observe.udp_stream import UdpStream
from ocsp_pcap.spoken.shared import Shared

MAX_EARLY_BYTES: Final = 8 << 20
MAX_EARLY_FLOW_BYTES: Final = 1 << 14


class UdpPartObserver(UdpObserver):
    """All UDP flows of one file. Call :meth:`part` at its end, instead of ``finish``."""

    def __init__(self, shared: Shared, *, first: bool) -> None:
        """``first``: no file comes before this one."""
        super().__init__(shared)
        self._first = first
        self._early = Spool(MAX_EARLY_BYTES, MAX_EARLY_FLOW_BYTES)
        self._open_spool = Spool()

    def _read(
        self,
        columns: TransportColumns,
        stream: NDArray[np.int64],
        direction: NDArray[np.uint8],
        usable: NDArray[np.bool_],
    ) -> None:
        super()._read(columns, stream, direction, usable)
        if not self._first:
            kept = np.flatnonzero(usable & ~self._in(self._early.incomplete)[stream])
            self._early.keep(columns, kept, stream[kept], direction[kept])
        if self._streams:
            is_open = self._in(self._streams)
            kept = np.flatnonzero(usable & is_open[stream])
            self._open_spool.keep(columns, kept, stream[kept], direction[kept])
            if self._open_spool.full:
                self._open_spool.forget(is_open)

    def _in(self, flows: dict[int, int] | dict[int, UdpStream]) -> NDArray[np.bool_]:
        """Tell which flows are among some."""
        found = np.zeros(len(self.flows), np.bool_)
        found[list(flows)] = True
        return found

    def part(self) -> UdpPart:
        """Return what the file showed."""
        is_open = frozenset(self._streams)
        return UdpPart(
            flows=self.flows,
            state=self._state[: len(self.flows)],
            begun=self._begun,
            randoms=self._randoms,
            open=is_open,
            finished=self.finished,
            open_rows=self._open_spool.rows(self._in(self._streams)),
            open_incomplete={n: frame for n, frame in self._open_spool.incomplete.items() if n in is_open},
            early_rows=self._early.rows(np.ones(len(self.flows), np.bool_)),
            early_incomplete=self._early.incomplete,
            dns=self.dns.packets,
            forgotten=self.dns.forgotten,
        )
