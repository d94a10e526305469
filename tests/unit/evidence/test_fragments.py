"""Evidence of datagrams that came in fragments, and of connections that went on for long."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path

import numpy as np
import pytest
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.layers.l2 import GRE, Ether
from scapy.packet import Packet, Raw
from scapy.utils import rdpcap, wrpcap

from ocsp_pcap.api import explain, read_facts
from ocsp_pcap.capture import expand
from ocsp_pcap.evidence import EvidenceSummary, Extent, write_evidence
from ocsp_pcap.evidence.anonymize import Anonymizer
from ocsp_pcap.explain.model import Explanation
from tests.programs import needs_tshark
from tests.unit.evidence.parts import DIRECT, PARENT, ROOT, tshark

QUIC = ROOT / "samples" / "quic-past-the-proxies" / "parent.pcap"

EXCHANGES = 1200
"""HTTP exchanges that a long connection carries first."""


def in_fragments(path: Path, out: Path, above: int = 400, size: int = 296) -> Path:
    """Return a capture in which every packet of more than ``above`` bytes came in fragments, out of order."""
    packets: list[Packet] = []
    for number, packet in enumerate(rdpcap(str(path))):
        pieces = [packet]
        if len(packet) > above and IP in packet:
            packet[IP].flags = 0
            packet[IP].id = number
            whole = Ether(bytes(packet))
            pieces = [Ether(src=whole.src, dst=whole.dst) / each for each in fragment(whole[IP], size)][::-1]
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


def named(explanation: Explanation) -> list[tuple[object, ...]]:
    """Return the answers in an order that no address decides."""
    return sorted(answers(explanation), key=lambda answer: str(answer[1:]))


def anonymized(path: Path, out: Path) -> Path:
    """Write the packets of a capture that can be passed on, in their other form."""
    anonymizer = Anonymizer()
    kept = anonymizer.learn(expand([str(path)]), np.arange(1, len(rdpcap(str(path))) + 1))
    packets = list(rdpcap(str(path)))
    wrpcap(
        str(out),
        [
            Ether(anonymizer.packet(1, bytes(packets[frame - 1]), datagram))
            for frame, datagram in kept.items()
        ],
    )
    return out


def checksums(path: Path) -> Counter[str]:
    """Count what Wireshark says of checksums of IP, TCP and UDP: 0 bad, 1 good."""
    names = ("ip", "tcp", "udp")
    command = ["tshark", "-n", "-r", str(path), "-T", "fields"]
    for name in names:
        command += ["-o", f"{name}.check_checksum:TRUE", "-e", f"{name}.checksum.status"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return Counter(output.replace(",", " ").split())


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


@needs_tshark
@pytest.mark.parametrize(
    ("path", "above", "size"),
    [(PARENT, 400, 296), (PARENT, 60, 24), (QUIC, 400, 296)],
    ids=["TLS and HTTP", "DNS", "QUIC"],
)
def test_fragments_are_anonymized(path: Path, above: int, size: int, tmp_path: Path) -> None:
    cut = in_fragments(path, tmp_path / "cut.pcap", above, size)
    summary, before, after = evidence_of(cut, tmp_path / "evidence.pcapng", anonymize=True)
    assert not any(share.left_out for share in summary.shares)
    assert [answer[1:] for answer in named(after)] == [answer[1:] for answer in named(before)]
    statuses = checksums(summary.path)
    assert statuses["0"] == 0
    assert statuses["1"] > 20
    assert sum(bool(packet[IP].frag) for packet in rdpcap(str(summary.path)) if IP in packet) > 4
    content = summary.path.read_bytes()
    for packet in rdpcap(str(cut)):
        for address in (packet[IP].src, packet[IP].dst) if IP in packet else ():
            assert ip_address(address).packed not in content
            assert address.encode() not in content


def over_ip(payload: Packet) -> list[Packet]:
    return list(fragment(IP(src="10.9.8.7", dst="10.9.8.6", id=5) / payload, 64))


def over_ipv6(payload: Packet) -> list[Packet]:
    whole = IPv6(src="fd00:9::7", dst="fd00:9::6") / IPv6ExtHdrFragment(id=5) / payload
    # Checksums are not computed behind a fragment header.
    payload[TCP].chksum = IPv6(bytes(IPv6(src=whole.src, dst=whole.dst) / payload))[TCP].chksum
    return list(fragment6(whole, 120))


def tunnelled_in_fragments(payload: Packet) -> list[Packet]:
    return over_ip(GRE() / IP(src="10.9.8.5", dst="10.9.8.4") / payload)


def fragments_in_a_tunnel(payload: Packet) -> list[Packet]:
    return [IP(src="10.9.8.5", dst="10.9.8.4") / GRE() / piece for piece in over_ip(payload)]


@needs_tshark
@pytest.mark.parametrize("sent", [over_ip, over_ipv6, tunnelled_in_fragments, fragments_in_a_tunnel])
def test_a_cookie_across_fragments_is_blanked(sent: Callable[[Packet], list[Packet]], tmp_path: Path) -> None:
    request = b"GET / HTTP/1.1\r\nHost: a.test\r\nCookie: " + b"secret.." * 40 + b"\r\n\r\n"
    pieces = [Ether() / piece for piece in sent(TCP(sport=40000, dport=80, flags="PA") / Raw(request))]
    assert len(pieces) > 4
    wrpcap(str(tmp_path / "in.pcap"), pieces)
    other = anonymized(tmp_path / "in.pcap", tmp_path / "out.pcap")
    content = other.read_bytes()
    assert len(rdpcap(str(other))) == len(pieces)
    assert b"secret" not in content
    assert b"a.test" in content
    assert b"\x0a\x09\x08" not in content
    assert b"\xfd\0\0\x09" not in content
    assert [row for row in tshark(other, "http.cookie") if row[0]] == [["x" * 320]]
    statuses = checksums(other)
    assert statuses["0"] == 0
    assert statuses["1"] == checksums(tmp_path / "in.pcap")["1"] > 0


@pytest.mark.parametrize("change", ["missing", "other bytes"])
def test_fragments_that_make_no_datagram_are_left_out(change: str, tmp_path: Path) -> None:
    pieces = over_ip(UDP(sport=40000, dport=443) / Raw(bytes(400)))
    if change == "missing":
        del pieces[2]
    else:
        pieces.insert(2, pieces[1].copy())
        pieces[2][Raw].load = b"!" * len(pieces[2][Raw].load)
    lone = IP(src="10.9.8.7", dst="10.9.8.6") / UDP(sport=40000, dport=443) / Raw(b"whole")
    wrpcap(str(tmp_path / "in.pcap"), [Ether() / piece for piece in (*pieces, lone)])
    other = anonymized(tmp_path / "in.pcap", tmp_path / "out.pcap")
    assert [bytes(packet[Raw]) for packet in rdpcap(str(other))] == [b"whole"]


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
