"""Protocols that are recognised and not read: counted, and never taken for something else."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.observe.outside import outside

from .wire import udp_columns

SESSION = bytes(range(1, 9))
CLIENT_RESET = b"\x38" + SESSION + bytes(5)
SERVER_RESET = b"\x40" + SESSION + b"\x01" + bytes(4) + SESSION + bytes(4)
AUTHENTICATED = b"\x38" + SESSION + bytes(range(20)) + b"\x00\x00\x00\x01" + b"time" + bytes(5)
ENCRYPTED = b"\x38" + SESSION + b"\x00\x00\x00\x01" + bytes(range(41))
DTLS_HELLO = b"\x16\xfe\xfd" + bytes(8) + b"\x00\x40\x01" + bytes(63)
RDP_SYN = struct.pack("!IHHIHH", 0xFFFFFFFF, 64, 0x0001, 7, 1232, 1232) + bytes(1216)


def seen(*payloads: bytes, elsewhere: bool = False) -> dict[str, int]:
    none = udp_columns([])
    return dict(outside(none, udp_columns([(0, 0, one) for one in payloads], elsewhere=elsewhere)))


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize(
    ("payload", "protocol"),
    [
        (CLIENT_RESET, "OpenVPN"),
        (SERVER_RESET, "OpenVPN"),
        (AUTHENTICATED, "OpenVPN"),
        (ENCRYPTED, "OpenVPN"),
        (DTLS_HELLO, "DTLS"),
        (RDP_SYN, "RDP over UDP"),
    ],
)
def test_what_is_known_by_sight(payload: bytes, protocol: str, elsewhere: bool) -> None:
    assert seen(payload, b"other", payload, elsewhere=elsewhere) == {protocol: 2}


@pytest.mark.parametrize(
    "payload",
    [
        CLIENT_RESET + b"\x00",
        CLIENT_RESET[:-1] + b"\x01",
        b"\x39" + CLIENT_RESET[1:],
        DTLS_HELLO[:13],
        DTLS_HELLO[:40],
        b"\x16\x03\x03" + DTLS_HELLO[3:],
        RDP_SYN[:6] + b"\x00\x02" + RDP_SYN[8:],
        RDP_SYN[:12] + b"\x00\x00" + RDP_SYN[14:],
        RDP_SYN[:14] + b"\x00\x00" + RDP_SYN[16:],
        RDP_SYN[:6] + b"\x00\x05" + RDP_SYN[8:],
        b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x04test\x04site\x00\x00\x01\x00\x01",
        b"\x80\x60" + bytes(170),
        b"\xc3\x00\x00\x00\x01\x08" + bytes(1300),
    ],
)
def test_what_is_not(payload: bytes) -> None:
    assert seen(payload) == {}


def test_openvpn_over_tcp_has_its_length_before_it() -> None:
    # Nothing that this looks at differs between segments and datagrams.
    framed = [struct.pack("!H", len(one)) + one for one in (CLIENT_RESET, SERVER_RESET, AUTHENTICATED)]
    wrong = b"\x00\x0f" + CLIENT_RESET
    columns = udp_columns([(0, 0, one) for one in [*framed, wrong, CLIENT_RESET]])
    assert dict(outside(columns, udp_columns([]))) == {"OpenVPN": 3}


@given(st.lists(st.binary(min_size=1, max_size=120), max_size=20), st.booleans())
def test_noise_raises_nothing(payloads: list[bytes], elsewhere: bool) -> None:
    assert sum(seen(*payloads, elsewhere=elsewhere).values()) <= len(payloads)
