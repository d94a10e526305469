from __future__ import annotations

from pathlib import Path

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from ocsp_pcap.capture import CaptureSource
from ocsp_pcap.evidence.context import MOST_BEFORE, context_frames
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


def test_the_opening_and_the_payload_before_a_proof(tmp_path: Path) -> None:
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
            segment("PA", 20, back=True, sequence=21),
        ],
    )
    assert context_frames(capture, {7}) == {1, 2, 5}
    assert context_frames(capture, {6}) == {4}
    assert context_frames(capture, set()) == set()
    assert context_frames(capture, {1, 99}) == {2}


def test_no_more_than_some_packets_before_each_proof(tmp_path: Path) -> None:
    capture = source(tmp_path / "a.pcap", [segment("PA", 10, sequence=10 * n) for n in range(300)])
    assert context_frames(capture, {100, 300}) == {
        *range(100 - MOST_BEFORE, 100),
        *range(300 - MOST_BEFORE, 300),
    }
    assert context_frames(capture, {100, 110}) == {*range(100 - MOST_BEFORE, 100), *range(101, 110)}


def test_datagrams_of_the_same_stream(tmp_path: Path) -> None:
    datagram = Ether() / IP(src="192.0.2.1", dst="198.51.100.2") / UDP(sport=5000, dport=443) / Raw(bytes(30))
    capture = source(tmp_path / "a.pcap", [datagram, segment("PA", 5), datagram, datagram])
    assert context_frames(capture, {3}) == {1}
