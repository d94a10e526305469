"""Wireshark's numbers of streams where several captures share one file: it counts through all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture import CaptureSource, open_capture
from ocsp_pcap.decode import Decoder
from ocsp_pcap.streams.flows import FlowTable


@dataclass(frozen=True, slots=True)
class StreamNumbers:
    """The stream of each frame of a file; N rows, in order of frames."""

    frame: NDArray[np.int64]
    stream: NDArray[np.int64]

    def at(self, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the streams that frames belong to."""
        return self.stream[np.searchsorted(self.frame, frames)]


def stream_numbers(source: CaptureSource) -> tuple[StreamNumbers, StreamNumbers]:
    """Read the whole file of which ``source`` is a part; return its numbers of TCP and of UDP streams.

    Raises CaptureError where it cannot be opened.
    """
    tables = (FlowTable(), FlowTable(udp=True))
    frames: tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]] = ([], [])
    streams: tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]] = ([], [])
    with open_capture(replace(source, interfaces=None)) as reader:
        decoder = Decoder()
        for batch in reader:
            decoded = decoder.decode(batch)
            for number, columns in enumerate((decoded.tcp, decoded.udp)):
                streams[number].append(tables[number].assign(columns).stream.copy())
                frames[number].append(columns.frame.copy())
    tcp, udp = (
        StreamNumbers(np.concatenate(frames[number] or [_NONE]), np.concatenate(streams[number] or [_NONE]))
        for number in (0, 1)
    )
    return tcp, udp


_NONE = np.empty(0, np.int64)
