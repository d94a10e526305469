from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.tls.events import Certificate, ClientHello, Damage, ServerHello, TlsEvent
from ocsp_pcap.tls.handshake import HandshakeParser, plausible_message

from .wire import (
    Options,
    certificate_message,
    client_hello,
    extension,
    kinds,
    message,
    record,
    server_hello,
    vector,
)

FLIGHT = (
    message(2, server_hello())
    + message(11, certificate_message(b"leaf" * 400, b"issuer"))
    + message(22, b"\x01" + vector(3, b"staple"))
    + message(12, b"key exchange")
    + message(14, b"")
)
EXPECTED = ["ServerHello", "Certificate>", "CertificateStatus", "ServerHelloDone"]


def feed(parser: HandshakeParser, data: bytes, *cuts: int) -> list[TlsEvent]:
    found: list[TlsEvent] = []
    edges = [0, *sorted(cut % len(data) for cut in cuts), len(data)]
    for start, end in pairwise(edges):
        found += parser.receive(data[start:end], 1, 1)
    return found


def test_a_flight() -> None:
    assert kinds(HandshakeParser(False).receive(FLIGHT, 1, 1)) == EXPECTED


@given(st.lists(st.integers(0, 10_000), max_size=12))
def test_any_split_gives_the_same_events(cuts: list[int]) -> None:
    assert feed(HandshakeParser(False), FLIGHT, *cuts) == HandshakeParser(False).receive(FLIGHT, 1, 1)


def test_the_frame_is_that_of_the_last_byte() -> None:
    parser = HandshakeParser(False)
    assert parser.receive(FLIGHT[:30], 1, 10) == []
    (hello, *_) = parser.receive(FLIGHT[30:], 2, 20)
    assert (hello.frame, hello.time) == (2, 20)
    assert parser.idle


def test_messages_without_events() -> None:
    messages = b"".join(message(kind, b"body") for kind in (0, 3, 4, 5, 12, 13, 15, 21, 23, 24, 67, 203))
    assert HandshakeParser(True).receive(messages, 1, 1) == []


def test_finished_and_key_exchange() -> None:
    data = message(16, b"key") + message(20, bytes(12))
    assert kinds(HandshakeParser(True).receive(data, 1, 1)) == ["ClientKeyExchange", "Finished<"]


def test_encrypted_extensions_of_the_server_only() -> None:
    data = message(8, vector(2, b""))
    assert kinds(HandshakeParser(False, encrypted=True).receive(data, 1, 1)) == ["EncryptedExtensions"]
    assert HandshakeParser(True, encrypted=True).receive(data, 1, 1) == []


def test_every_message_is_handed_on() -> None:
    seen: list[tuple[bool, int, bytes]] = []
    parser = HandshakeParser(False, on_message=lambda *told: seen.append(told))
    feed(parser, FLIGHT, 5, 70, 700)
    assert [kind for _, kind, _ in seen] == [2, 11, 22, 12, 14]
    assert b"".join(raw for _, _, raw in seen) == FLIGHT


@pytest.mark.reaches("handshake_message")
def test_a_message_over_the_bound_ends_the_direction() -> None:
    parser = HandshakeParser(False)
    (damage,) = parser.receive(b"\x0b" + (BOUNDS.handshake_message + 1).to_bytes(3, "big"), 3, 30)
    assert isinstance(damage, Damage)
    assert damage.frame == 3
    assert parser.receive(FLIGHT, 4, 40) == []


def test_an_unknown_type_ends_the_direction_unless_it_was_decrypted() -> None:
    data = message(99, b"") + message(14, b"")
    assert kinds(HandshakeParser(False).receive(data, 1, 1)) == ["Damage>"]
    assert kinds(HandshakeParser(False, encrypted=True).receive(data, 1, 1)) == ["ServerHelloDone"]


def test_a_malformed_certificate_message_gives_what_stands_before_the_fault() -> None:
    body = certificate_message(b"leaf", b"issuer")
    damaged = body.replace(b"\x06issuer", b"\x66issuer")
    found = HandshakeParser(False).receive(message(11, damaged) + message(14, b""), 1, 1)
    assert kinds(found) == ["Certificate>", "Damage>", "ServerHelloDone"]
    assert isinstance(found[0], Certificate)
    assert found[0].certificates == (b"leaf",)


def test_a_hole_inside_a_message() -> None:
    start = FLIGHT.index(b"issuer") - 10
    parser = HandshakeParser(False)
    found = parser.receive(FLIGHT[:start], 1, 1)
    assert kinds(found) == ["ServerHello"]
    found = parser.lost(13, 1, 1)
    assert kinds(found) == ["Certificate>", "Damage>"]
    assert isinstance(found[0], Certificate)
    assert not found[0].complete
    assert not parser.unsynchronised
    assert kinds(parser.receive(FLIGHT[start + 13 :], 2, 2)) == ["CertificateStatus", "ServerHelloDone"]


def test_a_hole_beyond_the_message_loses_the_boundaries() -> None:
    parser = HandshakeParser(False)
    parser.receive(FLIGHT[:150], 1, 1)
    parser.lost(None, 1, 1)
    assert parser.unsynchronised
    assert parser.receive(FLIGHT, 1, 1) == []
    parser.resume()
    assert kinds(parser.receive(FLIGHT, 1, 1)) == EXPECTED


def test_salvage_of_hellos() -> None:
    name = extension(0, vector(2, b"\0" + vector(2, b"host.example")))
    data = message(1, client_hello(name, extension(21, bytes(100))))
    parser = HandshakeParser(True)
    parser.receive(data[:-30], 5, 50)
    hello, damage = parser.salvage(5, 50)
    assert isinstance(hello, ClientHello)
    assert hello.server_name == "host.example"
    assert not hello.complete
    assert isinstance(damage, Damage)
    parser = HandshakeParser(False)
    parser.receive(message(2, server_hello(extension(99, bytes(60))))[:-20], 5, 50)
    hello, damage = parser.salvage(5, 50)
    assert isinstance(hello, ServerHello)
    assert isinstance(damage, Damage)
    assert parser.salvage(5, 50) == []


def test_plausible_messages() -> None:
    assert plausible_message(FLIGHT)
    assert plausible_message(message(14, b""))
    assert not plausible_message(message(14, b"x"))
    assert not plausible_message(message(77, b""))
    assert not plausible_message(b"\x0b\xff\xff\xff")
    assert not plausible_message(message(1, b"short"))


@given(st.binary(max_size=100), st.integers(0, len(FLIGHT) - 1), st.integers(0, 255), st.integers(0, 2000))
def test_damage_never_raises(data: bytes, position: int, value: int, hole: int) -> None:
    damaged = bytearray(FLIGHT)
    damaged[position] = value
    parser = HandshakeParser(False)
    parser.receive(bytes(damaged[:position]) + data, 1, 1)
    parser.lost(hole, 1, 1)
    parser.receive(bytes(damaged[position:]), 1, 1)
    parser.salvage(1, 1)
    HandshakeParser(True).receive(bytes(damaged), 1, 1)
    HandshakeParser(True, encrypted=True).receive(data, 1, 1)


def test_real_flights_are_read() -> None:
    _, server, *_ = record(Options())[0].flights
    handshake = server[1][5 : 5 + int.from_bytes(server[1][3:5], "big")]
    assert kinds(HandshakeParser(False).receive(handshake, 1, 1)) == ["ServerHello"]
