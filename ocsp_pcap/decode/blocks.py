"""Blocks of transport rows and their merging into one set of columns in frame order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture.batch import Column, PacketBatch
from ocsp_pcap.decode.columns import TransportColumns
from ocsp_pcap.decode.window import Window, pick

TCP_MINIMUM = 16
"""Bytes of a TCP header without which a packet belongs to no stream: up to the window field."""
UDP_MINIMUM = 8


@dataclass(slots=True, eq=False, repr=False)
class Addresses:
    """Source, destination and hop limit of N packets of one IP version."""

    ip_version: int
    source_high: NDArray[np.uint64]
    source_low: NDArray[np.uint64]
    destination_high: NDArray[np.uint64]
    destination_low: NDArray[np.uint64]
    hop_limit: NDArray[np.uint8]

    def select(self, index: NDArray[Any]) -> Addresses:
        """Return the addresses of some rows."""
        return Addresses(
            self.ip_version,
            self.source_high[index],
            self.source_low[index],
            self.destination_high[index],
            self.destination_low[index],
            self.hop_limit[index],
        )


@dataclass(slots=True, eq=False, repr=False)
class Block:
    """Rows of one transport protocol; ``row`` is the index of the packet in its batch."""

    row: Column
    ip_version: NDArray[np.uint8]
    source_high: NDArray[np.uint64]
    source_low: NDArray[np.uint64]
    destination_high: NDArray[np.uint64]
    destination_low: NDArray[np.uint64]
    source_port: NDArray[np.uint16]
    destination_port: NDArray[np.uint16]
    sequence: NDArray[np.uint32]
    acknowledgment: NDArray[np.uint32]
    flags: NDArray[np.uint8]
    payload_offset: Column
    payload_length: Column
    payload_missing: Column
    in_error: NDArray[np.bool_]
    hop_limit: NDArray[np.uint8]
    window: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.row)

    def select(self, index: NDArray[Any]) -> Block:
        """Return some rows."""
        return Block(**{name: getattr(self, name)[index] for name in _NAMES})


_TYPES: dict[str, Any] = {
    "row": np.int64,
    "ip_version": np.uint8,
    "source_high": np.uint64,
    "source_low": np.uint64,
    "destination_high": np.uint64,
    "destination_low": np.uint64,
    "source_port": np.uint16,
    "destination_port": np.uint16,
    "sequence": np.uint32,
    "acknowledgment": np.uint32,
    "flags": np.uint8,
    "payload_offset": np.int64,
    "payload_length": np.int64,
    "payload_missing": np.int64,
    "in_error": np.bool_,
    "hop_limit": np.uint8,
    "window": np.uint16,
}
_NAMES = tuple(field.name for field in fields(Block))


def block_of(rows: Sequence[tuple[int, ...]]) -> Block:
    """Return a block from tuples in the order of the fields of :class:`Block`."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(_NAMES)
    return Block(
        **{name: np.array(values, _TYPES[name]) for name, values in zip(_NAMES, columns, strict=True)}
    )


def tcp_block(
    row: Column, addresses: Addresses, header: Window, at: Column, captured_end: Column, announced_end: Column
) -> Block:
    """Return the TCP rows among packets whose TCP header stands at ``at``.

    ``announced_end`` is where the IP header says that the packet ends, ``captured_end`` where the
    capture does. As in Wireshark, a packet with less than :data:`TCP_MINIMUM` bytes of header is no
    segment, and one with an impossible data offset takes part in the numbering of streams only.
    """
    header_length = header["data_offset"] >> 4 << 2
    start = at + header_length
    in_error = (header_length < 20) | (start > announced_end)
    missing = np.zeros(len(row), np.int64)
    if in_error.any() or (captured_end < announced_end).any():
        end = np.minimum(captured_end, announced_end)
        keep = np.flatnonzero(end - at >= TCP_MINIMUM)
        row, addresses, header, start = row[keep], addresses.select(keep), pick(header, keep), start[keep]
        end, announced_end, in_error = end[keep], announced_end[keep], in_error[keep]
        length = np.where(in_error, 0, np.maximum(end - start, 0))
        missing = np.where(in_error, 0, np.maximum(announced_end - np.maximum(end, start), 0))
    else:
        length = announced_end - start
    return Block(
        row=row,
        ip_version=np.full(len(row), addresses.ip_version, np.uint8),
        source_high=addresses.source_high,
        source_low=addresses.source_low,
        destination_high=addresses.destination_high,
        destination_low=addresses.destination_low,
        source_port=header["source_port"].astype(np.uint16),
        destination_port=header["destination_port"].astype(np.uint16),
        sequence=header["sequence"].astype(np.uint32),
        acknowledgment=header["acknowledgment"].astype(np.uint32),
        flags=header["flags"].copy(),
        window=header["window"].astype(np.uint16),
        payload_offset=start,
        payload_length=length,
        payload_missing=missing,
        in_error=in_error,
        hop_limit=addresses.hop_limit,
    )


def udp_block(
    row: Column, addresses: Addresses, header: Window, at: Column, captured_end: Column, announced_end: Column
) -> Block:
    """Return the UDP rows among packets whose UDP header stands at ``at`` (see :func:`tcp_block`)."""
    complete = np.minimum(captured_end, announced_end) - at >= UDP_MINIMUM
    complete &= header["length"] >= UDP_MINIMUM
    if not complete.all():
        keep = np.flatnonzero(complete)
        row, addresses, header, at = row[keep], addresses.select(keep), pick(header, keep), at[keep]
        captured_end, announced_end = captured_end[keep], announced_end[keep]
    announced_end = np.minimum(announced_end, at + header["length"].astype(np.int64))
    end = np.minimum(captured_end, announced_end)
    start = at + UDP_MINIMUM
    nothing = np.zeros(len(row), np.uint32)
    return Block(
        row=row,
        ip_version=np.full(len(row), addresses.ip_version, np.uint8),
        source_high=addresses.source_high,
        source_low=addresses.source_low,
        destination_high=addresses.destination_high,
        destination_low=addresses.destination_low,
        source_port=header["source_port"].astype(np.uint16),
        destination_port=header["destination_port"].astype(np.uint16),
        sequence=nothing,
        acknowledgment=nothing,
        flags=np.zeros(len(row), np.uint8),
        payload_offset=start,
        payload_length=end - start,
        payload_missing=announced_end - end,
        in_error=np.zeros(len(row), np.bool_),
        hop_limit=addresses.hop_limit,
        window=np.zeros(len(row), np.uint16),
    )


def merge(
    batch: PacketBatch,
    blocks: Sequence[Block],
    extra: bytes,
    disputed: Mapping[int, tuple[int, ...]] | None = None,
) -> TransportColumns:
    """Return all rows of ``blocks`` in frame order; rows of one frame keep the order of the blocks."""
    full = [block for block in blocks if len(block)]
    if len(full) == 1:
        merged = {name: getattr(full[0], name) for name in _NAMES}
    elif not full:
        merged = {name: np.empty(0, _TYPES[name]) for name in _NAMES}
    else:
        order = np.argsort(np.concatenate([block.row for block in full]), kind="stable")
        merged = {name: np.concatenate([getattr(block, name) for block in full])[order] for name in _NAMES}
    row = merged.pop("row")
    frames = row + batch.first_frame
    own = {}
    if disputed:
        here = frozenset(frames.tolist())
        own = {frame: those for frame, those in disputed.items() if frame in here}
    return TransportColumns(
        buffer=batch.buffer, extra=extra, frame=frames, time=batch.time[row], disputed=own, **merged
    )
