"""Payload of rows, in the block and outside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ocsp_pcap.decode import Decoder
from ocsp_pcap.decode.columns import EXTRA

from .packets import PAYLOAD, ether, ipv4
from .wire import batch_of


def test_payload_is_copied_from_the_block_or_from_extra() -> None:
    columns = Decoder().decode(batch_of([bytes(ether() / ipv4())])).tcp
    assert columns.payload(0) == PAYLOAD
    apart = replace(
        columns, extra=b"??elsewhere", payload_offset=np.array([EXTRA + 2]), payload_length=np.array([9])
    )
    assert apart.payload(0) == b"elsewhere"
