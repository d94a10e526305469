"""Rows of a batch as Python values, and rows that are set aside to be read later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture.batch import PADDING
from ocsp_pcap.decode.columns import EXTRA, TransportColumns
from ocsp_pcap.streams.headers import HEADERS
from ocsp_pcap.streams.plain import Ordered

ROW_BYTES: Final = 64

Row: TypeAlias = tuple[int, int, int, int, int, int, int, int, int]
"""Direction, flags, frame, time, sequence and acknowledgment number, payload bytes present and missing,
and where the payload stands."""


class Segments:
    """Some rows of a batch as Python values."""

    __slots__ = ("_extra", "_memory", "rows")

    def __init__(
        self, columns: TransportColumns, rows: NDArray[np.int64], direction: NDArray[np.uint8]
    ) -> None:
        self._extra = columns.extra
        self._memory = columns.buffer.data
        chosen = (
            columns.flags,
            columns.frame,
            columns.time,
            columns.sequence,
            columns.acknowledgment,
            columns.payload_length,
            columns.payload_missing,
            columns.payload_offset,
        )
        self.rows: list[Row] = list(
            zip(direction.tolist(), *(column[rows].tolist() for column in chosen), strict=True)
        )

    def payload(self, offset: int, length: int) -> tuple[bytes, bytes]:
        """Return copies of payload bytes and of those before them, headers among these."""
        if offset >= EXTRA:
            offset -= EXTRA
            extra = self._extra
            return extra[offset : offset + length], extra[max(offset - HEADERS, 0) : offset]
        memory = self._memory
        start = offset - HEADERS if offset > HEADERS else 0
        return bytes(memory[offset : offset + length]), bytes(memory[start:offset])


@dataclass(slots=True, eq=False, repr=False)
class Rows:
    """Rows of several batches that belong to some streams, with their payload; in order of frames."""

    columns: TransportColumns
    """Without addresses and ports: the streams are known."""
    stream: NDArray[np.int64]
    direction: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.stream)

    def by_stream(self) -> Ordered:
        """Return the rows in order of their streams."""
        return Ordered.by_stream(np.arange(len(self)), self.stream, self.direction)

    def of(self, chosen: NDArray[np.bool_]) -> Rows:
        """Return some of the rows, with the payload of all."""
        at = np.flatnonzero(chosen)
        return picked(self.columns, at, self.stream[at], self.direction[at])

    def copied(self) -> Rows:
        """Copy their payload, which lies in the block."""
        offsets, lengths = self.columns.payload_offset, self.columns.payload_length
        starts = np.maximum(offsets - HEADERS, 0)
        memory = self.columns.buffer.data
        payloads: list[bytes | memoryview] = [
            memory[start:end]
            for start, end in zip(starts.tolist(), (offsets + lengths).tolist(), strict=True)
        ]
        buffer = np.frombuffer(b"".join([*payloads, bytes(PADDING)]), np.uint8)
        places = np.cumsum(offsets + lengths - starts) - lengths
        return replace(self, columns=replace(self.columns, buffer=buffer, payload_offset=places))


def picked(
    columns: TransportColumns,
    rows: NDArray[np.int64],
    stream: NDArray[np.int64],
    direction: NDArray[np.uint8],
) -> Rows:
    """Return rows of a batch, with the payload of all; ``stream`` and ``direction`` are theirs alone."""
    chosen: dict[str, Any] = {name: getattr(columns, name)[rows] for name in _ROW_COLUMNS}
    columns = replace(_NOTHING, buffer=columns.buffer, disputed=columns.disputed, **chosen)
    return Rows(columns, stream, direction)


def in_line(parts: Sequence[Rows]) -> Rows:
    """Put rows of several batches into one, without their payload: where it stands is said for each part."""
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part.columns, name) for part in (NO_ROWS, *parts)])
        for name in _ROW_COLUMNS
    }
    return Rows(
        replace(
            _NOTHING,
            disputed={frame: those for part in parts for frame, those in part.columns.disputed.items()},
            **columns,
        ),
        np.concatenate([part.stream for part in (NO_ROWS, *parts)]),
        np.concatenate([part.direction for part in (NO_ROWS, *parts)]),
    )


def joined(parts: Sequence[Rows]) -> Rows:
    """Put rows of several batches into one, with their payload."""
    if len(parts) == 1:
        return parts[0]
    whole = in_line(parts)
    buffers = [part.columns.buffer[:-PADDING] for part in parts]
    starts = np.cumsum([0, *map(len, buffers)])[:-1]
    whole.columns.payload_offset[:] += np.repeat(starts, [len(part) for part in parts])
    buffer = np.concatenate([*buffers, np.zeros(PADDING, np.uint8)])
    return replace(whole, columns=replace(whole.columns, buffer=buffer))


_ROW_COLUMNS: Final = (
    "frame",
    "time",
    "sequence",
    "acknowledgment",
    "flags",
    "payload_offset",
    "payload_length",
    "payload_missing",
    "in_error",
    "window",
)
_NOTHING: Final = TransportColumns(
    buffer=np.zeros(PADDING, np.uint8),
    extra=b"",
    frame=np.empty(0, np.int64),
    time=np.empty(0, np.int64),
    ip_version=np.empty(0, np.uint8),
    source_high=np.empty(0, np.uint64),
    source_low=np.empty(0, np.uint64),
    destination_high=np.empty(0, np.uint64),
    destination_low=np.empty(0, np.uint64),
    source_port=np.empty(0, np.uint16),
    destination_port=np.empty(0, np.uint16),
    sequence=np.empty(0, np.uint32),
    acknowledgment=np.empty(0, np.uint32),
    flags=np.empty(0, np.uint8),
    payload_offset=np.empty(0, np.int64),
    payload_length=np.empty(0, np.int64),
    payload_missing=np.empty(0, np.int64),
    in_error=np.empty(0, np.bool_),
    hop_limit=np.empty(0, np.uint8),
    window=np.empty(0, np.uint16),
)
NO_ROWS: Final = Rows(_NOTHING, np.empty(0, np.int64), np.empty(0, np.uint8))
