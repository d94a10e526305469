from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.quic.versions import (
    LONG_HEADER_MASK,
    VERSION_OFFSET,
    google_public_version,
    looks_like_quic,
    version_of,
)

from .vectors import CLIENT_INITIAL_V1, CLIENT_INITIAL_V2, RETRY_V1, SERVER_INITIAL_V1


@pytest.mark.parametrize("datagram", [CLIENT_INITIAL_V1, CLIENT_INITIAL_V2, SERVER_INITIAL_V1, RETRY_V1])
def test_vectors_look_like_quic(datagram: bytes) -> None:
    assert looks_like_quic(datagram)
    assert datagram[0] & LONG_HEADER_MASK
    assert version_of(int.from_bytes(datagram[VERSION_OFFSET : VERSION_OFFSET + 4]))


def test_a_greased_fixed_bit_is_no_obstacle() -> None:
    assert looks_like_quic(bytes((CLIENT_INITIAL_V1[0] & 0xBF,)) + CLIENT_INITIAL_V1[1:])


def test_version_negotiation_must_list_a_known_version() -> None:
    head = b"\x80" + bytes(4) + b"\x08" + bytes(8) + b"\x08" + bytes(8)
    assert looks_like_quic(head + b"\x1a\x2a\x3a\x4a\x00\x00\x00\x01")
    assert not looks_like_quic(head + b"\x12\x34\x56\x78")
    assert not looks_like_quic(head + b"\x00\x00\x00")
    assert not looks_like_quic(head)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc0",
        bytes(1200),
        b"\xc0\x12\x34\x56\x78" + bytes(1200),
        b"\xc0\x00\x00\x00\x01\x15" + bytes(60),
    ],
)
def test_other_datagrams_do_not(payload: bytes) -> None:
    assert not looks_like_quic(payload)


@pytest.mark.parametrize(
    ("number", "name", "tls"),
    [
        (1, "1", True),
        (0x6B3343CF, "2", True),
        (0xFF00001D, "draft-29", True),
        (0xFACEB002, "mvfst draft-27", True),
        (0xFACEB003, "mvfst faceb003", True),
        (0x54303531, "T051", True),
        (0x51303530, "Q050", False),
        (0x51303436, "Q046", False),
        (0x0A1A2A3A, "reserved 0a1a2a3a", True),
    ],
)
def test_versions_are_named(number: int, name: str, tls: bool) -> None:
    version = version_of(number)
    assert version is not None
    assert (version.name, version.tls, bool(version.salts)) == (name, tls, tls)


@pytest.mark.parametrize("number", [0, 2, 0xFF000015, 0xFF000023, 0x51515151, 0xDEADBEEF])
def test_unknown_versions_are_none(number: int) -> None:
    assert version_of(number) is None


def test_a_gquic_public_header_is_known_by_its_version() -> None:
    datagram = b"\x0d" + bytes(8) + b"Q043" + bytes(20)
    assert looks_like_quic(datagram)
    assert google_public_version(datagram) == int.from_bytes(b"Q043")
    assert google_public_version(b"\x0d" + bytes(8) + b"QQQQ") is None
    assert google_public_version(b"\x00" + datagram[1:]) is None


@given(st.binary(max_size=80))
def test_nothing_raises(payload: bytes) -> None:
    looks_like_quic(payload)
    looks_like_quic(b"\x80\x00\x00\x00\x00" + payload)
    looks_like_quic(b"\xc0\x00\x00\x00\x01" + payload)
