"""Fixed-width windows over a buffer."""

from __future__ import annotations

import numpy as np

from ocsp_pcap.decode.window import TCP_HEADER, UINT16, gather, pick

BUFFER = np.arange(256, dtype=np.uint8)


def test_windows_may_overlap_and_stand_anywhere() -> None:
    window = gather(BUFFER, np.array([0, 1, 240, 7]), TCP_HEADER)
    assert window["source_port"].tolist() == [0x0001, 0x0102, 0xF0F1, 0x0708]
    assert window["sequence"].tolist() == [0x04050607, 0x05060708, 0xF4F5F6F7, 0x0B0C0D0E]
    assert window["flags"].tolist() == [13, 14, 253, 20]


def test_picking_keeps_whole_records() -> None:
    window = gather(BUFFER, np.array([0, 2, 4, 6]), UINT16)
    assert pick(window, np.array([3, 1]))["value"].tolist() == [0x0607, 0x0203]


def test_no_position_no_window() -> None:
    assert len(gather(BUFFER, np.empty(0, np.int64), TCP_HEADER)) == 0
