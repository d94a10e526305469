"""Segments that their receiver dropped for their checksum, and of which no other copy came."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from ocsp_pcap.api import read_facts
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.facts import Facts
from tests.samples.cases import SAMPLES

HANDSHAKES = SAMPLES / "tls-handshake-forms" / "openssl.pcap"


def rewritten(capture: Path, out: Path, change: Callable[[int, bytearray], None]) -> Path:
    """Copy a pcap of Ethernet, each frame as ``change`` leaves it, with checksums that are right before."""
    content = capture.read_bytes()
    order = "<" if content[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    result, at, frame = bytearray(content[:24]), 24, 0
    while at < len(content):
        length = struct.unpack(f"{order}I", content[at + 8 : at + 12])[0]
        packet = bytearray(content[at + 16 : at + 16 + length])
        frame += 1
        make_right(packet)
        change(frame, packet)
        result += content[at : at + 8] + struct.pack(f"{order}II", len(packet), len(packet)) + packet
        at += 16 + length
    out.write_bytes(result)
    return out


def make_right(packet: bytearray) -> None:
    if packet[12:14] != b"\x08\x00" or packet[14] != 0x45 or packet[23] != 6:
        return
    end = 14 + int.from_bytes(packet[16:18])
    packet[50:52] = b"\0\0"
    whole = packet[26:34] + struct.pack(">HH", 6, end - 34) + packet[34:end] + bytes(end & 1)
    packet[50:52] = (0xFFFF - int.from_bytes(whole) % 0xFFFF).to_bytes(2)


def spoil(packet: bytearray) -> None:
    packet[50] ^= 0x55


def with_options(packet: bytearray) -> None:
    """Put two words of options (RFC 791 3.1) into the IPv4 header."""
    packet[14] += 2
    packet[16:18] = (int.from_bytes(packet[16:18]) + 8).to_bytes(2)
    packet[34:34] = b"\x01" * 8


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    return read_facts([rewritten(HANDSHAKES, tmp_path_factory.mktemp("r") / "a.pcap", lambda *_: None)])


def test_right_checksums_leave_no_doubt(right: Facts) -> None:
    assert any(handshake.certificates for handshake in right.handshakes)
    assert not any(handshake.ambiguous for handshake in right.handshakes)


@pytest.mark.parametrize("options", [False, True])
def test_the_frame_that_brought_certificates_and_was_dropped_is_named(
    right: Facts, options: bool, tmp_path: Path
) -> None:
    chosen = {
        handshake.frames.certificate: handshake.stream
        for handshake in right.handshakes
        if handshake.certificates and handshake.version == "TLS 1.2"
    }
    assert chosen

    def change(frame: int, packet: bytearray) -> None:
        if frame in chosen:
            spoil(packet)
        if options:
            with_options(packet)

    facts = read_facts([rewritten(HANDSHAKES, tmp_path / "a.pcap", change)])
    named = {frame for handshake in facts.handshakes for frame in handshake.ambiguous}
    # Where half of what a server sent is wrong, nothing is said: its interface may make the checksums.
    assert named
    assert named <= set(chosen)
    about = [finding for finding in explain(facts).findings if finding.code == "ambiguous-bytes"]
    assert {evidence.frame for evidence in about[0].evidence} == named


def test_where_all_that_a_host_sent_is_wrong_nothing_is_said(right: Facts, tmp_path: Path) -> None:
    servers = {(handshake.server, handshake.server_port) for handshake in right.handshakes}

    def change(_: int, packet: bytearray) -> None:
        source = ".".join(map(str, packet[26:30])), int.from_bytes(packet[34:36])
        if source in servers:
            spoil(packet)

    facts = read_facts([rewritten(HANDSHAKES, tmp_path / "a.pcap", change)])
    assert [handshake.certificates for handshake in facts.handshakes] == [
        handshake.certificates for handshake in right.handshakes
    ]
    assert not any(handshake.ambiguous for handshake in facts.handshakes)
