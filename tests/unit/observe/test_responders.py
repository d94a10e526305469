"""Lookups of hosts that matter, over UDP and TCP, in captures that are written for the test."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from ocsp_pcap import bounds
from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.capture import CaptureError, expand
from ocsp_pcap.facts import DnsLookupFact, ExchangeFrames, Facts
from ocsp_pcap.observe.responders import ResponderTraffic
from ocsp_pcap.read_captures import RunOptions, read_captures
from ocsp_pcap.spoken.shared import Shared
from tests.conftest import CORPUS
from tests.unit.explain.facts_factory import certificate, exchange

PROXY, RESOLVER, RESPONDER = "10.77.2.30", "10.77.2.53", "10.77.2.100"
HOST = "ocsp.site.test"


class Recorder:
    """Writes packets as they are made."""

    def __init__(self) -> None:
        self.packets: list[object] = []

    def udp(self, name: str, records: list[str], *, kind: str = "A", number: int = 1, **flags: bool) -> None:
        """A query and its answer; records are given as in zone files."""
        from scapy.layers.inet import IP, UDP

        query, answer = messages(name, records, kind, number, **flags)
        there = IP(src=PROXY, dst=RESOLVER) / UDP(sport=30_000, dport=53)
        back = IP(src=RESOLVER, dst=PROXY) / UDP(sport=53, dport=30_000)
        self.packets += [there / query, back / answer]

    def tcp(self, port: int, server: str, exchange: list[tuple[int, bytes]]) -> None:
        """A connection from its first SYN, in segments of 20 bytes."""
        from scapy.layers.inet import IP, TCP

        ends = (PROXY, 31_000 + len(self.packets)), (server, port)
        sequence = [1000, 5000]

        def send(direction: int, flags: str, data: bytes = b"") -> None:
            source, target = ends[direction], ends[1 - direction]
            self.packets.append(
                IP(src=source[0], dst=target[0])
                / TCP(
                    sport=source[1],
                    dport=target[1],
                    flags=flags,
                    seq=sequence[direction],
                    ack=sequence[1 - direction] if flags != "S" else 0,
                )
                / data
            )
            sequence[direction] += len(data) + (flags in ("S", "SA", "FA"))

        send(0, "S")
        send(1, "SA")
        send(0, "A")
        for direction, data in exchange:
            for start in range(0, len(data), 20):
                send(direction, "PA", data[start : start + 20])
        send(0, "FA")
        send(1, "FA")

    def facts(self, folder: Path, *hosts: str) -> Facts:
        """Read what was recorded, and a CRL download that makes the host matter; so do ``hosts``."""
        from scapy.utils import wrpcap

        request = f"GET /a.crl HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
        refusal = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        self.tcp(80, RESPONDER, [(0, request), (1, refusal)])
        path = folder / "dns.pcap"
        wrpcap(str(path), self.packets)
        return read_facts([path], ReadOptions(hosts=hosts))


def messages(name: str, records: list[str], kind: str, number: int, **flags: bool) -> tuple[bytes, bytes]:
    query = dns.message.make_query(name, kind, id=number)
    answer = dns.message.make_response(query)
    answer.answer = [dns.rrset.from_text(*record.split(" ")) for record in records]
    if flags.get("truncated"):
        answer.flags |= dns.flags.TC
    if flags.get("unknown"):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return query.to_wire(), answer.to_wire()


def framed(payload: bytes) -> bytes:
    return struct.pack("!H", len(payload)) + payload


def brief(lookup: DnsLookupFact) -> tuple[str, str, str | None, tuple[str, ...]]:
    return lookup.transport, lookup.name, lookup.rcode, lookup.answers


def test_a_lookup_over_tcp(tmp_path: Path) -> None:
    query, answer = messages(HOST, [f"{HOST}. 60 IN A {RESPONDER}"], "A", 9)
    recorder = Recorder()
    recorder.tcp(53, RESOLVER, [(0, framed(query)), (1, framed(answer))])
    (lookup,) = recorder.facts(tmp_path).dns_lookups
    assert brief(lookup) == ("tcp", HOST, "NOERROR", (RESPONDER,))
    assert (lookup.client, lookup.server, lookup.stream) == (PROXY, RESOLVER, 0)
    # Three frames of TCP's own before; the message is complete in the last of its segments.
    assert lookup.frames.request == 3 + -(-len(framed(query)) // 20)
    assert lookup.frames.response == lookup.frames.request + -(-len(framed(answer)) // 20)


def test_truncated_over_udp_then_whole_over_tcp(tmp_path: Path) -> None:
    query, answer = messages(HOST, [f"{HOST}. 60 IN A {RESPONDER}"], "A", 9)
    recorder = Recorder()
    recorder.udp(HOST, [], number=9, truncated=True)
    recorder.tcp(53, RESOLVER, [(0, framed(query)), (1, framed(answer))])
    first, second = recorder.facts(tmp_path).dns_lookups
    assert (*brief(first), first.truncated) == ("udp", HOST, "NOERROR", (), True)
    assert (*brief(second), second.truncated) == ("tcp", HOST, "NOERROR", (RESPONDER,), False)


@pytest.mark.parametrize("asked", [10, 20, 30])
def test_an_answer_that_the_file_has_before_its_query(asked: int, tmp_path: Path) -> None:
    """It is that of a query which was captured before it."""
    recorder = Recorder()
    recorder.udp(HOST, [f"{HOST}. 60 IN A {RESPONDER}"])
    query, answer = recorder.packets
    query.time, answer.time = asked, 20  # type: ignore[attr-defined]
    recorder.packets = [answer, query]
    found = [(lookup.frames, lookup.rcode, lookup.time) for lookup in recorder.facts(tmp_path).dns_lookups]
    if asked < 20:
        assert found == [(ExchangeFrames(2, 1), "NOERROR", asked * 10**9)]
    else:
        assert found == [
            (ExchangeFrames(None, 1), "NOERROR", 20 * 10**9),
            (ExchangeFrames(2, None), None, asked * 10**9),
        ]


def test_an_unanswered_lookup_over_tcp(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.tcp(53, RESOLVER, [(0, framed(messages(HOST, [], "A", 9)[0]))])
    (lookup,) = recorder.facts(tmp_path).dns_lookups
    assert brief(lookup) == ("tcp", HOST, None, ())


@pytest.mark.reaches("attempts", "cnames", "ports")
def test_of_too_many_connections_aliases_and_ports_the_rest_is_left_out(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.udp("cdn.example", [f"cdn.example. 60 IN A {RESPONDER}"], number=1)
    recorder.udp(HOST, [f"{HOST}. 60 IN CNAME cdn.example."], number=2)
    recorder.tcp(80, RESPONDER, [])
    assert not any("bound" in note for note in recorder.facts(tmp_path).captures[0].notes)
    bounds.adjust({"attempts": 1, "cnames": 1, "ports": 1})
    found = recorder.facts(tmp_path)
    assert len(found.tcp_attempts) == 1
    assert [lookup.name for lookup in found.dns_lookups] == [HOST]
    assert found.captures[0].ports_seen == (53,)


@pytest.mark.reaches("responder_names")
def test_of_too_many_names_the_rest_is_left_out(tmp_path: Path) -> None:
    bounds.adjust({"responder_names": 1})
    recorder = Recorder()
    recorder.udp(HOST, [f"{HOST}. 60 IN CNAME cdn.example."], number=1)
    recorder.udp("cdn.example", [f"cdn.example. 60 IN A {RESPONDER}"], number=2)
    assert [lookup.name for lookup in recorder.facts(tmp_path).dns_lookups] == [HOST]


def test_the_lookup_of_a_cname_target_matters_too(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.udp("elsewhere.test", ["elsewhere.test. 60 IN A 192.0.2.9"], number=1)
    recorder.udp(HOST, [f"{HOST}. 60 IN CNAME cdn.example."], number=2)
    recorder.udp("cdn.example", ["cdn.example. 60 IN CNAME edge.example."], number=3)
    recorder.udp("edge.example", [], number=4, unknown=True)
    lookups = recorder.facts(tmp_path).dns_lookups
    assert [brief(lookup) for lookup in lookups] == [
        ("udp", HOST, "NOERROR", ("cdn.example",)),
        ("udp", "cdn.example", "NOERROR", ("edge.example",)),
        ("udp", "edge.example", "NXDOMAIN", ()),
    ]


def test_a_target_that_was_looked_up_before_its_alias(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.udp("cdn.example", [f"cdn.example. 60 IN A {RESPONDER}"], number=1)
    recorder.udp(HOST, [f"{HOST}. 60 IN CNAME cdn.example."], number=2)
    found = recorder.facts(tmp_path)
    assert [lookup.name for lookup in found.dns_lookups] == ["cdn.example", HOST]
    assert [attempt.server for attempt in found.tcp_attempts] == [RESPONDER]


def test_a_forwarding_host_that_the_site_file_names_matters(tmp_path: Path) -> None:
    """No certificate names it, and where it is down nothing was ever exchanged with it."""
    recorder = Recorder()
    recorder.udp("fwd.corp.test", ["fwd.corp.test. 60 IN A 10.1.1.9"], number=1)
    recorder.tcp(3128, "10.1.1.9", [])
    recorder.udp("gone.corp.test", [], number=2, unknown=True)
    found = recorder.facts(tmp_path, "Fwd.corp.test", "gone.corp.test")
    assert [brief(lookup)[1:3] for lookup in found.dns_lookups] == [
        ("fwd.corp.test", "NOERROR"),
        ("gone.corp.test", "NXDOMAIN"),
    ]
    assert "10.1.1.9" in {attempt.server for attempt in found.tcp_attempts}
    found = recorder.facts(tmp_path)
    assert not found.dns_lookups
    assert "10.1.1.9" not in {attempt.server for attempt in found.tcp_attempts}


def test_a_circle_of_cnames_ends(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.udp(HOST, [f"{HOST}. 60 IN CNAME b.example."], number=1)
    recorder.udp("b.example", [f"b.example. 60 IN CNAME {HOST}."], number=2)
    assert len(recorder.facts(tmp_path).dns_lookups) == 2


@pytest.mark.parametrize("count", [20])
def test_a_long_chain_of_cnames_backwards_is_followed_so_far(tmp_path: Path, count: int) -> None:
    recorder = Recorder()
    names = [HOST, *(f"n{number}.example" for number in range(count))]
    for number in reversed(range(count)):
        recorder.udp(names[number], [f"{names[number]}. 60 IN CNAME {names[number + 1]}."], number=number)
    lookups = recorder.facts(tmp_path).dns_lookups
    assert 8 <= len(lookups) <= count
    assert lookups[-1].name == HOST


@pytest.mark.corpus
def test_dns_over_tcp_of_a_real_capture_is_what_tshark_sees() -> None:
    path = CORPUS / "nDPI/dns_fragmented.pcap"
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("tshark, the second witness, is not installed")
    failures: list[CaptureError] = []
    (observation,) = read_captures(expand([str(path)]), Shared(), RunOptions(failures.append))
    assert failures == []
    command = [tshark, "-n", "-r", str(path), "-Y", "dns and tcp", "-T", "fields"]
    fields = ["-e", "frame.number", "-e", "tcp.stream", "-e", "dns.id"]
    shown = subprocess.run([*command, *fields], capture_output=True, text=True, check=True).stdout
    expected = {tuple(int(value, 0) for value in line.split("\t")) for line in shown.splitlines()}
    packets = observation.tcp.dns.packets
    assert packets
    found = {(p.frame, p.stream, int.from_bytes(p.payload[:2], "big")) for p in packets}
    assert found == expected


@pytest.mark.parametrize(
    ("url", "server", "asked"),
    [
        ("http://OCSP.site.test./x", RESPONDER, True),
        ("http://www.site.test/x", RESPONDER, False),
        ("/x", RESPONDER, False),
        ("/x", "10.9.9.9", True),
        ("http://[bad/", "10.9.9.9", True),
        ("http://10.9.9.9/x", RESPONDER, True),
    ],
)
def test_doubtful_questions_count_where_a_certificate_names_the_responder(
    url: str, server: str, asked: bool
) -> None:
    issued = certificate(ocsp=("http://ocsp.site.test/", "http://10.9.9.9:8080/"))
    traffic = ResponderTraffic([issued], [], [])
    assert traffic.asks_responder(exchange(None, None, url=url, server=server)) == asked


CONNECT = f"CONNECT {HOST}:80 HTTP/1.1\r\nHost: {HOST}:80\r\n\r\n".encode()
SOCKS = b"\x05\x01\x00\x03\x0e" + HOST.encode() + b"\x00\x50"
GREETING = [(0, b"\x05\x01\x00"), (1, b"\x05\x00")]
DENIED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"


@pytest.mark.parametrize(
    ("exchange", "tunnel", "status", "outcome"),
    [
        ([(0, CONNECT), (1, DENIED)], "connect", 403, "refused"),
        ([(0, CONNECT)], "connect", None, "unanswered"),
        (
            [(0, b"\x05\x01\x00"), (1, b"\x05\x00"), (0, SOCKS), (1, b"\x05\x02\x00\x01" + bytes(6))],
            "socks",
            2,
            "refused",
        ),
        ([(0, b"\x05\x01\x00"), (1, b"\x05\x00"), (0, SOCKS)], "socks", None, "unanswered"),
    ],
)
def test_tunnel_that_was_refused(
    tmp_path: Path, exchange: list[tuple[int, bytes]], tunnel: str, status: int | None, outcome: str
) -> None:
    recorder = Recorder()
    recorder.tcp(3128, "10.77.2.9", exchange)
    recorder.tcp(3128, "10.77.2.9", [(0, CONNECT.replace(HOST.encode(), b"other.test")), (1, DENIED)])
    attempts = recorder.facts(tmp_path).tcp_attempts
    (found,) = [attempt for attempt in attempts if attempt.tunnel is not None]
    assert (found.tunnel, found.host, found.port) == (tunnel, HOST, 80)
    assert (found.status, found.outcome) == (status, outcome)
    assert (found.server, found.server_port, found.client) == ("10.77.2.9", 3128, PROXY)
    assert (found.frames.response is None) == (status is None)
    assert found.frames.request is not None


def test_tunnel_that_was_opened_is_no_refusal(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.tcp(
        3128, "10.77.2.9", [(0, CONNECT), (1, b"HTTP/1.1 200 OK\r\n\r\n"), (0, b"GET / HTTP/1.1\r\n\r\n")]
    )
    assert all(attempt.tunnel is None for attempt in recorder.facts(tmp_path).tcp_attempts)
