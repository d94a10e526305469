from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.tls.connection import TlsConnection
from ocsp_pcap.tls.events import (
    Alert,
    ApplicationData,
    Certificate,
    ClientHello,
    Damage,
    Decrypted,
    EncryptedExtensions,
    TlsEvent,
)
from ocsp_pcap.tls.keys import KeyLog

from .relay import converse, needs_openssl
from .wire import Options, Recording, bytewise, events, identity, kinds, record, tls_record

TLS_1_0, TLS_1_1 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
LONG = tuple((bool(number % 2), bytes((number,)) * 5000) for number in range(8))


@cache
def recorded(version: ssl.TLSVersion, ciphers: str | None = None) -> tuple[Recording, ...]:
    return tuple(record(Options(version=version, ciphers=ciphers), connections=2))


def decrypt(recording: Recording, keylog: bytes | None = None, size: int = 1460) -> list[TlsEvent]:
    keys = KeyLog.parse(recording.keylog if keylog is None else keylog, "keys.log")
    return events(TlsConnection(keys), recording.segments(size))


def data_of(found: list[TlsEvent]) -> list[tuple[bool, bytes]]:
    return [(event.from_client, event.data) for event in found if isinstance(event, ApplicationData)]


def only(recording: Recording, *labels: str) -> bytes:
    lines = recording.keylog.splitlines()
    return b"\n".join(line for line in lines if line.split()[0].decode() in labels)


EXCHANGE = list(Options().exchange)


@pytest.mark.parametrize(
    ("version", "ciphers"),
    [
        (TLS_1_3, None),
        (TLS_1_0, "ECDHE-RSA-AES128-SHA"),
        (TLS_1_1, "AES256-SHA"),
        (TLS_1_2, "ECDHE-RSA-AES128-GCM-SHA256"),
        (TLS_1_2, "ECDHE-RSA-AES256-GCM-SHA384"),
        (TLS_1_2, "ECDHE-RSA-CHACHA20-POLY1305"),
        (TLS_1_2, "ECDHE-RSA-AES256-SHA384"),
        (TLS_1_2, "ECDHE-RSA-AES128-SHA256"),
        (TLS_1_2, "AES128-SHA"),
        (TLS_1_2, "AES128-CCM8"),
        (TLS_1_2, "AES256-CCM"),
        (TLS_1_2, "NULL-SHA256"),
        (TLS_1_2, "CAMELLIA128-SHA256"),
    ],
)
def test_what_openssl_sealed_opens_with_its_key_log(version: ssl.TLSVersion, ciphers: str | None) -> None:
    try:
        recordings = recorded(version, ciphers)
    except (ssl.SSLError, ValueError) as error:
        pytest.skip(f"this OpenSSL does not speak it: {error}")
    if recordings[0].error:
        pytest.skip(f"this OpenSSL does not speak it: {recordings[0].error}")
    for recording in recordings:
        found = decrypt(recording)
        assert data_of(found) == EXCHANGE
        assert kinds(found).count("Decrypted") == 1
        assert not [event for event in found if isinstance(event, Damage)]
        assert [event.description for event in found if isinstance(event, Alert)] == [0, 0]


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_any_split_gives_the_same_events(version: ssl.TLSVersion) -> None:
    for recording in recorded(version):
        connection = TlsConnection(KeyLog.parse(recording.keylog, "k"))
        assert bytewise(connection, recording.segments()) == decrypt(recording)


def test_tls_1_3_shows_certificate_and_extensions() -> None:
    (recording,) = record(Options(version=TLS_1_3, alpn=("h2",), client_certificate=True))
    found = decrypt(recording)
    server, client = (event for event in found if isinstance(event, Certificate))
    assert (server.from_client, client.from_client) == (False, True)
    assert server.certificates == client.certificates == (identity().der,)
    assert server.encrypted
    (extensions,) = (event for event in found if isinstance(event, EncryptedExtensions))
    assert extensions.alpn == "h2"


def test_client_authentication_after_the_handshake() -> None:
    (recording,) = record(Options(version=TLS_1_3, post_handshake=True))
    found = decrypt(recording)
    assert [e.from_client for e in found if isinstance(e, Certificate)] == [False, True]
    assert data_of(found) == [*EXCHANGE, (False, b"after"), (True, b"reply")]


def test_hello_retry_request() -> None:
    (recording,) = record(Options(version=TLS_1_3, server_curve="secp384r1"))
    found = decrypt(recording)
    assert kinds(found).count("ServerHello") == 2
    assert data_of(found) == EXCHANGE


