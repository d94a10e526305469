"""Evidence of datagrams that came in fragments, and of connections that went on for long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, fragment
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import rdpcap, wrpcap

from ocsp_pcap.api import explain, read_facts
from ocsp_pcap.evidence import EvidenceSummary, Extent, write_evidence
from ocsp_pcap.explain.model import Explanation
from tests.unit.evidence.parts import DIRECT, PARENT

EXCHANGES = 1200
"""HTTP exchanges that a long connection carries first."""


def in_fragments(path: Path, out: Path) -> Path:
    """Return a capture in which every packet of more than 400 bytes came in fragments, out of order."""
    packets: list[Packet] = []
    for packet in rdpcap(str(path)):
        pieces = [packet]
        if len(packet) > 400 and IP in packet:
            packet[IP].flags = 0
            whole = Ether(bytes(packet))
            pieces = [Ether(src=whole.src, dst=whole.dst) / each for each in fragment(whole[IP], 296)][::-1]
            for piece in pieces:
                piece.time = packet.time
        packets += pieces
    wrpcap(str(out), packets)
    return out


def lengthened(path: Path, out: Path) -> Path:
    """Return a capture in which the first connection to port 80 carried other exchanges before its own."""
    packets = list(rdpcap(str(path)))
    asked = next(packet for packet in packets if TCP in packet and packet[TCP].dport == 80 and Raw in packet)
    ends = (asked[IP].src, asked[TCP].sport)
    made: list[Packet] = []
    added = {True: 0, False: 0}
    for packet in packets:
        if packet is asked:
            for each in _exchanges(asked):
                each.time = asked.time
                made.append(each)
                added[each[IP].src == ends[0]] += len(each[Raw].load)
        if TCP in packet and ends in _ends(packet):
            out_bound = packet[IP].src == ends[0]
            packet[TCP].seq = (packet[TCP].seq + added[out_bound]) % 2**32
            packet[TCP].ack = (packet[TCP].ack + added[not out_bound]) % 2**32
            del packet[TCP].chksum
        made.append(packet)
    wrpcap(str(out), made)
    return out


def downloading(path: Path, out: Path) -> Path:
    """Return a capture in which the first TLS connection goes on with many records from its server."""
    packets = list(rdpcap(str(path)))
    last = next(p for p in packets if TCP in p and p[TCP].sport == 443 and Raw in p)
    own = [p for p in packets if TCP in p and {p[TCP].sport, p[TCP].dport} == {443, last[TCP].dport}]
    answers_of_server = [p for p in own if p[TCP].sport == 443 and Raw in p and p[Raw].load[:1] == b"\x17"]
    last = answers_of_server[-1]
    record = b"\x17\x03\x03\x00\x40" + bytes(64)
    made: list[Packet] = []
    added = 0
    for packet in packets:
        if packet in own and added:
            back = packet[TCP].sport == 443
            packet[TCP].seq = (packet[TCP].seq + (added if back else 0)) % 2**32
            packet[TCP].ack = (packet[TCP].ack + (0 if back else added)) % 2**32
            del packet[TCP].chksum
        made.append(packet)
        if packet is last:
            ip, tcp = packet[IP], packet[TCP]
            at = tcp.seq + len(packet[Raw].load)
            for _ in range(2 * EXCHANGES):
                one = (
                    Ether(src=packet.src, dst=packet.dst) / IP(src=ip.src, dst=ip.dst)
                    / TCP(sport=443, dport=tcp.dport, seq=(at + added) % 2**32, ack=tcp.ack, flags="PA")
                    / Raw(record)
                )  # fmt: skip
                one.time = packet.time
                made.append(one)
                added += len(record)
    wrpcap(str(out), made)
    return out


def _ends(packet: Packet) -> tuple[tuple[str, int], tuple[str, int]]:
    return (packet[IP].src, packet[TCP].sport), (packet[IP].dst, packet[TCP].dport)


def _exchanges(asked: Packet) -> Iterator[Packet]:
    request = b"GET /page HTTP/1.1\r\nHost: ocsp.pki.test\r\n\r\n"
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone"
    there, back = asked[TCP].seq, asked[TCP].ack
    for _ in range(EXCHANGES):
        ip, tcp = asked[IP], asked[TCP]
        yield (
            Ether(src=asked.src, dst=asked.dst) / IP(src=ip.src, dst=ip.dst)
            / TCP(sport=tcp.sport, dport=80, seq=there, ack=back, flags="PA") / Raw(request)
        )  # fmt: skip
        there = (there + len(request)) % 2**32
        yield (
            Ether(src=asked.dst, dst=asked.src) / IP(src=ip.dst, dst=ip.src)
            / TCP(sport=80, dport=tcp.sport, seq=back, ack=there, flags="PA") / Raw(answer)
        )  # fmt: skip
        back = (back + len(answer)) % 2**32


def evidence_of(capture: Path, out: Path, **extent: bool) -> tuple[EvidenceSummary, Explanation, Explanation]:
    """Write evidence of a capture; return what it was, and the answers before and after."""
    facts = read_facts([capture])
    before = explain(facts)
    summary = write_evidence(before, facts, [capture], out, Extent(**extent))
    return summary, before, explain(read_facts([out]))


def answers(explanation: Explanation) -> list[tuple[object, ...]]:
    return sorted(
        (v.validator.address, str(v.host), v.presence, v.cause, str(v.status), v.confidence)
        for v in explanation.verdicts
    )


@pytest.mark.parametrize("path", [DIRECT, PARENT])
def test_fragments_come_along(path: Path, tmp_path: Path) -> None:
    cut = in_fragments(path, tmp_path / "cut.pcap")
    assert len(rdpcap(str(cut))) > len(rdpcap(str(path))) * 1.2
    _, before, after = evidence_of(cut, tmp_path / "evidence.pcapng")
    assert answers(before) == answers(explain(read_facts([path])))
    assert answers(after) == answers(before)


def test_fragments_are_not_passed_on_where_addresses_are_replaced(tmp_path: Path) -> None:
    cut = in_fragments(PARENT, tmp_path / "cut.pcap")
    summary, _, _ = evidence_of(cut, tmp_path / "evidence.pcapng", anonymize=True)
    assert sum(share.left_out for share in summary.shares) > 20
    assert all(packet[IP].frag == 0 and not packet[IP].flags.MF for packet in rdpcap(str(summary.path)))


def test_a_long_connection_is_whole_up_to_its_last_message(tmp_path: Path) -> None:
    long = lengthened(PARENT, tmp_path / "long.pcap")
    summary, before, after = evidence_of(long, tmp_path / "evidence.pcapng")
    assert answers(before) == answers(explain(read_facts([PARENT])))
    assert answers(after) == answers(before)
    assert summary.packets > 2 * EXCHANGES


def test_the_middle_of_a_long_transfer_is_left_out(tmp_path: Path) -> None:
    long = downloading(DIRECT, tmp_path / "long.pcap")
    summary, before, after = evidence_of(long, tmp_path / "evidence.pcapng")
    assert answers(before) == answers(explain(read_facts([DIRECT])))
    assert answers(after) == answers(before)
    assert summary.packets < len(rdpcap(str(long))) - EXCHANGES
