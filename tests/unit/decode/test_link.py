"""Link layers as columns."""

from __future__ import annotations

import numpy as np
import pytest

from ocsp_pcap.decode.link import IP_4, IP_6, NOTHING, SLOW, UNKNOWN, locate

from .packets import FAST, ether, ipv4
from .wire import batch_of


@pytest.mark.parametrize("stack", FAST)
def test_the_ip_header_is_where_it_is(stack: str) -> None:
    link_type, packet, version = FAST[stack]
    batch = batch_of([bytes(packet)], link_type)
    at, kind = locate(batch, np.arange(1), link_type)
    assert kind.tolist() == [IP_4 if version == 4 else IP_6]
    assert batch.buffer[at[0]] >> 4 == version


@pytest.mark.parametrize(
    ("link_type", "packet", "kind"),
    [
        (1, bytes(ether(type=0x8847)) + bytes(30), SLOW),
        (1, bytes(ether(type=46)) + b"\xaa\xaa\x03\0\0\0\x08\0" + bytes(40), SLOW),
        (1, bytes(ether(type=46)) + b"\xaa\xaa\x03\0\0\x0c\x20\0" + bytes(40), NOTHING),  # CDP
        (1, bytes(ether(type=46)) + b"\xe0\xe0\x03" + bytes(40), NOTHING),
        (1, bytes(ether(type=0x8100)) + b"\0\x07\x81\0" * 9 + bytes(ipv4()), UNKNOWN),
        (1, bytes(ether(type=0x8100)) + b"\0", UNKNOWN),
        (0, b"\x07\0\0\0" + bytes(30), NOTHING),
        (0, b"\x63\0\0\0" + bytes(30), UNKNOWN),
        (0, b"\x02\0", UNKNOWN),
        (101, b"", UNKNOWN),
        (113, bytes(10), UNKNOWN),
        (113, bytes(14) + b"\0\x0c" + bytes(16), NOTHING),
        (-1, b"anything", NOTHING),
        (127, bytes(60), SLOW),
    ],
)
def test_what_else_a_link_layer_may_say(link_type: int, packet: bytes, kind: int) -> None:
    assert locate(batch_of([packet], link_type), np.arange(1), link_type)[1].tolist() == [kind]