@pytest.mark.parametrize(
    ("labels", "certificate", "data"),
    [
        (("SERVER_HANDSHAKE_TRAFFIC_SECRET",), True, [(True, b""), (False, b"")]),
        (("CLIENT_HANDSHAKE_TRAFFIC_SECRET",), False, [(True, b""), (False, b"")]),
        (("SERVER_TRAFFIC_SECRET_0",), False, [(True, b""), EXCHANGE[1]]),
        (("CLIENT_TRAFFIC_SECRET_0",), False, [EXCHANGE[0], (False, b"")]),
        (("SERVER_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"), True, [(True, b""), EXCHANGE[1]]),
    ],
)
def test_partial_key_logs_open_what_they_cover(
    labels: tuple[str, ...], certificate: bool, data: list[tuple[bool, bytes]]
) -> None:
    recording = recorded(TLS_1_3)[0]
    found = decrypt(recording, only(recording, *labels))
    assert bool([event for event in found if isinstance(event, Certificate)]) is certificate
    assert data_of(found) == data
    assert not [event for event in found if isinstance(event, Damage)]


def test_conflicting_lines_are_decided_by_trial() -> None:
    for version in (TLS_1_2, TLS_1_3):
        recording = recorded(version)[0]
        wrong = b"\n".join(
            b" ".join((*line.split()[:2], line.split()[2][::-1]))
            for line in recording.keylog.splitlines()[1:]
        )
        assert data_of(decrypt(recording, recording.keylog + wrong)) == EXCHANGE
        assert data_of(decrypt(recording, wrong + b"\n" + recording.keylog)) == EXCHANGE


def test_the_key_log_learns_what_it_opened() -> None:
    recordings = recorded(TLS_1_2, "AES128-SHA")
    keys = KeyLog.parse(recordings[0].keylog, "keys.log")
    events(TlsConnection(keys), recordings[0].segments())
    (use,) = keys.use()
    assert use.opened == use.sessions - 1
    events(TlsConnection(keys), recordings[1].segments())
    assert all(use.sessions == use.opened for use in keys.use())


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
@pytest.mark.parametrize("side", [True, False])
def test_one_direction_only(version: ssl.TLSVersion, side: bool) -> None:
    recording = recorded(version)[0]
    keys = KeyLog.parse(recording.keylog, "keys.log")
    found = events(TlsConnection(keys), [part for part in recording.segments() if part[0] is side])
    if version is TLS_1_2 and side:
        assert data_of(found) == [(True, b"")]  # without ServerHello there is no server random
    else:
        assert data_of(found) == [told for told in EXCHANGE if told[0] is side]


def test_a_server_key_opens_rsa_key_exchange() -> None:
    key = identity().key
    assert isinstance(key, RSAPrivateKey)
    for version, ciphers in ((TLS_1_0, "AES128-SHA"), (TLS_1_2, "AES256-GCM-SHA384")):
        recording = recorded(version, ciphers)[0]
        found = events(TlsConnection(rsa_keys=(key,)), recording.segments())
        assert data_of(found) == EXCHANGE


def test_a_server_key_opens_nothing_of_a_forward_secret_suite() -> None:
    key = identity().key
    assert isinstance(key, RSAPrivateKey)
    found = events(TlsConnection(rsa_keys=(key,)), recorded(TLS_1_2)[0].segments())
    assert data_of(found) == [(True, b""), (False, b"")]


def test_rsa_lines_of_old_key_logs() -> None:
    recording = recorded(TLS_1_2, "AES128-SHA")[0]
    assert data_of(decrypt(recording, only(recording, "RSA"))) == EXCHANGE


def lossy(recording: Recording, lost: int, keys: KeyLog) -> list[TlsEvent]:
    connection = TlsConnection(keys)
    found: list[TlsEvent] = []
    for frame, (from_client, data) in enumerate(recording.segments(700), 1):
        if frame == lost:
            found += connection.gap(from_client, len(data), frame, frame)
        else:
            found += connection.receive(from_client, data, frame, frame, segment_start=True)
    return found


@pytest.mark.parametrize(
    ("version", "ciphers"),
    [(TLS_1_3, None), (TLS_1_2, None), (TLS_1_2, "AES128-SHA"), (TLS_1_0, "AES128-SHA")],
)
def test_a_lost_segment_costs_its_records_only(version: ssl.TLSVersion, ciphers: str | None) -> None:
    (recording,) = record(Options(version=version, ciphers=ciphers, exchange=LONG))
    segments = recording.segments(700)
    for lost in range(10, len(segments), 7):
        found = lossy(recording, lost, KeyLog.parse(recording.keylog, "k"))
        assert [event for event in found if isinstance(event, Damage)]
        got = data_of(found)
        assert len(got) >= len(LONG) - 3
        assert all(told in LONG for told in got)


