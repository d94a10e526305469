"""Observers of a run: streams that began before it are left for whoever knows their beginning."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.decode.columns import SYN, TransportColumns
from ocsp_pcap.observe.tcp import TcpObserver
from ocsp_pcap.observe.tcp_rows import telling
from ocsp_pcap.spoken.shared import Shared

INHERITED: Final = 8
"""The first packet of the stream here is no SYN: it is not read."""


class RunTcpObserver(TcpObserver):
    """All TCP streams of a run of files."""

    def __init__(self, shared: Shared, *, first: bool) -> None:
        """``first``: no file comes before the run."""
        super().__init__(shared)
        self._first = first
        self._numbered = 0
        self._last_telling: NDArray[np.int64] = np.zeros(1024, np.int64)
        self.quoted: set[int] = set()
        """Streams of which a SYN is quoted in an ICMP error, or may be cut off."""

    def _take(
        self,
        columns: TransportColumns,
        stream: NDArray[np.int64],
        direction: NDArray[np.uint8],
        unread: NDArray[np.bool_] | None = None,
    ) -> None:
        if columns.in_error.any():
            self.quoted.update(stream[columns.in_error & ((columns.flags & SYN) != 0)].tolist())
        if len(self.streams.wanted) > len(self._last_telling):
            more = np.zeros(len(self.streams.wanted) - len(self._last_telling), np.int64)
            self._last_telling = np.append(self._last_telling, more)
        if not self._first:
            new = np.arange(self._numbered, len(self.flows))
            self._numbered = len(self.flows)
            self.streams.wanted[new[~self.flows.starts_with_syn(new)]] = INHERITED
            rows = np.flatnonzero(telling(columns) & (self.streams.wanted[stream] == INHERITED))
            # Of a repeated index the last value stays.
            self._last_telling[stream[rows]] = columns.frame[rows]
        super()._take(columns, stream, direction, unread)

    @property
    def inherited(self) -> NDArray[np.bool_]:
        """Tell of each stream whether it began before the run, as far as is known here."""
        inherited: NDArray[np.bool_] = self.streams.wanted[: len(self.flows)] == INHERITED
        return inherited

    @property
    def last_telling(self) -> NDArray[np.int64]:
        """Return of each inherited stream the last frame that brings payload or an end; 0: there is none."""
        return self._last_telling[: len(self.flows)]
