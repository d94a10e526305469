"""Observer of a share: streams that began before it are left to whoever knows their beginning."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.decode.columns import SYN, TransportColumns
from ocsp_pcap.observe.tcp import TcpObserver
from ocsp_pcap.observe.tcp_rows import telling
from ocsp_pcap.observe.wanted import INHERITED
from ocsp_pcap.spoken.shared import Shared


class ShareTcpObserver(TcpObserver):
    """All TCP streams of a share of files."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self.last_telling: NDArray[np.int64] = np.zeros(1024, np.int64)
        """The last frame of each stream that brings payload or an end; 0: there is none."""
        self.quoted: set[int] = set()
        """Streams of which a SYN is quoted in an ICMP error, or may be cut off."""
        self._numbered = 0

    def _take(
        self,
        columns: TransportColumns,
        stream: NDArray[np.int64],
        direction: NDArray[np.uint8],
        mine: NDArray[np.bool_] | None = None,
    ) -> None:
        if columns.in_error.any():
            self.quoted.update(stream[columns.in_error & ((columns.flags & SYN) != 0)].tolist())
        more = len(self.streams.wanted) - len(self.last_telling)
        if more > 0:
            self.last_telling = np.append(self.last_telling, np.zeros(more, np.int64))
        new = np.arange(self._numbered, len(self.flows))
        self._numbered = len(self.flows)
        self.streams.wanted[new[~self.flows.starts_with_syn(new)]] = INHERITED
        rows = np.flatnonzero(telling(columns))
        # Of a repeated index the last value stays.
        self.last_telling[stream[rows]] = columns.frame[rows]
        super()._take(columns, stream, direction, mine)

    @property
    def inherited(self) -> NDArray[np.bool_]:
        """Tell which streams were not read."""
        inherited: NDArray[np.bool_] = self.streams.wanted[: len(self.flows)] == INHERITED
        return inherited
