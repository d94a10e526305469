"""Rows of a batch as Python values, and rows that are set aside to be read later."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
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
        columns: dict[str, Any] = {name: getattr(self.columns, name)[at] for name in _ROW_COLUMNS}
        return Rows(replace(self.columns, **columns), self.stream[at], self.direction[at])


def joined(parts: list[Rows]) -> Rows:
    """Put rows of several batches into one."""
    if not parts:
        return NO_ROWS
    columns = [part.columns for part in parts]
    sizes = [len(each.buffer) - PADDING for each in columns]
    starts = np.repeat(np.cumsum([0, *sizes])[:-1], [len(part) for part in parts])
    merged: dict[str, Any] = {
        name: np.concatenate([getattr(each, name) for each in (_NOTHING, *columns)]) for name in _ROW_COLUMNS
    }
    merged["payload_offset"] += starts
    return Rows(
        replace(
            _NOTHING,
            buffer=np.concatenate(
                [*(each.buffer[:-PADDING] for each in columns), np.zeros(PADDING, np.uint8)]
            ),
            disputed={frame: those for each in columns for frame, those in each.disputed.items()},
            **merged,
        ),
        np.concatenate([np.empty(0, np.int64), *(part.stream for part in parts)]),
        np.concatenate([np.empty(0, np.uint8), *(part.direction for part in parts)]),
    )


def copied(
    columns: TransportColumns,
    rows: NDArray[np.int64],
    stream: NDArray[np.int64],
    direction: NDArray[np.uint8],
) -> Rows:
    """Copy rows of a batch, with their payload; ``stream`` and ``direction`` are those of the rows chosen."""
    offsets, lengths = columns.payload_offset[rows], columns.payload_length[rows]
    memory = columns.buffer.data
    payloads: list[bytes | memoryview] = [
        memory[max(offset - HEADERS, 0) : offset + length]
        if offset < EXTRA
        else columns.extra[max(offset - EXTRA - HEADERS, 0) : offset - EXTRA + length]
        for offset, length in zip(offsets.tolist(), lengths.tolist(), strict=True)
    ]
    sizes = np.fromiter(map(len, payloads), np.int64, len(payloads))
    copied: dict[str, Any] = {name: getattr(columns, name)[rows] for name in _ROW_COLUMNS}
    copied["payload_offset"] = np.cumsum(sizes) - lengths
    buffer = np.frombuffer(b"".join([*payloads, bytes(PADDING)]), np.uint8)
    columns = replace(_NOTHING, buffer=buffer, disputed=columns.disputed, **copied)
    return Rows(columns, stream, direction)


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
