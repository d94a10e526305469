from __future__ import annotations

import struct

import numpy as np
import pytest

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.capture import pcapng_blocks as blocks
from ocsp_pcap.capture.pcapng_state import FileState


def apply(state: FileState, kind: int, body: bytes) -> str | None:
    return state.apply(kind, "<", np.frombuffer(body, np.uint8))


def test_interfaces_of_one_section_are_bounded() -> None:
    state = FileState()
    body = struct.pack("<HHI", 1, 0, 96)
    for _ in range(BOUNDS.interfaces):
        assert apply(state, blocks.INTERFACE_DESCRIPTION, body) is None
    assert "more than 65536" in str(apply(state, blocks.INTERFACE_DESCRIPTION, body))
    assert apply(state, blocks.SECTION_HEADER, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) is None
    assert (state.base, state.count, state.snaplen) == (BOUNDS.interfaces, 0, 96)
    assert apply(state, blocks.INTERFACE_DESCRIPTION, body) is None
    state.forget_past_sections()
    assert (state.base, state.count, len(state.interfaces)) == (0, 1, 1)


@pytest.mark.reaches("secrets_bytes")
def test_secrets_are_bounded() -> None:
    state = FileState()
    text = bytes(BOUNDS.secrets_bytes // 2)
    for _ in range(3):
        body = struct.pack("<II", 0x544C534B, len(text)) + text
        assert apply(state, blocks.DECRYPTION_SECRETS, body) is None
    assert len(state.secrets) == 2


def test_a_copy_is_independent() -> None:
    state = FileState()
    copy = state.copy()
    apply(state, blocks.INTERFACE_DESCRIPTION, struct.pack("<HHI", 1, 0, 0))
    statistics = struct.pack("<IIIHHQ", 0, 0, 0, 5, 8, 7)
    apply(state, blocks.INTERFACE_STATISTICS, statistics)
    assert (state.count, state.dropped) == (1, 7)
    assert (copy.count, copy.dropped) == (0, None)
