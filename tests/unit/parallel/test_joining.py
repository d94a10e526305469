"""Connections over the borders of runs: whoever reads what, the facts are those of reading in order."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.capture import CaptureSource
from ocsp_pcap.capture.rotation import Member
from ocsp_pcap.facts import Facts
from ocsp_pcap.parallel import runs, side_by_side
from ocsp_pcap.parallel.read_run import Part
from tests.unit.observe.rotated import split
from tests.unit.observe.segments import client_hello
from tests.unit.observe.test_sets import Here, here, lines

__all__ = ["here"]

CLIENT, SERVER = "10.9.0.1", "10.9.0.2"
RESPONSE = b"\x30\x03\x0a\x01\x06"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length: 5\r\n\r\n" + RESPONSE
HELLO = client_hello("plain.site.test")


def query(number: int) -> bytes:
    body = b"\x30\x03\x02\x01" + bytes([number])
    head = f"POST /{number} HTTP/1.1\r\nHost: ocsp.site.test\r\nContent-Type: application/ocsp-request\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Connection:
    """Makes the segments of a TCP connection."""

    def __init__(self, port: int = 40001, server_port: int = 80, start: int = 1000) -> None:
        self._ports = port, server_port
        self._next = [start, 7 * start]

    def segment(self, side: int, flags: str, data: bytes = b"", *, back: int = 0) -> Packet:
        """Return what a side (0: the client) sends; ``back``: so many bytes of it are sent again."""
        sequence = self._next[side] - back
        acknowledgment = self._next[1 - side] if "A" in flags else 0
        length = len(data) + ("S" in flags) + ("F" in flags)
        self._next[side] = max(self._next[side], sequence + length)
        ends = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
        ports = self._ports if side == 0 else self._ports[::-1]
        tcp = TCP(sport=ports[0], dport=ports[1], flags=flags, seq=sequence, ack=acknowledgment)
        return Ether() / IP(src=ends[0], dst=ends[1]) / tcp / Raw(data)

    def opening(self) -> list[Packet]:
        return [self.segment(0, "S"), self.segment(1, "SA"), self.segment(0, "A")]

    def closing(self) -> list[Packet]:
        return [self.segment(0, "FA"), self.segment(1, "FA"), self.segment(0, "A")]


def kept_alive() -> list[Packet]:
    http = Connection()
    opening = http.opening()
    asked = [http.segment(n & 1, "PA", ANSWER if n & 1 else query(n)) for n in range(12)]
    return [*opening, *asked, *http.closing()]


def begun_before_the_capture() -> list[Packet]:
    """Silent for the first files; other traffic goes on meanwhile."""
    old, new = Connection(40002, start=900_000), Connection()
    exchange = [new.segment(0, "PA", query(1)), new.segment(1, "PA", ANSWER)]
    late = [
        old.segment(0, "PA", query(2)),
        old.segment(1, "PA", ANSWER[:20]),
        old.segment(1, "PA", ANSWER[20:]),
    ]
    return [*new.opening(), *exchange, *late, *new.closing(), *old.closing()]


def port_used_again() -> list[Packet]:
    sent: list[Packet] = []
    for number, http in enumerate((Connection(start=1000), Connection(start=500_000))):
        sent += [*http.opening(), http.segment(0, "PA", query(number)), http.segment(1, "PA", ANSWER)]
        sent += http.closing()
    return sent


def syn_sent_again() -> list[Packet]:
    http = Connection()
    syn = http.segment(0, "S")
    rest = [http.segment(1, "SA"), http.segment(0, "A"), http.segment(0, "PA", query(1))]
    return [syn, syn, syn, *rest, http.segment(1, "PA", ANSWER), *http.closing()]


def syn_sent_again_after_data() -> list[Packet]:
    http = Connection()
    opening = http.opening()
    asked = [http.segment(0, "PA", query(1)), opening[0], http.segment(1, "PA", ANSWER)]
    return [*opening, *asked, opening[1], *http.closing()]


def copies_that_differ() -> list[Packet]:
    http = Connection()
    opening, asked = http.opening(), http.segment(0, "PA", query(1))
    again = http.segment(0, "PA", query(2), back=len(query(2)))
    return [*opening, asked, again, http.segment(1, "PA", ANSWER), *http.closing()]


def out_of_order() -> list[Packet]:
    http, data = Connection(), query(1)
    opening = http.opening()
    pieces = [http.segment(0, "PA", data[at : at + 40]) for at in range(0, len(data), 40)]
    answer = [http.segment(1, "PA", ANSWER[at : at + 30]) for at in range(0, len(ANSWER), 30)]
    return [*opening, *pieces[::-1], *answer[::-1], pieces[0], *http.closing()]


def reset_that_counts() -> list[Packet]:
    http = Connection()
    sent = [*http.opening(), http.segment(0, "PA", query(1)), http.segment(1, "RA")]
    return [*sent, *Connection(40003, start=77_000).opening()]


def wakes_up() -> list[Packet]:
    """An unknown protocol goes on for long; then TLS begins."""
    other = Connection(server_port=9999)
    words = [other.segment(n & 1, "PA", b"%d words of a protocol" % n) for n in range(70)]
    return [*other.opening(), *words, other.segment(0, "PA", HELLO), *other.closing()]


def hello_in_pieces() -> list[Packet]:
    tls = Connection(server_port=443)
    opening = tls.opening()
    size = len(HELLO) // 5 + 1
    pieces = [tls.segment(0, "PA", HELLO[at : at + size]) for at in range(0, len(HELLO), size)]
    return [*opening, *pieces, tls.segment(1, "PA", b"\x15\x03\x03\x00\x02\x02\x28"), *tls.closing()]


def names_over_tcp() -> list[Packet]:
    dns, http = Connection(server_port=53), Connection(40002)
    messages = []
    for number in range(3):
        asked = DNS(id=number, qd=DNSQR(qname="ocsp.site.test"))
        answer = DNSRR(rrname="ocsp.site.test", rdata=SERVER)
        for side, message in enumerate((asked, DNS(id=number, qr=1, qd=asked.qd, an=answer))):
            data = bytes(message)
            data = struct.pack(">H", len(data)) + data
            messages += [dns.segment(side, "PA", data[:9]), dns.segment(side, "PA", data[9:])]
    asked = [http.segment(0, "PA", query(1)), http.segment(1, "PA", ANSWER)]
    return [*dns.opening(), *messages, *http.opening(), *asked, *dns.closing()]


def fragments(*, lost: bool) -> list[Packet]:
    name = DNS(id=7, qd=DNSQR(qname="ocsp.site.test"))
    datagram = IP(src=CLIENT, dst=SERVER, id=99) / UDP(sport=5353, dport=53) / Raw(bytes(name))
    pieces = [Ether() / piece for piece in fragment(datagram, fragsize=16)]
    sent = kept_alive()
    sent[3:3] = pieces[: 1 if lost else None]
    return sent


def fragments_over_borders() -> list[Packet]:
    return fragments(lost=False)


def fragments_of_which_some_are_lost() -> list[Packet]:
    return fragments(lost=True)


STORIES = (
    kept_alive,
    begun_before_the_capture,
    port_used_again,
    syn_sent_again,
    syn_sent_again_after_data,
    copies_that_differ,
    out_of_order,
    reset_that_counts,
    wakes_up,
    hello_in_pieces,
    names_over_tcp,
    fragments_over_borders,
    fragments_of_which_some_are_lost,
)
READ_HERE = {syn_sent_again_after_data, fragments_over_borders}
"""Those where a run may have to be read again in order."""


def facts_of(files: Sequence[Path], **options: int) -> Facts:
    return read_facts(files, ReadOptions(rotation="yes", **options))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_any_border(
    story: Callable[[], list[Packet]], tmp_path: Path, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut at every place, and into as many files as there are packets; each file is a share."""
    joined: list[bool] = []
    real = side_by_side.SideBySide._join

    def join(self: side_by_side.SideBySide, part: Part) -> bool:
        joined.append(real(self, part))
        return joined[-1]

    monkeypatch.setattr(side_by_side.SideBySide, "_join", join)
    packets = [packet.copy() for packet in story()]
    for number, packet in enumerate(packets):
        packet.time = 1_700_000_000 + number / 100
    wrpcap(str(tmp_path / "whole.pcap"), packets)
    whole = facts_of([tmp_path / "whole.pcap"])
    count = len(packets)
    cuts = [[at] for at in range(1, count, 1 + count // 20)]
    for number, at in enumerate([*cuts, range(1, count), range(2, count, 3)]):
        files = split(tmp_path / "whole.pcap", tmp_path / str(number), at)
        in_order = facts_of(files)
        assert lines(in_order) == lines(whole), at
        assert facts_of(files, jobs=2) == in_order, at
    assert all(joined) or story in READ_HERE
    assert len(joined) > count // 2


def test_shares_of_several_files(tmp_path: Path, here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    wrpcap(str(tmp_path / "whole.pcap"), kept_alive())
    files = split(tmp_path / "whole.pcap", tmp_path / "files", range(1, 18))
    groups = [
        [Member(CaptureSource(str(path), path)) for path in files[part]]
        for part in (slice(7), slice(7, None))
    ]
    shares = runs.cut(groups, 4, "yes")
    assert [member for share in shares for run in share for member in run.members] == [*groups[0], *groups[1]]
    assert [sum(len(run.members) for run in share) for share in shares] == [5, 4, 4, 5]
    monkeypatch.setattr(Here, "shares", 4)
    assert facts_of(files, jobs=2) == facts_of(files)


def test_connections_that_were_ended_for_the_bound_on_them(
    tmp_path: Path, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many are open in the second share; then one goes on that began before the capture."""
    monkeypatch.setattr(BOUNDS, "open_streams", 4)
    monkeypatch.setattr(Here, "shares", 2)
    whole, old = Connection(), Connection(40002, start=900_000)
    first = [
        *whole.opening(),
        whole.segment(0, "PA", query(1)),
        whole.segment(1, "PA", ANSWER),
        *whole.closing(),
    ]
    many = [Connection(41_000 + number, start=1000 * number) for number in range(12)]
    opened = [packet for each in many for packet in [*each.opening(), each.segment(0, "PA", query(2))]]
    late = [old.segment(0, "PA", query(3)), old.segment(1, "PA", ANSWER)]
    wrpcap(str(tmp_path / "whole.pcap"), [*first, *opened, *late])
    files = split(tmp_path / "whole.pcap", tmp_path / "files", (len(first), len(first) + len(opened)))
    in_order = facts_of(files)
    assert len(in_order.ocsp_exchanges) == 14
    assert facts_of(files, jobs=2) == in_order
