"""Plain connections, read with what earlier ones left behind, told as the conversation tells each alone."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import suppress
from random import Random

import pytest

from ocsp_pcap.bounds import BOUNDS, take_reached
from ocsp_pcap.spoken import plain, templates
from ocsp_pcap.spoken.conversation import Conversation
from ocsp_pcap.spoken.plain import PlainConnections
from ocsp_pcap.spoken.seen import Spoken
from ocsp_pcap.spoken.shared import Shared
from ocsp_pcap.tls import contents, shapes
from ocsp_pcap.tls.events import Certificate
from ocsp_pcap.tls.messages import HELLO_RETRY_REQUEST
from ocsp_pcap.tls.shapes import NotPlainError
from tests.unit.tls.wire import certificate_message, extension, message, tls_record, vector

Flights = list[tuple[int, list[bytes]]]
"""Records in the order of the wire, by the side that sent them: 1 is the client's."""
Segments = list[tuple[int, int, int, bytes, int, int]]

CHANGE = tls_record(20, b"\x01")
NAMES = [
    extension(0, vector(2, b"\0" + vector(2, name))) for name in (b"a.test", b"b.test", b"long.name.test")
]
PROTOCOLS = [extension(16, vector(2, vector(1, name))) for name in (b"h2", b"xx", b"http/1.1")]
VERSIONS = [
    extension(43, vector(1, versions)) for versions in (b"\x03\x04\x03\x03", b"\x03\x03", b"\x7f\x1c")
]


