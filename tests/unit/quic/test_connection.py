from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.quic.connection import QuicConnection
from ocsp_pcap.tls.events import (
    Alert,
    ApplicationData,
    Certificate,
    ClientHello,
    Damage,
    Decrypted,
    EncryptedExtensions,
    EncryptedHandshake,
    Finished,
    ServerHello,
    TlsEvent,
)
from ocsp_pcap.tls.keys import KeyLog

from .peers import VERSION_1, VERSION_2, CipherSuite, Exchange, exchange, protected_initial, read
from .vectors import (
    CLIENT_FRAMES,
    CLIENT_INITIAL_V1,
    CLIENT_INITIAL_V2,
    RETRY_V1,
    SERVER_INITIAL_V1,
    SERVER_INITIAL_V2,
)


def names(events: list[TlsEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def only(events: list[TlsEvent], kind: type) -> list[TlsEvent]:
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize(
    ("client", "server"),
    [(CLIENT_INITIAL_V1, SERVER_INITIAL_V1), (CLIENT_INITIAL_V2, SERVER_INITIAL_V2)],
    ids=["RFC 9001", "RFC 9369"],
)
@pytest.mark.parametrize("hint", [True, False])
def test_the_vectors_of_the_rfcs_are_read(client: bytes, server: bytes, hint: bool) -> None:
    connection = QuicConnection()
    hello, answer = read(connection, [(True, client), (False, server)], hint)
    assert isinstance(hello, ClientHello)
    assert (hello.server_name, hello.frame, hello.time) == ("example.com", 1, 10)
    assert hello.random.hex().startswith("ebf8fa56f129")
    assert isinstance(answer, ServerHello)
    assert (answer.cipher_suite, answer.frame, answer.version) == (0x1301, 2, 0x0304)
    assert not connection.finished


def test_a_server_initial_that_overtook_the_client_is_read_when_the_keys_are_there() -> None:
    events = read(QuicConnection(), [(False, SERVER_INITIAL_V1), (True, CLIENT_INITIAL_V1)], hint=False)
    assert names(events) == ["ClientHello", "ServerHello"]
    assert [event.frame for event in events] == [2, 1]


def test_a_wrong_hint_is_corrected_by_what_opens() -> None:
    connection = QuicConnection()
    events = connection.receive(False, CLIENT_INITIAL_V1, 1, 0)
    assert names(events) == ["ClientHello"]
    assert names(connection.receive(True, SERVER_INITIAL_V1, 2, 0)) == ["ServerHello"]


def test_retransmissions_are_reported_once() -> None:
    datagrams = [(True, CLIENT_INITIAL_V1)] * 3 + [(False, SERVER_INITIAL_V1)] * 2
    assert names(read(QuicConnection(), datagrams)) == ["ClientHello", "ServerHello"]


def test_a_retry_alone_is_no_event() -> None:
    assert read(QuicConnection(), [(True, CLIENT_INITIAL_V1), (False, RETRY_V1)])[1:] == []


SUITES = [
    CipherSuite.AES_128_GCM_SHA256,
    CipherSuite.AES_256_GCM_SHA384,
    CipherSuite.CHACHA20_POLY1305_SHA256,
]


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
@pytest.mark.parametrize("version", [VERSION_1, VERSION_2])
@pytest.mark.parametrize("hint", [True, False])
def test_with_keys_the_certificate_is_read(suite: CipherSuite, version: int, hint: bool) -> None:
    real = exchange(version=version, suite=suite, names=200)
    connection = QuicConnection(real.keys())
    events = read(connection, real.datagrams, hint)
    assert names(only(events, ClientHello | ServerHello | Decrypted | EncryptedExtensions)) == [
        "ClientHello",
        "ServerHello",
        "Decrypted",
        "EncryptedExtensions",
    ]
    (certificate,) = only(events, Certificate)
    assert isinstance(certificate, Certificate)
    assert certificate.certificates == (real.certificate,)
    assert certificate.encrypted
    assert not certificate.from_client
    assert {event.from_client for event in only(events, Finished)} == {True, False}
    assert not only(events, EncryptedHandshake | Damage)
    assert connection.finished
    assert not connection.wants(True)
    assert connection.version == version


@pytest.mark.parametrize("hint", [True, False])
def test_without_keys_each_direction_is_encrypted_once(hint: bool) -> None:
    real = exchange(names=200)
    connection = QuicConnection()
    events = read(connection, real.datagrams, hint)
    assert names(events) == [
        "ClientHello",
        "ServerHello",
        "EncryptedHandshake",
        "EncryptedHandshake",
        "ApplicationData",
        "ApplicationData",
    ]
    assert [event.from_client for event in only(events, EncryptedHandshake)] == [False, True]
    assert {event.from_client for event in only(events, ApplicationData)} == {True, False}
    assert connection.finished


def test_keys_of_another_connection_open_nothing() -> None:
    other = exchange(names=3)
    events = read(QuicConnection(other.keys()), exchange(names=200).datagrams)
    assert not only(events, Certificate | Decrypted)
    assert len(only(events, EncryptedHandshake)) == 2


def test_keys_of_one_direction_still_say_that_the_other_is_encrypted() -> None:
    real = exchange(names=200)
    lines = [line for line in real.key_log.splitlines() if not line.startswith("CLIENT")]
    keys = KeyLog.parse("\n".join(lines).encode(), "server")
    events = read(QuicConnection(keys), real.datagrams)
    assert len(only(events, Certificate)) == 1
    assert [event.from_client for event in only(events, EncryptedHandshake)] == [True]


def test_after_retry_the_new_connection_id_gives_the_keys() -> None:
    real = exchange(retry=True)
    for hint in (True, False):
        events = read(QuicConnection(real.keys()), real.datagrams, hint)
        # aioquic makes a new ClientHello after Retry, where RFC 9000 17.2.5.3 asks for the same.
        assert [event.frame for event in only(events, ClientHello)] == [1, 3]
        assert [event.certificates for event in only(events, Certificate)] == [(real.certificate,)]


def test_the_same_hello_after_retry_is_reported_once() -> None:
    again = protected_initial(bytes.fromhex("f067a5502a4262b5"), CLIENT_FRAMES + bytes(917), b"token")
    events = read(QuicConnection(), [(True, CLIENT_INITIAL_V1), (False, RETRY_V1), (True, again)])
    assert names(events) == ["ClientHello"]


def test_a_hello_in_shuffled_pieces_over_two_datagrams_is_put_together() -> None:
    hello = CLIENT_FRAMES[4:]

    def piece(start: int, end: int) -> bytes:
        head = (0x4000 + start).to_bytes(2) + (0x4000 + end - start).to_bytes(2)
        return b"\x06" + head + hello[start:end]

    first = piece(150, len(hello)) + b"\x01" + bytes(30) + piece(20, 60)
    second = b"\x01\x01" + piece(50, 160) + bytes(40) + piece(0, 20)
    destination = bytes(range(8))
    connection = QuicConnection()
    for number, payload in enumerate((first, second)):
        datagram = protected_initial(destination, payload + bytes(900), number=number)
        events = connection.receive(None, datagram, 7 + number, 0)
    (event,) = events
    assert isinstance(event, ClientHello)
    assert (event.server_name, event.frame) == ("example.com", 8)


def test_a_hello_of_which_a_piece_is_missing_is_read_in_part_at_the_end() -> None:
    hello = CLIENT_FRAMES[4:]
    datagram = protected_initial(bytes(8), b"\x06\x00\x40\x80" + hello[:128] + bytes(900))
    connection = QuicConnection()
    assert connection.receive(True, datagram, 1, 0) == []
    events = connection.close()
    (event,) = only(events, ClientHello)
    assert isinstance(event, ClientHello)
    assert (event.server_name, event.complete) == ("example.com", False)
    assert len(only(events, Damage)) == 1


def test_version_negotiation_begins_anew_with_the_same_connection_id() -> None:
    negotiation = b"\xca" + bytes(4) + b"\x00\x08" + bytes(8) + b"\x00\x00\x00\x01"
    first = bytearray(protected_initial(bytes(8), CLIENT_FRAMES + bytes(917)))
    changed = CLIENT_FRAMES[:10] + bytes(32) + CLIENT_FRAMES[42:]
    second = protected_initial(bytes(8), changed + bytes(917))
    events = read(QuicConnection(), [(True, bytes(first)), (False, negotiation), (True, second)])
    assert [event.frame for event in only(events, ClientHello)] == [1, 3]


def test_compatible_version_negotiation_changes_the_keys() -> None:
    real = exchange(version=VERSION_1, server_version=VERSION_2)
    connection = QuicConnection(real.keys())
    events = read(connection, real.datagrams)
    assert len(only(events, ClientHello)) == 1
    assert len(only(events, Certificate)) == 1
    assert connection.version == VERSION_2


def test_empty_connection_ids_are_followed_with_the_callers_help() -> None:
    real = exchange(connection_id_length=0)
    events = read(QuicConnection(real.keys()), real.datagrams)
    assert len(only(events, Certificate)) == 1
    events = read(QuicConnection(real.keys()), real.datagrams, hint=False)
    assert len(only(events, Certificate)) == 1


def test_a_refused_handshake_is_an_alert() -> None:
    real = exchange(alpn="h3", server_alpn="doq")
    connection = QuicConnection()
    events = read(connection, real.datagrams)
    (alert,) = only(events, Alert)
    assert isinstance(alert, Alert)
    assert not alert.from_client
    assert alert.level == 2
    assert connection.closed
    assert connection.finished


def test_two_connections_from_one_port_are_both_read() -> None:
    first, second = exchange(names=200), exchange(names=3)
    keys = KeyLog.parse((first.key_log + second.key_log).encode(), "both")
    events = read(QuicConnection(keys), first.datagrams + second.datagrams)
    assert [event.certificates for event in only(events, Certificate)] == [
        (first.certificate,),
        (second.certificate,),
    ]
    assert len(only(events, ClientHello)) == 2


def test_a_server_alone_is_known_to_be_encrypted() -> None:
    served = [datagram for datagram in exchange(names=200).datagrams if not datagram[0]]
    assert names(read(QuicConnection(), served, close=True)) == ["EncryptedHandshake"]
    assert read(QuicConnection(), served, hint=False, close=True) == []


@pytest.mark.parametrize("hint", [True, False])
def test_a_server_alone_is_read_with_the_session_found_by_trial(hint: bool) -> None:
    real = exchange(names=200)
    served = [datagram for datagram in real.datagrams if not datagram[0]]
    keys = KeyLog.parse((exchange(names=3).key_log + real.key_log).encode(), "both")
    events = read(QuicConnection(keys), served, hint, close=True)
    assert names(events) == ["Decrypted", "EncryptedExtensions", "Certificate", "Finished"]
    assert [use.opened for use in keys.use()] == [1]


def test_what_is_missing_of_a_server_alone_is_told() -> None:
    real = exchange(names=200)
    served = [datagram for datagram in real.datagrams if not datagram[0]]
    events = read(QuicConnection(real.keys()), served[:1] + served[2:], close=True)
    assert len(only(events, Decrypted)) == 1
    assert only(events, Damage)
    assert not [event for event in only(events, Certificate) if event.complete]


def test_every_secret_logged_for_a_session_is_tried() -> None:
    real = exchange(names=200)
    keys = real.keys()
    for line in real.key_log.splitlines():
        label, session, secret = line.split()
        keys.add(f"{label} {session} {'00' * (len(secret) // 2)}".encode(), "wrong")
    assert len(only(read(QuicConnection(keys), real.datagrams), Certificate)) == 1


def test_a_client_alone_is_read() -> None:
    real = exchange(names=200)
    sent = [datagram for datagram in real.datagrams if datagram[0]]
    connection = QuicConnection()
    events = read(connection, sent)
    assert names(events) == ["ClientHello", "EncryptedHandshake", "ApplicationData"]
    assert connection.finished


def reordered(real: Exchange, seed: int) -> list[tuple[bool, bytes]]:
    datagrams = list(real.datagrams)
    random.Random(seed).shuffle(datagrams)
    return datagrams


@pytest.mark.parametrize("seed", range(12))
def test_any_order_of_the_handshake_gives_the_same_certificates(seed: int) -> None:
    real = exchange(names=200)
    # What follows the handshake may say that it is over before the certificate is there.
    end = next(i for i, (client, data) in enumerate(real.datagrams) if client and not data[0] & 0x80)
    part = Exchange(real.datagrams[:end])
    connection = QuicConnection(real.keys())
    events = read(connection, reordered(part, seed), close=True)
    assert [event.certificates for event in only(events, Certificate)] == [(real.certificate,)]
    assert len(only(events, ClientHello)) == 1
    assert not only(events, EncryptedHandshake | Damage)


def test_a_lost_datagram_is_told_at_the_end() -> None:
    real = exchange(names=200)
    served = [i for i, (from_client, _) in enumerate(real.datagrams) if not from_client]
    kept = [datagram for i, datagram in enumerate(real.datagrams) if i != served[1]]
    cut = next(i for i, (client, data) in enumerate(kept) if client and not data[0] & 0x80)
    connection = QuicConnection(real.keys())
    events = read(connection, kept[:cut], close=True)
    damage = only(events, Damage)
    if not only(events, Certificate):
        assert damage
    assert connection.finished


def test_events_do_not_depend_on_the_hint() -> None:
    real = exchange(names=200)
    told = read(QuicConnection(real.keys()), real.datagrams, hint=True)
    found = read(QuicConnection(real.keys()), real.datagrams, hint=False)
    assert told == found


def test_google_quic_is_known_and_finished_at_once() -> None:
    connection = QuicConnection()
    datagram = bytes.fromhex("0d") + bytes(8) + b"Q043" + bytes(1300)
    assert connection.receive(True, datagram, 1, 0) == []
    assert connection.finished
    assert connection.version == int.from_bytes(b"Q043")


@pytest.mark.reaches("quic_failures")
def test_long_headers_without_end_are_given_up() -> None:
    connection = QuicConnection()
    junk = random.Random(1)
    for frame in range(BOUNDS.quic_datagrams):
        body = b"\xc0\x00\x00\x00\x01\x08" + junk.randbytes(8) + b"\x00\x00\x44\x00" + junk.randbytes(0x400)
        assert connection.receive(None, body, frame + 1, 0) == []
        if connection.finished:
            break
    assert connection.finished
    assert frame < 64


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_damage_never_raises(data: st.DataObject) -> None:
    real = exchange(names=200)
    connection = QuicConnection(real.keys())
    for index, (from_client, datagram) in enumerate(real.datagrams[:8]):
        damaged = bytearray(datagram)
        for _ in range(data.draw(st.integers(0, 3))):
            damaged[data.draw(st.integers(0, min(60, len(damaged) - 1)))] = data.draw(st.integers(0, 255))
        del damaged[data.draw(st.integers(0, 3000)) :]
        hint = data.draw(st.sampled_from((from_client, None, not from_client)))
        connection.receive(hint, bytes(damaged), index + 1, 0)
    connection.close()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from((True, False, None)), st.binary(max_size=200))))
def test_noise_never_raises(datagrams: list[tuple[bool | None, bytes]]) -> None:
    connection = QuicConnection()
    for from_client, datagram in datagrams:
        prefix = hashlib.sha256(datagram).digest()[:1] + b"\x00\x00\x00\x01"
        connection.receive(from_client, datagram, 1, 0)
        connection.receive(from_client, prefix + datagram, 1, 0)
    connection.close()
