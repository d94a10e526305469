"""The record of a stream: its ends, its outcome, its first frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.facts import TcpOutcome


class FlowRows(NamedTuple):
    """The stream of each of N rows."""

    stream: NDArray[np.int64]
    direction: NDArray[np.uint8]
    """0 if sent by the host that sent the first packet of the stream, else 1."""


class Endpoints(NamedTuple):
    """The two ends of a stream; 0 sent its first packet. Addresses are the text form of ipaddress."""

    address_0: str
    port_0: int
    address_1: str
    port_1: int


Pair: TypeAlias = Sequence[int]
"""Of direction 0 and of direction 1."""


class Flow(NamedTuple):
    """The memory of a stream, as its table has it; frame 0: not seen."""

    endpoints: Endpoints
    first_frame: int
    first_time: int
    syn_frames: Pair
    """First SYN without ACK of each direction."""
    syn_times: Pair
    syn_counts: Pair
    syn_ack_frame: int
    reset_frame: int
    reset_direction: int
    """Of the first RST, where there was one."""
    fin_frames: Pair
    packets: Pair
    payload_packets: Pair
    acknowledged: Pair
    """Each direction sent an ACK that is no RST: proof that it heard from the other."""
    end_time: int
    """Of the first FIN or RST, where there was one."""
    hop_limits: Pair
    """Time to live, or hop limit, of each direction's first packet; 0: it sent none."""
    data_frames: Pair
    """The last frame of each direction that brought new bytes, segments that seem TLS alerts left out."""
    data_times: Pair
    opener: int
    """Direction that opened the stream, as far as its SYN, or the answer to it, was seen."""
    ended_by: int | None
    """Direction that sent the first FIN or RST; None: there was none."""
    outcome: TcpOutcome | None
    """How the attempt to open the connection ended; None where no opening is in the capture.

    ``reset`` is a connection that was opened and reset before any payload.
    """
    one_sided: bool
    """The capture holds one direction only of what must have been two."""
