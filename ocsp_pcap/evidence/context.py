"""The packets around a proof, without which Wireshark could not show it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

import numpy as np

from ocsp_pcap.capture import CaptureSource, open_capture
from ocsp_pcap.decode import Decoder
from ocsp_pcap.decode.columns import TransportColumns
from ocsp_pcap.streams.flows import FlowTable

MOST_BEFORE: Final = 64
"""Packets with payload, of the same stream, that are taken from before each proving packet."""


def context_frames(source: CaptureSource, proving: Iterable[int]) -> set[int]:
    """Return the frames that open the streams of the proving frames, and those that carry what precedes.

    Of each stream that has a proving frame: its SYN and SYN/ACK, and before each proving frame up to
    MOST_BEFORE frames with payload, in which a message that spans segments begins. Other fragments of
    an IP datagram that the proving frame completes are not found.

    Reads the capture twice. Raises CaptureError where it cannot be opened.
    """
    wanted = np.unique(np.fromiter(proving, np.int64))
    if not len(wanted):
        return set()
    tables = (FlowTable(), FlowTable(udp=True))
    last: tuple[dict[int, int], dict[int, int]] = ({}, {})
    with open_capture(source) as reader:
        decoder = Decoder()
        for batch in reader:
            decoded = decoder.decode(batch)
            for table, columns, frames in zip(tables, (decoded.tcp, decoded.udp), last, strict=True):
                streams = table.assign(columns).stream
                hits = np.flatnonzero(np.isin(columns.frame, wanted) & ~columns.in_error)
                frames.update(zip(streams[hits].tolist(), columns.frame[hits].tolist(), strict=True))
    found: set[int] = set()
    for stream in last[0]:
        flow = tables[0].flow(stream)
        found |= {frame for frame in (*flow.syn_frames, flow.syn_ack_frame) if frame is not None}
    found |= _before(source, last, set(wanted.tolist()))
    return found - set(wanted.tolist())


def _before(source: CaptureSource, last: tuple[dict[int, int], dict[int, int]], wanted: set[int]) -> set[int]:
    """Return the frames with payload before proving ones; ``last`` is the last of those by stream."""
    found: set[int] = set()
    tables = (FlowTable(), FlowTable(udp=True))
    ends = [
        (np.array(sorted(frames), np.int64), np.array([frames[s] for s in sorted(frames)], np.int64))
        for frames in last
    ]
    recent: tuple[dict[int, deque[int]], dict[int, deque[int]]] = ({}, {})
    final = max((frame for frames in last for frame in frames.values()), default=0)
    with open_capture(source) as reader:
        decoder = Decoder()
        for batch in reader:
            if batch.first_frame > final:
                break
            decoded = decoder.decode(batch)
            for number, columns in enumerate((decoded.tcp, decoded.udp)):
                streams = tables[number].assign(columns).stream
                rows = _rows(columns, streams, *ends[number])
                for stream, frame in zip(streams[rows].tolist(), columns.frame[rows].tolist(), strict=True):
                    kept = recent[number].setdefault(stream, deque(maxlen=MOST_BEFORE))
                    if frame in wanted:
                        found.update(kept)
                        kept.clear()
                    else:
                        kept.append(frame)
    return found


def _rows(
    columns: TransportColumns,
    streams: np.ndarray[tuple[int], np.dtype[np.int64]],
    known: np.ndarray[tuple[int], np.dtype[np.int64]],
    ends: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the rows with payload of known streams, up to the last proving frame of each."""
    if not len(known):
        return np.empty(0, np.int64)
    place = np.minimum(np.searchsorted(known, streams), len(known) - 1)
    return np.flatnonzero(
        (known[place] == streams) & (columns.frame <= ends[place]) & (columns.payload_length > 0)
    )
