"""TLS that begins late in a connection is found wherever that is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.facts import HandshakeFact
from ocsp_pcap.observe import tcp, tcp_rows
from ocsp_pcap.spoken.first_bytes import HELLO as HELLO_PATTERN
from tests.unit.observe.segments import CLIENT, SERVER, Wire, client_hello, opening, write_capture

HELLO = client_hello("late.test")


def chatter(count: int, line: bytes = b"220 still not TLS\r\n") -> list[Wire]:
    """Return so many segments of each side that are neither TLS nor HTTP."""
    wires: list[Wire] = []
    for number in range(count):
        wires.append(Wire(SERVER, "PA", number * len(line), line, heard=number * len(line)))
        wires.append(Wire(CLIENT, "PA", number * len(line), line, heard=(number + 1) * len(line)))
    return wires


def handshakes(folder: Path, wires: list[Wire]) -> tuple[HandshakeFact, ...]:
    return read_facts([write_capture(folder / "a.pcap", opening() + wires)]).handshakes


@pytest.mark.parametrize("count", [0, 10, 32, 33, 40, 1000])
def test_after_any_number_of_segments(count: int, tmp_path: Path) -> None:
    before = chatter(count)
    end = sum(len(wire.data) for wire in before) // 2
    (handshake,) = handshakes(tmp_path, [*before, Wire(CLIENT, "PA", end, HELLO, heard=end)])
    assert handshake.sni == "late.test"
    assert handshake.tunnel == ("starttls" if count else None)
    assert not handshake.missing_bytes


def test_after_bytes_that_packets_disagree_about(tmp_path: Path) -> None:
    before = chatter(100)
    end = sum(len(wire.data) for wire in before) // 2
    before.insert(1, replace(before[0], data=bytes(len(before[0].data))))
    (handshake,) = handshakes(tmp_path, [*before, Wire(CLIENT, "PA", end, HELLO, heard=end)])
    assert handshake.sni == "late.test"
    assert handshake.ambiguous == (4, 5)


def test_in_pieces(tmp_path: Path) -> None:
    before = chatter(100)
    end = sum(len(wire.data) for wire in before) // 2
    first, second = Wire(CLIENT, "A", end, HELLO[:100]), Wire(CLIENT, "PA", end + 100, HELLO[100:])
    (handshake,) = handshakes(tmp_path, [*before, first, second])
    assert handshake.sni == "late.test"


def test_after_what_only_looks_like_a_beginning(tmp_path: Path) -> None:
    lines = [b"\x16\x03\x01\x00\x00\x01" + bytes(20), b"GET out of here\r\n\r\n"]
    before: list[Wire] = []
    position = 0
    for number in range(300):
        line = lines[number % 2]
        before.append(Wire(CLIENT, "PA", position, line))
        position += len(line)
    (*_, handshake) = handshakes(tmp_path, [*before, Wire(CLIENT, "PA", position, HELLO)])
    assert handshake.sni == "late.test"


def test_a_connection_that_never_speaks_tls_is_looked_at_by_row_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounded cost: after the first segments nothing is copied out of the block."""
    rows = 0
    before = tcp.Segments.__init__

    def counted(self: tcp.Segments, columns: object, chosen: object, direction: object) -> None:
        nonlocal rows
        before(self, columns, chosen, direction)  # type: ignore[arg-type]
        rows += len(self.rows)

    monkeypatch.setattr(tcp.Segments, "__init__", counted)
    assert not handshakes(tmp_path, chatter(2000))
    assert rows < 4 * BOUNDS.watched_segments


def test_in_another_file_than_what_came_first(tmp_path: Path) -> None:
    before = [*opening(), *chatter(100)]
    end = sum(len(wire.data) for wire in before) // 2
    folder = tmp_path / "set"
    folder.mkdir()
    write_capture(folder / "cap_00001_20231114221320.pcap", before)
    write_capture(
        folder / "cap_00002_20231114221330.pcap", [Wire(CLIENT, "PA", end, HELLO, heard=end)], after=10
    )
    for jobs in (1, 2):
        facts = read_facts([folder], ReadOptions(jobs=jobs, rotation="yes"))
        assert [handshake.sni for handshake in facts.handshakes] == ["late.test"], jobs
        assert facts.handshakes[0].tunnel == "starttls"