def test_keys_that_fit_nothing_change_nothing() -> None:
    for version in (TLS_1_2, TLS_1_3):
        for recording in recorded(version):
            other = record(Options(version=version))[0].keylog
            assert decrypt(recording, other) == events(TlsConnection(), recording.segments())


def test_wrong_secrets_change_nothing() -> None:
    for version in (TLS_1_2, TLS_1_3):
        recording = recorded(version)[0]
        lines = [line.split() for line in recording.keylog.splitlines() if not line.startswith(b"#")]
        wrong = b"\n".join(b" ".join((label, session, secret[::-1])) for label, session, secret in lines)
        plain = events(TlsConnection(), recording.segments())
        assert kinds(decrypt(recording, wrong))[: len(plain)] == kinds(plain)


def test_an_unsupported_suite_is_told() -> None:
    recording = recorded(TLS_1_2, "ARIA128-GCM-SHA256")[0]
    if recording.error:
        pytest.skip("this OpenSSL does not speak ARIA")
    found = decrypt(recording)
    assert next(event.reason for event in found if isinstance(event, Damage)).endswith("is not supported")
    assert data_of(found) == [(True, b""), (False, b"")]


def test_records_that_never_open_are_given_up() -> None:
    recording = recorded(TLS_1_3)[0]
    connection = TlsConnection(KeyLog.parse(recording.keylog, "k"))
    events(connection, recording.segments()[:-2])
    found: list[TlsEvent] = []
    for _ in range(100):
        found += connection.receive(False, tls_record(23, b"x" * 100), 99, 99)
    reasons = [event.reason for event in found if isinstance(event, Damage)]
    assert reasons[-1] == "records no longer open with the keys there are"
    assert len(reasons) == 2


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_never_raises(data: st.DataObject) -> None:
    version = data.draw(st.sampled_from([TLS_1_2, TLS_1_3]))
    recording = recorded(version)[0]
    flights = [(from_client, bytearray(part)) for from_client, part in recording.segments()]
    keylog = bytearray(recording.keylog)
    for target in data.draw(st.lists(st.integers(0, len(flights)), min_size=1, max_size=3)):
        damaged = keylog if target == len(flights) else flights[target][1]
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    segments = [(from_client, bytes(part)) for from_client, part in flights]
    keys = KeyLog.parse(bytes(keylog), "k")
    connection = TlsConnection(keys)
    assert events(connection, segments) == bytewise(TlsConnection(KeyLog.parse(bytes(keylog), "k")), segments)
    connection.finish(True)
    connection.finish(False)


@needs_openssl
def test_key_updates_of_both_sides(tmp_path: Path) -> None:
    steps = (b"one\n", b"K\n", b"two\n", b"k\n", b"three\n")
    recording = converse(tmp_path, ["-tls1_3"], [], steps, server_steps=(b"four\n",))
    told = data_of(decrypt(recording))
    assert told == [(True, b"one\n"), (True, b"two\n"), (True, b"three\n"), (False, b"four\n")]


@needs_openssl
def test_renegotiation_inside_an_encrypted_connection(tmp_path: Path) -> None:
    recording = converse(tmp_path, ["-tls1_2", "-client_renegotiation"], [], (b"one\n", b"R\n", b"two\n"))
    found = decrypt(recording)
    assert [event.encrypted for event in found if isinstance(event, Certificate)] == [False, True]
    assert len({event.random for event in found if isinstance(event, ClientHello)}) == 2
    assert data_of(found) == [(True, b"one\n"), (True, b"two\n")]
    plain = events(TlsConnection(), recording.segments())
    assert kinds(plain).count("Certificate>") == 1


@needs_openssl
@pytest.mark.parametrize("with_early_secret", [True, False])
def test_early_data(tmp_path: Path, with_early_secret: bool) -> None:
    session, early = tmp_path / "session", tmp_path / "early"
    early.write_bytes(b"early bird")
    converse(tmp_path, ["-tls1_3", "-early_data"], ["-sess_out", str(session)])
    recording = converse(
        tmp_path,
        ["-tls1_3", "-early_data"],
        ["-sess_in", str(session), "-early_data", str(early)],
        (b"late\n",),
    )
    keylog = recording.keylog
    if not with_early_secret:
        keylog = b"\n".join(line for line in keylog.splitlines() if not line.startswith(b"CLIENT_EARLY"))
    found = decrypt(recording, keylog)
    first = b"early bird" if with_early_secret else b""
    assert data_of(found) == [(True, first), (True, b"late\n")]
    assert any(isinstance(event, Decrypted) for event in found)
    assert [event for event in found if isinstance(event, Certificate)]
