"""The state of streams: one row of numbers for each, and what these say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ocsp_pcap.streams.flow import Endpoints, Flow

BASE_0: Final = 1
BASE_1: Final = 2
SWAPPED: Final = 4
RESET_BY_1: Final = 8
ACKED_0: Final = 16
ACKED_1: Final = 32
IS_IPV6: Final = 64
REBASED: Final = 128
BLIND_FIN: Final = 1
BLIND_RST: Final = 2
BLIND_MORE: Final = 4
"""Bits of a stream's state; base sequence numbers are kept per side in order of address. REBASED: a SYN/ACK
had another sequence number than what its sender had sent before."""

FIELDS: Final[tuple[tuple[str, Any, tuple[int, ...]], ...]] = (
    ("first_frame", np.int64, ()),
    ("first_time", np.int64, ()),
    ("syn_frame", np.int64, (2,)),
    ("syn_time", np.int64, (2,)),
    ("syn_ack_frame", np.int64, ()),
    ("reset_frame", np.int64, ()),
    ("fin_frame", np.int64, (2,)),
    ("end_time", np.int64, ()),
    ("hop_limit", np.uint8, (2,)),
    ("data_frame", np.int64, (2,)),
    ("data_time", np.int64, (2,)),
    ("data_end", np.uint32, (2,)),
    ("data_gain", np.int32, (2,)),
    ("syn_count", np.uint32, (2,)),
    ("packets", np.uint32, (2,)),
    ("payload_packets", np.uint32, (2,)),
    ("base", np.uint32, (2,)),
    ("acknowledgment", np.uint32, (2,)),
    ("window", np.uint32, (2,)),
    ("scale", np.uint8, (2,)),
    ("settled", np.bool_, ()),
    ("blind_end", np.uint8, (2,)),
    ("blind_number", np.uint32, (2,)),
    ("key", np.int32, ()),
    ("bits", np.uint8, ()),
)
"""State of each stream, 204 bytes; frame 0 stands for none.

Which scales apply is *settled* once a window stands in a segment that is no SYN.
A FIN or RST is a *blind end* where its receiver had acknowledged nothing before it: whether the receiver took
it only earlier files can show. Its kind and its sequence number are kept for them.
"""


def read_flows(state: Mapping[str, NDArray[Any]], ends: Iterable[Endpoints]) -> Iterator[Flow]:
    """Yield the flows that rows of state describe; ``ends`` are the addresses and ports of each."""
    bits = state["bits"]
    acked_0, acked_1 = (((bits & bit) != 0).tolist() for bit in (ACKED_0, ACKED_1))
    return map(
        Flow,
        ends,
        state["first_frame"].tolist(),
        state["first_time"].tolist(),
        state["syn_frame"].tolist(),
        state["syn_time"].tolist(),
        state["syn_count"].tolist(),
        state["syn_ack_frame"].tolist(),
        state["reset_frame"].tolist(),
        (bits // RESET_BY_1 & 1).tolist(),
        state["fin_frame"].tolist(),
        state["packets"].tolist(),
        state["payload_packets"].tolist(),
        zip(acked_0, acked_1, strict=True),
        state["end_time"].tolist(),
        state["hop_limit"].tolist(),
        state["data_frame"].tolist(),
        state["data_time"].tolist(),
    )
