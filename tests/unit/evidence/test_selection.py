from __future__ import annotations

from pathlib import Path

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from ocsp_pcap.capture import CaptureSource
from ocsp_pcap.evidence.selection import BEFORE, FIRST, LAST, select
from tests.unit.capture.builders import pcap_header, pcap_record


def segment(flags: str, size: int = 0, *, back: bool = False, port: int = 4000, sequence: int = 1) -> Packet:
    ends = ("192.0.2.1", "198.51.100.2")
    ports = (port, 80)
    if back:
        ends, ports = ends[::-1], ports[::-1]
    return (
        Ether()
        / IP(src=ends[0], dst=ends[1])
        / TCP(sport=ports[0], dport=ports[1], flags=flags, seq=sequence)
        / Raw(bytes(size))
    )


def source(path: Path, packets: list[Packet]) -> CaptureSource:
    path.write_bytes(pcap_header() + b"".join(pcap_record(bytes(packet)) for packet in packets))
    return CaptureSource(str(path), path)


def chosen(capture: CaptureSource, facts: set[int], proving: set[int] | None = None) -> set[int]:
    return set(select([capture], facts, proving or set()).frames.tolist())


def test_whole_connections_of_facts(tmp_path: Path) -> None:
    capture = source(
        tmp_path / "a.pcap",
        [
            segment("S", sequence=0),
            segment("SA", back=True),
            segment("A"),
            segment("S", port=4001, sequence=0),
            segment("PA", 10),
            segment("PA", 10, port=4001),
            segment("PA", 20, back=True),
            segment("FA", back=True, sequence=21),
        ],
    )
    assert chosen(capture, {5}) == {1, 2, 3, 5, 7, 8}
    assert chosen(capture, {6}) == {4, 6}
    assert chosen(capture, {5}, {6}) == set(range(1, 9))
    assert chosen(capture, set()) == set()
    assert chosen(capture, {1, 99}) == {1, 2, 3, 5, 7, 8}


def test_the_middle_of_a_long_connection_is_left_out(tmp_path: Path) -> None:
    count = FIRST + LAST + 500
    packets = [segment("PA", 10, sequence=10 * n) for n in range(count)]
    packets[FIRST + 90] = segment("R")
    capture = source(tmp_path / "a.pcap", packets)
    ends = {*range(1, FIRST + 1), *range(count - LAST + 1, count + 1), FIRST + 91}
    assert chosen(capture, {1}) == ends
    proving = FIRST + 300
    assert chosen(capture, {1}, {proving}) == ends | set(range(proving - BEFORE, proving + 1))


def test_datagrams_of_the_same_stream(tmp_path: Path) -> None:
    datagram = Ether() / IP(src="192.0.2.1", dst="198.51.100.2") / UDP(sport=5000, dport=443) / Raw(bytes(30))
    capture = source(tmp_path / "a.pcap", [datagram, segment("PA", 5), datagram, datagram])
    assert chosen(capture, {3}) == {1, 3, 4}


def test_frames_of_a_set_are_counted_through_its_files(tmp_path: Path) -> None:
    files = [
        source(tmp_path / "a1.pcap", [segment("S", sequence=0), segment("A", port=9)]),
        source(tmp_path / "a2.pcap", [segment("A"), segment("PA", 5, port=9)]),
    ]
    found = select(files, {3}, set())
    assert found.frames.tolist() == [1, 3]
    assert found.link_types == (1,)
