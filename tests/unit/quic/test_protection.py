from __future__ import annotations

import pytest

from ocsp_pcap.quic.packets import Packet, PacketType, split_datagram
from ocsp_pcap.quic.protection import (
    AES_128_GCM_SHA256,
    AES_256_GCM_SHA384,
    CHACHA20_POLY1305_SHA256,
    InitialKeys,
    PacketKeys,
    suites_for_secret,
)
from ocsp_pcap.quic.versions import VERSION_1, VERSION_2, version_of

from .vectors import (
    CHACHA20_PACKET_V1,
    CHACHA20_PACKET_V2,
    CHACHA20_SECRET,
    CLIENT_FRAMES,
    CLIENT_INITIAL_V1,
    CLIENT_INITIAL_V2,
    ORIGINAL_ID,
    SERVER_FRAMES,
    SERVER_INITIAL_V1,
    SERVER_INITIAL_V2,
)

CASES = [
    (VERSION_1, CLIENT_INITIAL_V1, SERVER_INITIAL_V1),
    (VERSION_2, CLIENT_INITIAL_V2, SERVER_INITIAL_V2),
]


def initial_keys(number: int) -> InitialKeys:
    version = version_of(number)
    assert version is not None
    return InitialKeys.derive(version, version.salts[0], ORIGINAL_ID)


def test_the_keys_are_those_of_rfc_9001_a_1() -> None:
    keys = initial_keys(VERSION_1)
    assert keys.client.key.hex() == "1f369613dd76d5467730efcbe3b1a22d"
    assert keys.client.iv.hex() == "fa044b2f42a3fd3b46fb255c"
    assert keys.server.key.hex() == "cf3a5331653c364c88f0f379b6067e37"
    assert keys.server.iv.hex() == "0ac1493ca1905853b0bba03e"


def test_the_keys_are_those_of_rfc_9369_a_1() -> None:
    keys = initial_keys(VERSION_2)
    assert keys.client.key.hex() == "8b1a0bc121284290a29e0971b5cd045d"
    assert keys.client.iv.hex() == "91f73e2351d8fa91660e909f"
    assert keys.server.key.hex() == "82db637861d55e1d011f19ea71d5d2a7"
    assert keys.server.iv.hex() == "dd13c276499c0249d3310652"


def test_the_header_mask_is_that_of_rfc_9001_a_2() -> None:
    mask = initial_keys(VERSION_1).client.header_mask(bytes.fromhex("d1b1c98dd7689fb8ec11d242b123dc9b"))
    assert mask[:5].hex() == "437b9aec36"


@pytest.mark.parametrize(("number", "client", "server"), CASES)
def test_initial_packets_are_opened(number: int, client: bytes, server: bytes) -> None:
    keys = initial_keys(number)
    (packet,) = split_datagram(client)
    opened = keys.client.open(packet)
    assert opened is not None
    assert opened.number == 2
    assert opened.payload == CLIENT_FRAMES + bytes(1162 - len(CLIENT_FRAMES))
    assert keys.server.open(packet) is None
    (packet,) = split_datagram(server)
    opened = keys.server.open(packet)
    assert opened is not None
    assert (opened.number, opened.payload) == (1, SERVER_FRAMES)


@pytest.mark.parametrize(
    ("number", "data"), [(VERSION_1, CHACHA20_PACKET_V1), (VERSION_2, CHACHA20_PACKET_V2)]
)
def test_chacha20_packets_are_opened(number: int, data: bytes) -> None:
    version = version_of(number)
    assert version is not None
    keys = PacketKeys(version, CHACHA20_SECRET, CHACHA20_POLY1305_SHA256)
    keys._largest = 654360563
    opened = keys.open(Packet(PacketType.SHORT, None, b"", b"", data, 1))
    assert opened is not None
    assert (opened.number, opened.payload) == (654360564, b"\x01")


def test_packet_numbers_are_completed_as_in_rfc_9000_a_3() -> None:
    keys = initial_keys(VERSION_1).client
    keys._largest = 0xA82F30EA
    assert keys._complete_number(0x9B32, 16) == 0xA82F9B32
    keys._largest = 0xFE
    assert keys._complete_number(0x02, 8) == 0x102
    keys._largest = 0x102
    assert keys._complete_number(0xFE, 8) == 0xFE


@pytest.mark.parametrize("position", [0, 5, 7, 16, 18, 22, 600, -1])
def test_a_changed_bit_opens_nothing(position: int) -> None:
    changed = bytearray(CLIENT_INITIAL_V1)
    changed[position] ^= 1
    for packet in split_datagram(bytes(changed)):
        assert initial_keys(VERSION_1).client.open(packet) is None


def test_packets_without_room_for_a_sample_open_nothing() -> None:
    version = version_of(VERSION_1)
    keys = initial_keys(VERSION_1).client
    for length in range(40):
        assert keys.open(Packet(PacketType.INITIAL, version, b"", b"", b"\xc3" + bytes(length), 1)) is None
    assert keys.open(Packet(PacketType.RETRY, version, b"", b"", bytes(100), 0)) is None


def test_the_length_of_a_secret_tells_the_suites() -> None:
    assert suites_for_secret(bytes(48)) == (AES_256_GCM_SHA384,)
    assert suites_for_secret(bytes(32)) == (AES_128_GCM_SHA256, CHACHA20_POLY1305_SHA256)
    assert suites_for_secret(bytes(20)) == ()
