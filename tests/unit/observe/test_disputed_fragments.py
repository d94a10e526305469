"""IP fragments that bring other bytes for the same places: what their receiver read is not certain."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.explain.engine import explain
from tests.unit.observe.segments import Wire, opening, packet
from tests.unit.observe.test_ambiguity import FORGED, hello, rest
from tests.unit.quic.vectors import CLIENT_INITIAL_V1


def fragments(frame: bytes, cut: int, identification: int = 7) -> tuple[bytes, bytes]:
    """Cut an Ethernet frame with IPv4 in two."""
    header, payload = bytearray(frame[:34]), frame[34:]
    header[18:20] = identification.to_bytes(2)
    found = []
    for start, end, more in ((0, cut, 0x2000), (cut, len(payload), 0)):
        header[16:18] = (20 + end - start).to_bytes(2)
        header[20:22] = (more | start // 8).to_bytes(2)
        found.append(bytes(header) + payload[start:end])
    return found[0], found[1]


def write(path: Path, frames: list[bytes], after: int = 0) -> Path:
    content = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for number, frame in enumerate(frames):
        content += struct.pack("<IIII", 1_700_000_000 + after, number * 1000, len(frame), len(frame)) + frame
    path.write_bytes(content)
    return path


def frames_of(wires: list[Wire]) -> list[bytes]:
    return [packet(wire) for wire in wires]


@pytest.mark.parametrize("other", [b"", FORGED], ids=["agrees", "disagrees"])
def test_a_handshake_in_fragments(other: bytes, tmp_path: Path) -> None:
    first, second = fragments(packet(hello()), 160)
    forged, _ = fragments(packet(hello(other)), 160) if other else (first, second)
    frames = [*frames_of(opening()), forged, first, second, *frames_of(rest())]
    facts = read_facts([write(tmp_path / "a.pcap", frames)])
    (handshake,) = facts.handshakes
    assert handshake.alerts
    assert handshake.ambiguous == ((4, 5) if other else ())
    codes = {finding.code for finding in explain(facts).findings}
    assert ("ambiguous-bytes" in codes) == bool(other)


def test_files_side_by_side_say_the_same(tmp_path: Path) -> None:
    first, second = fragments(packet(hello()), 160)
    forged, _ = fragments(packet(hello(FORGED)), 160)
    folder = tmp_path / "set"
    folder.mkdir()
    write(folder / "cap_00001_20231114221320.pcap", frames_of(opening()))
    write(folder / "cap_00002_20231114221330.pcap", [forged, first, second, *frames_of(rest())], after=10)
    told = [read_facts([folder], ReadOptions(jobs=jobs, rotation="yes")).handshakes for jobs in (1, 2)]
    assert told[0] == told[1]
    assert told[0][0].ambiguous == (4, 5)


def datagram(port: int, payload: bytes) -> bytes:
    header = bytes.fromhex("020000000001020000000002080045000000000000004011 0000 0a090001 0a090002")
    return header + struct.pack(">HHHH", 5353, port, 8 + len(payload), 0) + payload


def test_a_hello_of_quic_in_fragments(tmp_path: Path) -> None:
    first, second = fragments(datagram(443, CLIENT_INITIAL_V1), 400)
    forged = first[:-4] + b"evil"
    facts = read_facts([write(tmp_path / "a.pcap", [first, forged, second])])
    (handshake,) = facts.handshakes
    assert (handshake.transport, handshake.ambiguous) == ("udp", (1, 2))
    (finding,) = (found for found in explain(facts).findings if found.code == "ambiguous-bytes")
    assert [(each.frame, each.transport) for each in finding.evidence] == [(1, "udp"), (2, "udp")]


def test_datagrams_of_udp_are_named_in_a_note(tmp_path: Path) -> None:
    first, second = fragments(datagram(53, bytes(64)), 40)
    forged = first[:-4] + b"evil"
    facts = read_facts([write(tmp_path / "a.pcap", [forged, first, second])])
    assert "IP fragments disagree about UDP datagrams (frames 1, 2)" in facts.captures[0].notes[0]
