"""Link layers as columns: what each header says that follows."""

from __future__ import annotations

import numpy as np
import pytest

from ocsp_pcap.decode.fast import FastResult, decode_fast, first_level
from ocsp_pcap.decode.frames import Space
from ocsp_pcap.decode.kinds import Kind
from ocsp_pcap.decode.link import known_type, sound_ip

from .packets import ether, ipv4, ipv6
from .wire import batch_of


def walk(packet: bytes, link_type: int) -> FastResult:
    batch = batch_of([packet], link_type)
    result = FastResult(Space(batch.buffer))
    decode_fast(first_level(batch), result)
    return result


@pytest.mark.parametrize(
    ("link_type", "packet", "name"),
    [
        (1, bytes(ether(type=46)) + b"\xaa\xaa\x03\0\0\x0c\x20\0" + bytes(40), None),  # CDP
        (1, bytes(ether(type=46)) + b"\xaa\xaa\x03\0\0\0\xde\xad" + bytes(40), None),
        (1, bytes(ether(type=46)) + b"\xe0\xe0\x03" + bytes(40), None),
        (1, bytes(ether(type=0x8100)) + b"\0\x07\x81\0" * 4200 + bytes(ipv4()), "deeper"),
        (1, bytes(ether(type=0x8100)) + b"\0", "end before"),
        (1, bytes(ether(type=0x88E5)) + bytes(40), "EtherType 0x88e5 (MACsec)"),
        (1, bytes(ether(type=0xFEED)) + bytes(40), "EtherType 0xfeed"),
        (1, bytes(ether(type=0x0806)) + bytes(40), None),
        (1, bytes(ether(type=0x8863)) + bytes(40), None),
        (1, bytes(ether(type=0x8864)) + b"\x11\0\0\1\0\x10\xc0\x21" + bytes(20), None),
        (1, bytes(ether(type=0x8864)) + b"\x11\0\0\1\0\x10\0\xfd" + bytes(20), "PPP protocol 0x00fd"),
        (1, bytes(ether(type=0x8847)) + b"\0\1\xe1\x40" + b"\xde\xad\xbe\xef" * 9, "MPLS label 30"),
        (1, bytes(ether(type=0x8847)) + b"\0\1\xe1\x40" + b"\x10\0\0\x21" + b"\xad" * 40, None),
        (0, b"\x07\0\0\0" + bytes(30), None),
        (0, b"\x63\0\0\0" + bytes(30), "address family 99"),
        (0, b"\x02\0", "end before"),
        (101, b"", "make no sense"),
        (113, bytes(10), "end before"),
        (113, bytes(14) + b"\0\x0c" + bytes(16), None),
        (-1, b"anything", None),
    ],
)
def test_what_cannot_be_read_is_named_and_what_carries_no_ip_is_not(
    link_type: int, packet: bytes, name: str | None
) -> None:
    result = walk(packet, link_type)
    assert not result.tcp
    assert not result.slow
    assert result.undecoded.packets == (name is not None)
    assert all(name is not None and name in found for found in result.undecoded.counts)


def test_other_link_types_are_left_to_the_slow_path() -> None:
    assert list(walk(bytes(60), 127).slow) == [Kind.SLOW_LINK]


def test_an_ip_header_is_told_from_a_hardware_address() -> None:
    packets = [bytes(ipv4()), bytes(ipv6()), b"\x45" + bytes(40), b"\x66" + b"\xff" * 60]
    batch = batch_of(packets)
    assert sound_ip(batch.buffer, batch.offset, batch.captured_length).tolist() == [True, True, True, False]
    types = np.array([0x0800, 0x86DD, 0xFEED, 46, 47, 0], np.uint16)
    assert known_type(types, np.full(6, 60)).tolist() == [True, True, False, True, False, False]