class Talk:
    """Connections made up at random, many of which go the same way."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._programs = [self._program() for _ in range(12)]

    def often(self, chance: float = 0.5) -> bool:
        return self._dice.random() < chance

    def key(self, *sizes: int) -> bytes:
        return self._dice.randbytes(self._dice.choice(sizes))

    def _program(self) -> list[bytes | tuple[int, int]]:
        """Return the extensions that a program sends; of some, that are keys, type and size alone."""
        dice = self._dice
        chosen: list[bytes | tuple[int, int]] = [dice.choice(PROTOCOLS), extension(5, b"\x01\0\0\0\0")]
        chosen += [dice.choice(VERSIONS), (35, dice.choice((0, 16))), (51, 36), extension(42, b"")]
        chosen = [each for each in chosen if self.often(0.7)]
        if self.often(0.3):
            chosen += [(51, 2), (0xFE0D, 20)]
        if self.often(0.2):
            age = dice.choice((bytes(4), b"\0\0\1\0"))
            chosen.append(
                extension(41, vector(2, vector(2, b"ticket") + age) + vector(2, vector(1, bytes(32))))
            )
        return chosen

    def hello(self, *more: bytes) -> bytes:
        dice = self._dice
        chosen = [dice.choice(NAMES)]
        chosen += [
            each if isinstance(each, bytes) else extension(each[0], self.key(each[1]))
            for each in dice.choice(self._programs)
        ]
        session = vector(1, dice.choice((b"", b"s" * 32, self.key(32))))
        suites = vector(2, bytes.fromhex("13011302c02f002f"))
        random = dice.choice((self.key(32), self.key(32), b"r" * 32))
        return b"\x03\x03" + random + session + suites + b"\x01\0" + vector(2, b"".join((*chosen, *more)))

    def answer(self, hello: bytes, version: int, *, retry: bool = False) -> bytes:
        dice = self._dice
        chosen = []
        suite = 0xC02F
        if version == 0x0304:
            chosen += [extension(43, b"\x03\x04"), extension(51, self.key(36))]
            suite = dice.choice((0x1301, 0x1302, 0x1305))
            if self.often(0.1):
                chosen.append(extension(41, b"\0\0"))
        elif self.often(0.3):
            chosen += [dice.choice(PROTOCOLS), extension(5, b"")]
        echoed = hello[35 : 35 + hello[34]]
        session = vector(1, dice.choice((echoed, echoed, self.key(32), b"")))
        random = HELLO_RETRY_REQUEST if retry else dice.choice((self.key(32), b"r" * 32))
        return b"\x03\x03" + random + session + suite.to_bytes(2) + b"\0" + vector(2, b"".join(chosen))

    def handshake(self, *messages: tuple[int, bytes]) -> list[bytes]:
        whole = [message(kind, body) for kind, body in messages]
        return [tls_record(22, b"".join(whole))] if self.often() else [tls_record(22, each) for each in whole]

    def protected(self, *sizes: int) -> list[bytes]:
        return [tls_record(23, self.key(size)) for size in sizes]

    def chain(self) -> bytes:
        return certificate_message(self._dice.choice((b"leaf" * 9, b"fief" * 9)), b"issuer" * 9)

    def tls12(self) -> Flights:
        hello = self.hello()
        first = [(2, self.answer(hello, 0x0303)), (11, self.chain())]
        if self.often(0.3):
            first.append((22, b"\x01" + vector(3, self._dice.choice((b"staple", b"stable")))))
        first.append((12, self.key(70, 71)))
        asked = self.often(0.2)
        if asked:
            first.append((13, b"\x01\x01\0\0"))
        second = [(11, self._dice.choice((self.chain(), bytes(3))))] if asked else []
        second.append((16, self.key(33)))
        ticket = [(4, self.key(60))] if self.often(0.3) else []
        return [
            (1, self.handshake((1, hello))),
            (0, self.handshake(*first, (14, b""))),
            (1, [*self.handshake(*second), CHANGE, tls_record(22, self.key(40))]),
            (0, [*(self.handshake(*ticket) if ticket else []), CHANGE, tls_record(22, self.key(40))]),
            *self.data(),
        ]

    def resumed(self) -> Flights:
        hello = self.hello()
        return [
            (1, self.handshake((1, hello))),
            (0, [*self.handshake((2, self.answer(hello, 0x0303))), CHANGE, tls_record(22, self.key(40))]),
            (1, [CHANGE, tls_record(22, self.key(40))]),
            *self.data(),
        ]

    def tls13(self) -> Flights:
        hello = self.hello()
        flights: Flights = [(1, self.handshake((1, hello)))]
        if self.often(0.3):
            flights.append((1, [CHANGE, *self.protected(500)]))
        if self.often(0.2):
            flights.append((0, [*self.handshake((2, self.answer(hello, 0x0304, retry=True))), CHANGE]))
            hello = self.hello(extension(44, b"cookie"))
            flights.append((1, [CHANGE, *self.handshake((1, hello))]))
        sizes = self._dice.choice(((1200,), (30, 900, 80, 53), (600, 69)))
        flights += [
            (0, [*self.handshake((2, self.answer(hello, 0x0304))), CHANGE, *self.protected(*sizes)]),
            (1, [CHANGE, *self.protected(self._dice.choice((53, 53, 69, 45, 700)))]),
            *self.data(),
        ]
        return flights

    def data(self) -> Flights:
        dice = self._dice
        flights: Flights = []
        for turn in range(dice.choice((2, 2, 3, 9))):
            flights.append((1 - turn % 2, self.protected(dice.choice((53, 200, 1500, 4000)))))
        if self.often(0.2):
            size = dice.choice((2, 19, 26))
            record = tls_record(21, b"\x01\0" if size == 2 else self.key(size))
            flights.insert(dice.randrange(len(flights)), (dice.randrange(2), [record]))
        return flights

    def flights(self) -> Flights:
        flights = self._dice.choice((self.tls12, self.tls12, self.resumed, self.tls13, self.tls13))()
        if self.often(0.1):
            at = self._dice.randrange(1, len(flights) + 1)
            alert = tls_record(21, bytes((self._dice.choice((1, 2)), self._dice.choice((0, 40, 48)))))
            flights.insert(at, (self._dice.randrange(2), [alert] * self._dice.choice((1, 1, 9))))
        if self.often(0.2):
            self._spoil(flights)
        return flights

    def _spoil(self, flights: Flights) -> None:
        _, records = flights[self._dice.randrange(min(6, len(flights)))]
        at = self._dice.randrange(len(records))
        record = records[at]
        match self._dice.randrange(4):
            case 0:
                del records[at]
            case 1:
                records.insert(at, record)
            case 2:
                place = self._dice.randrange(len(record))
                records[at] = record[:place] + self.key(1) + record[place + 1 :]
            case 3:
                half = len(record) // 2
                records[at : at + 1] = [record[:half], record[half:]]

    def segments(self, flights: Flights, first_frame: int) -> Segments:
        """Cut flights into segments; some have a time before that of the one before."""
        size = self._dice.choice((100_000, 1448, 1448, 300, 50))
        pieces = []
        for sender, records in flights:
            whole = [b"".join(records)] if self.often(0.7) else records
            pieces += [(sender, each[at : at + size]) for each in whole for at in range(0, len(each), size)]
        frame, time = first_frame, 10**18
        segments: Segments = []
        for sender, data in pieces:
            frame += self._dice.choice((1, 1, 7))
            time += self._dice.choice((0, 1000, 1000)) if self.often(0.98) else -5000
            segments.append((sender, frame, time, b"headers" + data + b"behind", 7, len(data)))
        return segments

    def connection(self, first_frame: int) -> Segments:
        flights = self.flights()
        if self.often(0.2):
            host = self._dice.choice((b"a.test:443", b"b.test:8443"))
            via = self._dice.choice((b"", b"Via: 1.1 proxy\r\n"))
            status = self._dice.choice((b"200 OK", b"200 OK", b"403 No"))
            tunnel = [
                (1, [b"CONNECT " + host + b" HTTP/1.1\r\n" + via + b"\r\n"]),
                (0, [b"HTTP/1.1 " + status + b"\r\n\r\n"]),
            ]
            return self.segments(tunnel, first_frame) + self.segments(flights, first_frame + 9)
        return self.segments(flights, first_frame)


@pytest.mark.reaches("alerts")
def test_that_alerts_are_left_out_is_counted_each_time() -> None:
    talk = Talk(Random(7))
    flights = talk.tls12()
    flights.insert(1, (0, [tls_record(21, b"\x01\x70")] * 6))
    segments = talk.segments(flights, 1)
    connections = PlainConnections(Shared())
    counts = []
    for most in (8, 8, 4, 4):
        BOUNDS.alerts = most
        said = connections.read(segments, 0)
        assert said is not None
        assert said.spoken == told_by_conversation(Shared(), segments)
        counts.append(take_reached())
    assert counts == [{}, {}, {"alerts": 4}, {"alerts": 4}]


@pytest.mark.parametrize("first", [tls_record(23, bytes(5)), tls_record(21, bytes(5)), CHANGE])
def test_a_client_that_answers_itself_is_not_plain(first: bytes) -> None:
    """What the server begins with may then be no record at all."""
    talk = Talk(Random(3))
    hello = talk.hello()
    flights = [(1, [*talk.handshake((1, hello)), *talk.handshake((2, talk.answer(hello, 0x0303)))])]
    flights += [(0, [first]), *[(sender, talk.protected(40)) for sender in (1, 0, 1, 0)]]
    with pytest.raises(NotPlainError):
        PlainConnections(Shared()).read(talk.segments(flights, 1), 0)


def told_by_conversation(shared: Shared, segments: Segments) -> Spoken | None:
    """Return what was spoken, if nothing more can matter."""
    conversation = Conversation(shared)
    for sender, frame, time, memory, start, length in segments:
        direction = 1 - sender
        if conversation.wants(direction):
            conversation.receive(direction, memory[start : start + length], frame, time, True)
        if not conversation.wanted:
            return conversation.result()
    return None


def read(connections: PlainConnections, count: int, seed: int) -> Iterator[tuple[Segments, Spoken]]:
    """Read connections; yield those that were plain, and what was told of them."""
    talk = Talk(Random(seed))
    for number in range(count):
        segments = talk.connection(1 + number * 100)
        try:
            said = connections.read(segments, 0)
        except NotPlainError:
            continue
        if said is not None:
            yield segments, said.spoken


@pytest.mark.parametrize("small", [False, True])
def test_connections_are_told_as_one_by_one(small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where so little is remembered that it is forgotten all the time."""
    if small:
        monkeypatch.setattr(shapes, "MOST_SHAPES", 30)
        monkeypatch.setattr(contents, "MOST_HELLOS", 7)
        monkeypatch.setattr(contents, "MOST_BODIES", 2)
        monkeypatch.setattr(templates, "MOST_TEMPLATES", 5)
        monkeypatch.setattr(plain, "MOST_TUNNELS", 1)
    connections, told = PlainConnections(Shared()), 0
    for segments, spoken in read(connections, 1500, seed=1450 + small):
        told += 1
        assert told_by_conversation(Shared(), segments) == spoken
    assert told > 500


def test_most_are_made_of_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0
    read_again = templates.seen

    def counting(*arguments: object) -> object:
        nonlocal made
        made += 1
        return read_again(*arguments)  # type: ignore[arg-type]

    connections = PlainConnections(Shared())
    for _ in range(2):
        assert sum(1 for _ in read(connections, 1500, seed=1450)) > 500
    monkeypatch.setattr(templates, "seen", counting)
    again = sum(1 for _ in read(connections, 1500, seed=1450))
    assert again > 500
    assert made < again * 2 / 3


def test_what_is_forgotten_is_not_held_by_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MOST_BODIES", 5)
    connections, talk = PlainConnections(Shared()), Talk(Random(1))
    monkeypatch.setattr(talk, "chain", lambda: certificate_message(talk.key(40)))
    before, told = certificates_held(), 0
    for number in range(300):
        with suppress(NotPlainError):
            told += connections.read(talk.segments(talk.tls12(), 1 + number * 100), 0) is not None
    assert told > 100
    assert certificates_held() - before < 20


def certificates_held() -> int:
    """Count the contents of certificates that there are."""
    return sum(
        type(each) is contents.Content and isinstance(each.event, Certificate) for each in gc.get_objects()
    )
