from __future__ import annotations

import struct

import pytest

from ocsp_pcap.capture.formats import compression, describe, is_capture, is_pcap, is_pcapng

from .builders import pcap_header, section


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34, 0x1C0001AC, 0x1C0001AB])
def test_pcap_is_known_by_its_magic(order: str, magic: int) -> None:
    head = pcap_header(order, magic)
    assert is_pcap(head)
    assert is_capture(head)
    assert not is_pcapng(head)


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_is_known_by_its_section_header(order: str) -> None:
    assert is_pcapng(section(order))
    assert is_capture(section(order))
    assert not is_pcap(section(order))


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"snoop\0\0\0\0\0\0\2", "a Sun snoop capture"),
        (b"GMBU\0\1", "a Microsoft Network Monitor 2 capture"),
        (b"TRSNIFF data    \x1a", "a DOS Sniffer capture"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"-----BEGIN CERTIFICATE-----", "a PEM file"),
        (b"CLIENT_RANDOM 00", "a TLS key log"),
        (b"12:00:00.1 IP 10.0.0.1.443 > 10.0.0.2.5: Flags [S]\n", "a text file"),
        ("Überschrift\n".encode(), "a text file"),
        (("x" + "ü" * 300).encode()[:512], "a text file"),
        (b'{"kind": 1}', "a JSON file"),
        ("text".encode("utf-16"), "a text file in UTF-16"),
        (b"\n\r\r\n" + bytes(20), "a pcapng file without a valid section header"),
        (bytes(512), "a file that starts with zeros only"),
        (bytes(257) + b"ustar" + bytes(200), "a tar archive"),
        (struct.pack("<II", 0, 1_700_000_000) + b"\x02\x04\x00\x60\x00\x00\x00\x4e" + b"\xff" * 90, "ERF"),
    ],
)
def test_other_files_are_named(head: bytes, words: str) -> None:
    assert words in str(describe(head))
    assert not is_capture(head)


def test_noise_is_not_named() -> None:
    assert describe(bytes(range(128, 256)) * 4) is None
    assert compression(b"noise") is None
