"""Which packets of a capture are evidence: whole connections, for a proof is more than the packets it names.

An answer is believed because its whole exchange can be read, a silence because the handshake before it is
there to its end. So of every stream that holds a fact all packets are taken; only of long ones, which carry
pages and downloads, some are left out in the middle.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture import NOT_A_PACKET, CaptureSource, open_capture
from ocsp_pcap.capture.batch import PacketBatch
from ocsp_pcap.decode import Decoder
from ocsp_pcap.decode.columns import FIN, RST, SYN, TransportColumns
from ocsp_pcap.streams.flows import FlowTable

FIRST: Final = 400
"""Packets that are taken from the beginning of each stream."""
LAST: Final = 60
"""Packets that are taken from its end."""
BEFORE: Final = 64
"""Packets that are taken from before each one that proves something, of the same stream."""
MOST: Final = 50_000
"""Packets that are taken of one stream in which a message is, up to its end."""

_Frames = NDArray[np.int64]


@dataclass(slots=True)
class Selection:
    """The packets of one capture that are evidence; frames are counted through all of its files."""

    frames: _Frames
    """In order, each once."""
    link_types: tuple[int, ...]
    """Of these packets, in the order in which they come first."""


@dataclass(slots=True)
class _Stream:
    """What is taken of one stream so far, and what may yet be."""

    count: int = 0
    recent: deque[int] = field(default_factory=lambda: deque(maxlen=max(LAST, BEFORE)))


def select(
    sources: Sequence[CaptureSource], facts: set[int], proving: set[int], messages: set[int] | None = None
) -> Selection:
    """Choose packets of a capture, which consists of the files given.

    Args:
        sources: its files, in order.
        facts: frames in which facts stand; of their streams whole connections are taken.
        proving: frames that are taken, with what comes before them in their stream.
        messages: those of ``facts`` that are messages of HTTP: without all that comes before them in
            their stream, one could not tell which request an answer belongs to.

    Of a datagram that came in fragments all of them are taken.

    Reads the capture three times at most. Raises CaptureError where it cannot be opened.
    """
    wanted = np.unique(np.fromiter((*facts, *proving), np.int64, len(facts) + len(proving)))
    if not len(wanted):
        return Selection(wanted, ())
    streams = _streams(sources, wanted)
    chosen: set[int] = set(wanted.tolist())
    followed: tuple[dict[int, _Stream], dict[int, _Stream]] = (defaultdict(_Stream), defaultdict(_Stream))
    marks = {int(frame) for frame in wanted}
    ends = _last_messages(sources, messages or set())
    fragments: dict[int, Sequence[int]] = {}
    for number, columns, stream in _rows(sources, fragments):
        rows = np.flatnonzero(np.isin(stream, streams[number]) & ~columns.in_error)
        control = columns.flags[rows] & (SYN | FIN | RST) if number == 0 else np.zeros(len(rows), np.uint8)
        for one, frame, always in zip(
            stream[rows].tolist(), columns.frame[rows].tolist(), control.tolist(), strict=True
        ):
            known = followed[number][one]
            known.count += 1
            if frame in marks:
                chosen.update(list(known.recent)[-BEFORE:])
            whole = number == 0 and frame <= ends.get(one, 0) and known.count <= MOST
            if always or whole or known.count <= FIRST:
                chosen.add(frame)
            known.recent.append(frame)
    for table in followed:
        for known in table.values():
            chosen.update(list(known.recent)[-LAST:])
    chosen.update(frame for whole in chosen & fragments.keys() for frame in fragments[whole])
    frames = np.array(sorted(chosen), np.int64)
    return Selection(*_there(sources, frames))


def _last_messages(sources: Sequence[CaptureSource], messages: set[int]) -> dict[int, int]:
    """Return the frame of the last message in each TCP stream that has one."""
    if not messages:
        return {}
    wanted = np.array(sorted(messages), np.int64)
    last: dict[int, int] = {}
    for number, columns, stream in _rows(sources):
        if number == 0:
            here = np.isin(columns.frame, wanted) & ~columns.in_error
            last.update(zip(stream[here].tolist(), columns.frame[here].tolist(), strict=True))
    return last


def _streams(sources: Sequence[CaptureSource], wanted: _Frames) -> tuple[_Frames, _Frames]:
    """Return the TCP and the UDP streams that have one of the wanted frames."""
    found: tuple[list[_Frames], list[_Frames]] = ([], [])
    for number, columns, stream in _rows(sources):
        found[number].append(np.unique(stream[np.isin(columns.frame, wanted) & ~columns.in_error]))
    tcp, udp = (np.unique(np.concatenate([*parts, np.empty(0, np.int64)])) for parts in found)
    return tcp, udp


def _rows(
    sources: Sequence[CaptureSource], fragments: dict[int, Sequence[int]] | None = None
) -> Iterator[tuple[int, TransportColumns, _Frames]]:
    """Yield the rows of each batch with their streams: 0, those of TCP; 1, those of UDP.

    ``fragments`` gets the frames of each datagram that came in several, by the one that completes it.
    """
    tables = (FlowTable(), FlowTable(udp=True))
    decoder = Decoder()
    for batch in batches(sources):
        decoded = decoder.decode(batch)
        if fragments is not None:
            fragments |= decoder.joined
        for number, columns in enumerate((decoded.tcp, decoded.udp)):
            yield number, columns, tables[number].assign(columns).stream


def batches(sources: Sequence[CaptureSource]) -> Iterator[PacketBatch]:
    """Yield the packets of the files of a capture; frames are counted through all of them."""
    before = 0
    for source in sources:
        with open_capture(source) as reader:
            yield from reader.batches(before)
            before += reader.summary.packets


def _there(sources: Sequence[CaptureSource], frames: _Frames) -> tuple[_Frames, tuple[int, ...]]:
    """Keep the frames that are packets; return them and their link types."""
    kept: list[_Frames] = []
    link_types: dict[int, None] = {}
    for batch in batches(sources):
        low, high = np.searchsorted(frames, (batch.first_frame, batch.first_frame + len(batch)))
        here = frames[low:high]
        kinds = batch.link_type[here - batch.first_frame]
        kept.append(here[kinds != NOT_A_PACKET])
        link_types |= dict.fromkeys(kinds[kinds != NOT_A_PACKET].tolist())
        if high == len(frames):
            break
    return np.concatenate([*kept, np.empty(0, np.int64)]), tuple(link_types)
