from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.carriers.openvpn_packets import (
    OVERHEADS,
    hello_overhead,
    is_client_hello,
    is_tls_crypt_reset,
    read_control,
    reset_overhead,
)
from tests.unit.tls.wire import record

from .packets import AUTHENTICATED_RESETS, ENCRYPTED_RESETS, PLAIN_RESETS, OpenVpnPeers


@pytest.mark.parametrize(("resets", "overhead"), [(PLAIN_RESETS, 0), (AUTHENTICATED_RESETS, 28)])
def test_resets_tell_the_overhead(resets: tuple[bytes, bytes], overhead: int) -> None:
    assert [reset_overhead(packet) for packet in resets] == [overhead] * 2
    for packet in resets:
        assert not is_tls_crypt_reset(packet)
        assert reset_overhead(packet[:-1]) is None
        assert reset_overhead(packet + b"\x00") is None
        assert reset_overhead(packet[:-1] + b"\x01") is None
        assert hello_overhead(packet) is None


@pytest.mark.parametrize("packet", ENCRYPTED_RESETS)
def test_tls_crypt_is_recognised(packet: bytes) -> None:
    assert reset_overhead(packet) is None
    assert is_tls_crypt_reset(packet)


@pytest.mark.parametrize("hmac", [None, 16, 20, 28, 32, 48, 64])
def test_a_hello_tells_the_overhead(hmac: int | None) -> None:
    peers = OpenVpnPeers(hmac)
    peers.hard_reset()
    peers.tls(record()[0].flights[:2], 1000)
    hellos = [(way, packet) for way, packet in peers.packets if hello_overhead(packet) is not None]
    assert [way for way, _ in hellos] == [0, 1]
    for way, packet in hellos:
        overhead = hello_overhead(packet)
        assert overhead == (0 if hmac is None else hmac + 8)
        assert is_client_hello(packet, overhead) is (way == 0)


def test_acknowledgments_name_the_peer() -> None:
    read = read_control(PLAIN_RESETS[1], 0)
    assert read is not None
    assert (read.opcode, read.key_id, read.packet_id, read.payload) == (8, 0, 0, b"")
    assert read.peer_session_id == PLAIN_RESETS[0][1:9]


@given(st.binary(max_size=120), st.sampled_from(OVERHEADS))
def test_anything_is_read_without_error(packet: bytes, overhead: int) -> None:
    read_control(packet, overhead)
    assert reset_overhead(packet) is None
    assert hello_overhead(packet) is None
    is_tls_crypt_reset(packet)
