"""The unit that the decoder hands out: transport headers as columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.capture.batch import Bytes, Column
from ocsp_pcap.decode.window import Window, gather

FIN, SYN, RST, ACK, URG = 0x01, 0x02, 0x04, 0x10, 0x20

EXTRA = 1 << 48
"""Payload offsets at or above this value count from the start of :attr:`TransportColumns.extra`."""


@dataclass(slots=True, eq=False, repr=False)
class TransportColumns:
    """N TCP segments or UDP datagrams, in frame order (one frame may give several rows or none).

    Addresses are 128-bit numbers in two uint64 halves; an IPv4 address stands in the low half with
    the high half 0 and ``ip_version`` 4. ``sequence``, ``acknowledgment``, ``flags`` and ``window``
    are 0 in UDP rows.
    """

    buffer: Bytes
    """The packet block (see :class:`~ocsp_pcap.capture.batch.PacketBatch`)."""
    extra: bytes
    """Payload of rows that do not lie in the block in one piece: reassembled fragments."""
    frame: Column
    time: Column
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
    """Payload bytes present in the capture."""
    payload_missing: Column
    """Payload bytes that the IP header announces and the capture cut off (snaplen)."""
    in_error: NDArray[np.bool_]
    """Takes part in the numbering of streams only: a header that an ICMP error quotes, one of a
    datagram whose fragments are not all in the capture, or one with an impossible data offset. Such
    rows have ``payload_length`` and ``payload_missing`` 0."""

    hop_limit: NDArray[np.uint8]
    """Time to live (RFC 791 3.1) or hop limit (RFC 8200 3) of the innermost IP header; 0: not known."""
    window: NDArray[np.uint16]
    """As it stands in the header, without the factor of RFC 7323 2."""
    disputed: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Of rows made of IP fragments that disagree: their frame, and those of the fragments."""

    def __len__(self) -> int:
        return len(self.frame)

    def of(self, rows: Column) -> TransportColumns:
        """Return some of the rows."""
        return replace(self, **{name: getattr(self, name)[rows] for name in COLUMNS})

    def fields_at(self, offsets: Column, fields: np.dtype[np.void]) -> Window:
        """Return fields of payloads; beyond a payload's end stands anything."""
        elsewhere = offsets >= EXTRA
        if not elsewhere.any():
            return gather(self.buffer, offsets, fields)
        found = gather(self.buffer, np.where(elsewhere, 0, offsets), fields)
        extra = np.frombuffer(self.extra + bytes(fields.itemsize), np.uint8).copy()
        found[elsewhere] = gather(extra, offsets[elsewhere] - EXTRA, fields)
        return found

    def payload(self, row: int) -> bytes:
        """Return a copy of the payload bytes of one row."""
        start = int(self.payload_offset[row])
        end = start + int(self.payload_length[row])
        if start >= EXTRA:
            return self.extra[start - EXTRA : end - EXTRA]
        return self.buffer[start:end].tobytes()


COLUMNS = tuple(
    each.name for each in fields(TransportColumns) if each.name not in ("buffer", "extra", "disputed")
)
"""Names of the fields that have a value for each row."""
