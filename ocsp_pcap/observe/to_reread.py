"""The packets of a file that must be gone through again, once the files before it are known."""

from __future__ import annotations

import numpy as np

from ocsp_pcap.decode.columns import TransportColumns
from ocsp_pcap.observe.rows import Rows
from ocsp_pcap.records import dataclass
from ocsp_pcap.streams.flow import FlowRows
from ocsp_pcap.streams.joining import Joined


@dataclass(frozen=True, slots=True)
class ToReread:
    """Streams of a file of which not all that may matter was set aside."""

    joined: Joined
    frames_before: int
    frames: dict[int, int]
    """Stream, as numbered in the file, to the first frame of it that is needed."""

    def rows(self, columns: TransportColumns, streams: FlowRows) -> Rows:
        """Choose the rows of a batch that are needed; they refer to its buffer."""
        first = np.full(len(self.joined.number), np.iinfo(np.int64).max)
        first[list(self.frames)] = list(self.frames.values())
        chosen = columns.frame >= first[streams.stream]
        rows = Rows(columns, streams.stream, streams.direction).of(chosen)
        return rows.moved(self.joined.number, self.joined.flipped, self.frames_before)