def test_after_keep_alive_requests_and_connect(tmp_path: Path) -> None:
    ask = b"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    wires: list[Wire] = []
    for number in range(200):
        wires.append(Wire(CLIENT, "PA", number * len(ask), ask, heard=number * len(answer)))
        wires.append(Wire(SERVER, "PA", number * len(answer), answer, heard=(number + 1) * len(ask)))
    sent, got = 200 * len(ask), 200 * len(answer)
    connect, opened = (
        b"CONNECT late.test:443 HTTP/1.1\r\nHost: late.test:443\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    )
    wires.append(Wire(CLIENT, "PA", sent, connect, heard=got))
    wires.append(Wire(SERVER, "PA", got, opened, heard=sent + len(connect)))
    wires.append(Wire(CLIENT, "PA", sent + len(connect), HELLO, heard=got + len(opened)))
    (handshake,) = handshakes(tmp_path, wires)
    assert handshake.sni == handshake.connect_host == "late.test"


def test_after_answers_of_http_where_the_client_is_not_in_the_capture(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    pieces = [answer, answer, server_flight()[1]]
    starts = [sum(map(len, pieces[:number])) for number in range(len(pieces))]
    wires = [Wire(SERVER, "PA", start, data) for start, data in zip(starts, pieces, strict=True)]
    (handshake,) = handshakes(tmp_path, wires)
    assert (handshake.server, handshake.frames.server_hello) == ("10.9.0.2", 6)


@pytest.mark.parametrize("password", [b"", b"\x01\x01u\x01p"])
@pytest.mark.parametrize("after", [0, 5000])
def test_behind_socks_where_the_proxy_is_not_in_the_capture(
    password: bytes, after: int, tmp_path: Path
) -> None:
    request = b"\x05\x01\x00\x03\x09late.test\x01\xbb"
    pieces = [piece for piece in (b"\x05\x01\x00", password, request, HELLO, bytes(after)) if piece]
    starts = [sum(map(len, pieces[:number])) for number in range(len(pieces))]
    wires = [Wire(CLIENT, "PA", start, data) for start, data in zip(starts, pieces, strict=True)]
    (handshake,) = handshakes(tmp_path, wires)
    assert (handshake.sni, handshake.connect_host, handshake.connect_port) == ("late.test", "late.test", 443)


@pytest.mark.parametrize("end", ["", "FA", "R"])
def test_behind_connect_where_the_proxy_is_not_in_the_capture(end: str, tmp_path: Path) -> None:
    connect = b"CONNECT late.test:443 HTTP/1.1\r\nHost: late.test:443\r\n\r\n"
    wires = [Wire(CLIENT, "PA", 0, connect), Wire(CLIENT, "PA", len(connect), HELLO)]
    wires += [Wire(CLIENT, end, len(connect) + len(HELLO))] if end else []
    (handshake,) = handshakes(tmp_path, wires)
    assert (handshake.sni, handshake.connect_host, handshake.connect_status) == (
        "late.test",
        "late.test",
        None,
    )
    assert handshake.frames.client_hello == 5


def test_late_inside_a_tunnel_its_host_is_still_known(tmp_path: Path) -> None:
    connect, opened = (
        b"CONNECT late.test:25 HTTP/1.1\r\nHost: late.test:25\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    )
    wires = [
        Wire(CLIENT, "PA", 0, connect),
        Wire(SERVER, "PA", 0, opened, heard=len(connect)),
        *(
            Wire(
                wire.direction,
                "PA",
                wire.position + len(connect if wire.direction == CLIENT else opened),
                wire.data,
            )
            for wire in chatter(60)
        ),
    ]
    end = len(connect) + sum(len(wire.data) for wire in chatter(60)) // 2
    (handshake,) = handshakes(tmp_path, [*wires, Wire(CLIENT, "PA", end, HELLO)])
    assert handshake.sni == handshake.connect_host == "late.test"


def test_after_an_upgrade(tmp_path: Path) -> None:
    """RFC 2817 3.3."""
    ask = b"OPTIONS * HTTP/1.1\r\nHost: late.test\r\nUpgrade: TLS/1.0\r\nConnection: Upgrade\r\n\r\n"
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: TLS/1.0, HTTP/1.1\r\nConnection: Upgrade\r\n\r\n"
    wires = [
        Wire(CLIENT, "PA", 0, ask),
        Wire(SERVER, "PA", 0, answer, heard=len(ask)),
        Wire(CLIENT, "PA", len(ask), HELLO, heard=len(answer)),
    ]
    (handshake,) = handshakes(tmp_path, wires)
    assert handshake.sni == "late.test"


@pytest.mark.parametrize(
    "prefix", [b"\0\0\1\x2c", b"220 go on\r\n", b"\x16\x03\x01\xff\xff" * 3, b"x" * 1000]
)
@pytest.mark.parametrize("count", [0, 1, 40, 500])
def test_in_the_middle_of_a_segment(count: int, prefix: bytes, tmp_path: Path) -> None:
    before = chatter(count)
    end = sum(len(wire.data) for wire in before) // 2
    (handshake,) = handshakes(tmp_path, [*before, Wire(CLIENT, "PA", end, prefix + HELLO, heard=end)])
    assert handshake.sni == "late.test"
    assert handshake.tunnel == "starttls"
    assert not handshake.missing_bytes


def test_in_the_middle_of_a_segment_whose_rest_follows(tmp_path: Path) -> None:
    before = chatter(100)
    end = sum(len(wire.data) for wire in before) // 2
    first = Wire(CLIENT, "A", end, b"some frame " + HELLO[:100])
    second = Wire(CLIENT, "PA", end + 111, HELLO[100:])
    (handshake,) = handshakes(tmp_path, [*before, first, second])
    assert handshake.sni == "late.test"


def test_both_sides_behind_something_else(tmp_path: Path) -> None:
    """A protocol that puts its own header before each record."""
    hello, answer = server_flight()
    before = chatter(60)
    end = sum(len(wire.data) for wire in before) // 2
    wires = [
        Wire(CLIENT, "PA", end, b"\0\1ab" + hello),
        Wire(SERVER, "PA", end, b"\0\1ab" + answer, heard=end + 4 + len(hello)),
    ]
    (handshake,) = handshakes(tmp_path, [*before, *wires])
    assert handshake.frames.server_hello is not None


def server_flight() -> tuple[bytes, bytes]:
    """Return a ClientHello, and a ServerHello that answers it in a record of its own."""
    random = HELLO[11:43]
    body = b"\x03\x03" + random + b"\0" + b"\xc0\x2f" + b"\0"
    message = b"\2" + len(body).to_bytes(3) + body
    return HELLO, b"\x16\x03\x03" + len(message).to_bytes(2) + message


def test_many_connections_that_speak_something_else_are_searched_once(tmp_path: Path) -> None:
    """What is searched grows with their bytes, and not with how many they are."""
    searched = 0

    class Counted:
        def finditer(self, memory: memoryview, start: int, end: int) -> object:
            nonlocal searched
            searched += end - start
            return HELLO_PATTERN.finditer(memory, start, end)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tcp_rows, "HELLO", Counted())
        assert not handshakes(tmp_path, chatter(3000))
    assert 0 < searched < 3 * (tmp_path / "a.pcap").stat().st_size


@pytest.mark.parametrize("size", [2, 4])
def test_frames_of_another_protocol_are_left_alone(size: int, tmp_path: Path) -> None:
    """OpenVPN over TCP: what is in its frames is no stream of TLS records."""
    inside = b"\x38" + bytes(13) + HELLO
    cut = [inside[:100], inside[100:120], inside[120:]]
    for pieces in ([inside], cut):
        framed = b"".join(len(piece).to_bytes(size) + piece for piece in pieces)
        assert not handshakes(tmp_path, [Wire(CLIENT, "PA", 0, framed)])
