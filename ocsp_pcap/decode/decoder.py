"""Packet batches to transport rows: the fast path, and the slow path for what it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ocsp_pcap.capture.batch import PacketBatch
from ocsp_pcap.decode.blocks import merge
from ocsp_pcap.decode.columns import TransportColumns
from ocsp_pcap.decode.fast import decode_fast

if TYPE_CHECKING:
    from ocsp_pcap.decode.slow import SlowPath


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """The TCP segments and UDP datagrams of one packet batch."""

    tcp: TransportColumns
    udp: TransportColumns
    undecoded: int
    """Packets whose network layer could not be understood."""
    truncated: int
    """Packets of which the capture holds less than there was on the wire."""


class Decoder:
    """Decodes the batches of one capture, in order; remembers fragments between batches."""

    def __init__(self) -> None:
        self._slow: SlowPath | None = None

    @property
    def open_fragments(self) -> bool:
        """Fragments wait for the rest of their datagrams."""
        return self._slow is not None and self._slow.open_fragments

    def decode(self, batch: PacketBatch) -> DecodedBatch:
        """Return the transport rows of ``batch``; they refer to its buffer. Never raises on bad packets."""
        fast = decode_fast(batch)
        undecoded = fast.undecoded
        tcp, udp, extra = fast.tcp, fast.udp, b""
        if fast.slow_link or fast.slow_network or fast.tunnels:
            if self._slow is None:
                from ocsp_pcap.decode.slow import SlowPath

                self._slow = SlowPath()
            slow = self._slow.decode(batch, fast)
            tcp, udp, extra = [*tcp, slow.tcp], [*udp, slow.udp], slow.extra
            undecoded += slow.undecoded
        return DecodedBatch(
            tcp=merge(batch, tcp, extra),
            udp=merge(batch, udp, extra),
            undecoded=undecoded,
            truncated=int(np.count_nonzero(batch.captured_length < batch.original_length)),
        )
