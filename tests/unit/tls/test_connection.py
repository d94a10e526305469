from __future__ import annotations

import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.tls.connection import TlsConnection
from ocsp_pcap.tls.events import (
    Alert,
    Certificate,
    CertificateStatus,
    ClientHello,
    Damage,
    ServerHello,
    TlsEvent,
)
from ocsp_pcap.tls.keys import KeyLog

from .relay import converse, needs_openssl
from .wire import (
    HOST,
    Options,
    Recording,
    bytewise,
    certificate_message,
    client_hello,
    events,
    identity,
    kinds,
    message,
    record,
    server_hello,
    tls_record,
)

TLS_1_0, TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

FULL = ["ClientHello", "ServerHello", "Certificate>", "ServerHelloDone", "ClientKeyExchange"]
FULL += [
    "ChangeCipherSpec<",
    "Finished<",
    "ChangeCipherSpec>",
    "Finished>",
    "ApplicationData<",
    "ApplicationData>",
]
RESUMED = ["ClientHello", "ServerHello", "ChangeCipherSpec>", "Finished>", "ChangeCipherSpec<", "Finished<"]
RESUMED += ["ApplicationData<", "ApplicationData>"]
MODERN = ["ClientHello", "ServerHello", "ChangeCipherSpec>", "EncryptedHandshake>", "ChangeCipherSpec<"]
MODERN += ["EncryptedHandshake<", "Finished<", "ApplicationData<", "ApplicationData>"]


@cache
def recorded(version: ssl.TLSVersion = TLS_1_2) -> tuple[Recording, ...]:
    return tuple(record(Options(version=version), connections=2))


@pytest.mark.parametrize(
    ("version", "expected"),
    [(TLS_1_0, (FULL, RESUMED)), (TLS_1_2, (FULL, RESUMED)), (TLS_1_3, (MODERN, MODERN))],
)
def test_whole_connections(version: ssl.TLSVersion, expected: tuple[list[str], list[str]]) -> None:
    for recording, wanted in zip(recorded(version), expected, strict=True):
        connection = TlsConnection()
        found = events(connection, recording.segments())
        assert kinds(found) == wanted
        assert not connection.wants(True)
        assert not connection.wants(False)
        assert bytewise(TlsConnection(), recording.segments()) == found


def test_what_the_messages_say() -> None:
    found = events(TlsConnection(), recorded()[0].segments())
    hello = found[0]
    assert isinstance(hello, ClientHello)
    assert (hello.frame, hello.time, hello.server_name) == (1, 1000, HOST)
    answer = found[1]
    assert isinstance(answer, ServerHello)
    assert (answer.frame, answer.version) == (2, 0x0303)
    certificate = found[2]
    assert isinstance(certificate, Certificate)
    assert certificate.certificates == (identity().der,)
    assert not certificate.encrypted


@settings(max_examples=50, deadline=None)
@given(st.sampled_from([TLS_1_2, TLS_1_3]), st.lists(st.integers(1, 2000), min_size=1, max_size=30))
def test_any_segments_give_the_same_events(version: ssl.TLSVersion, sizes: list[int]) -> None:
    for recording in recorded(version):
        segments = []
        for number, (from_client, data) in enumerate(recording.flights):
            position = 0
            while position < len(data):
                size = sizes[(number + position) % len(sizes)]
                segments.append((from_client, data[position : position + size]))
                position += size
        assert kinds(events(TlsConnection(), segments)) == kinds(
            events(TlsConnection(), recording.segments())
        )


def test_wants_ends_with_the_first_application_data() -> None:
    connection = TlsConnection()
    wanted = []
    for from_client, data in recorded()[0].flights[:6]:
        connection.receive(from_client, data, 1, 1, segment_start=True)
        wanted.append((connection.wants(True), connection.wants(False)))
    assert wanted == [(True, True)] * 4 + [(False, True), (False, False)]
    assert connection.receive(True, b"whatever follows", 9, 9, segment_start=True) == []
    assert connection.gap(True, 100, 9, 9) == []
    assert connection.finish(True) == []


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_a_client_that_refuses_the_certificate(version: ssl.TLSVersion) -> None:
    (recording,) = record(Options(version=version, trusted=False))
    found = events(TlsConnection(), recording.segments())
    alert = found[-1]
    assert isinstance(alert, Alert)
    assert (alert.from_client, alert.level, alert.description) == (True, 2, 48)


def test_client_certificates() -> None:
    (recording,) = record(Options(client_certificate=True))
    found = events(TlsConnection(), recording.segments())
    assert [event.from_client for event in found if isinstance(event, Certificate)] == [False, True]
    (recording,) = record(Options(version=TLS_1_3, client_certificate=True))
    found = events(TlsConnection(), recording.segments())
    assert kinds(found)[-4:] == ["EncryptedHandshake<", "Finished<", "ApplicationData<", "ApplicationData>"]


def test_hello_retry_request() -> None:
    (recording,) = record(Options(version=TLS_1_3, server_curve="secp384r1"))
    found = events(TlsConnection(), recording.segments())
    hellos = [event for event in found if isinstance(event, ServerHello)]
    assert [event.hello_retry_request for event in hellos] == [True, False]
    client = events(TlsConnection(), [part for part in recording.segments() if part[0]])
    assert kinds(client)[:3] == ["ClientHello", "ChangeCipherSpec<", "ClientHello"]
    assert kinds(client)[-2:] == ["Finished<", "ApplicationData<"]


@pytest.mark.parametrize(
    ("version", "client", "server"),
    [
        (
            TLS_1_2,
            ["ClientHello", "ClientKeyExchange", "ChangeCipherSpec<", "Finished<", "ApplicationData<"],
            [
                "ServerHello",
                "Certificate>",
                "ServerHelloDone",
                "ChangeCipherSpec>",
                "Finished>",
                "ApplicationData>",
            ],
        ),
        (
            TLS_1_3,
            ["ClientHello", "ChangeCipherSpec<", "EncryptedHandshake<", "Finished<", "ApplicationData<"],
            ["ServerHello", "ChangeCipherSpec>", "EncryptedHandshake>"],
        ),
    ],
)
def test_one_direction_only(version: ssl.TLSVersion, client: list[str], server: list[str]) -> None:
    segments = recorded(version)[0].segments()
    assert kinds(events(TlsConnection(), [part for part in segments if part[0]])) == client
    found = kinds(events(TlsConnection(), [part for part in segments if not part[0]]))
    assert [kind for kind in found if kind != "Alert>"] == server


def test_a_server_that_is_taken_for_the_client() -> None:
    for version in (TLS_1_2, TLS_1_3):
        recording = recorded(version)[0]
        connection = TlsConnection()
        mistaken = [(not from_client, data) for from_client, data in recording.segments()]
        assert events(connection, mistaken) == events(TlsConnection(), recording.segments())
        assert connection.swapped
        server = TlsConnection()
        found = events(server, [part for part in mistaken if part[0]])
        assert server.swapped
        assert "Certificate<" not in kinds(found)


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_start_in_mid_stream(lost: int) -> None:
    segments = recorded()[0].segments(300)
    found = events(TlsConnection(), segments[lost:])
    assert "ApplicationData<" in kinds(found)
    assert "Finished>" in kinds(found)


def test_segments_of_another_protocol_before_tls() -> None:
    segments = [(True, b"STARTTLS\r\n"), (False, b"220 ready\r\n"), *recorded()[0].segments()]
    found = events(TlsConnection(), segments)
    assert [kind for kind in kinds(found) if not kind.startswith("Damage")] == FULL
    assert kinds(found)[:2] == ["Damage<", "Damage>"]


def test_garbage_is_given_up() -> None:
    connection = TlsConnection()
    for number in range(400):
        connection.receive(True, b"GET / HTTP/1.1\r\n" * 60, number, number, segment_start=True)
    assert not connection.wants(True)
    assert connection.wants(False)


def server_flight(*, one_record: bool) -> bytes:
    messages = [
        message(2, server_hello()),
        message(11, certificate_message(b"leaf" * 500, b"issuer" * 300, b"root" * 200)),
        message(22, b"\x01\x00\x00\x08response"),
        message(14, b""),
    ]
    if one_record:
        return tls_record(22, b"".join(messages))
    return b"".join(tls_record(22, part) for part in messages)


@pytest.mark.parametrize("one_record", [True, False])
def test_a_gap_inside_the_certificates(one_record: bool) -> None:
    flight = server_flight(one_record=one_record)
    start = flight.index(b"issuer") + 50
    for length in (1, 500, 2000):
        connection = TlsConnection()
        found = connection.receive(False, flight[:start], 1, 10, segment_start=True)
        found += connection.gap(False, length, 3, 30)
        found += connection.receive(False, flight[start + length :], 3, 30, segment_start=True)
        assert kinds(found) == [
            "ServerHello",
            "Damage>",
            "Certificate>",
            "Damage>",
            "CertificateStatus",
            "ServerHelloDone",
        ]
        missing, certificate = found[1], found[2]
        assert isinstance(missing, Damage)
        assert (missing.missing, missing.frame) == (length, 3)
        assert isinstance(certificate, Certificate)
        assert certificate.certificates == (b"leaf" * 500,)
        assert (certificate.frame, certificate.complete) == (1, False)
        assert connection.wants(False)


def test_a_gap_over_several_messages() -> None:
    flight = server_flight(one_record=False)
    connection = TlsConnection()
    found = connection.receive(False, flight[:2000], 1, 10, segment_start=True)
    end = flight.index(b"\x16\x03\x03\x00\x04\x0e")
    found += connection.gap(False, end - 2000, 3, 30)
    found += connection.receive(False, flight[end:], 3, 30, segment_start=True)
    assert kinds(found)[-1] == "ServerHelloDone"


def test_a_lost_change_cipher_spec() -> None:
    client, server = recorded()[0].flights[0], recorded()[0].flights[1]
    connection = TlsConnection()
    events(connection, [client, server])
    assert kinds(connection.gap(True, 100, 3, 3)) == ["Damage<"]
    encrypted = tls_record(22, b"\xe5" * 40)
    assert kinds(connection.receive(True, encrypted, 3, 3, segment_start=True)) == []
    data = tls_record(23, b"\xe5" * 40)
    assert kinds(connection.receive(True, data, 4, 4, segment_start=True)) == ["ApplicationData<"]


def test_the_end_gives_what_a_cut_record_holds() -> None:
    flight = server_flight(one_record=True)
    connection = TlsConnection()
    assert connection.receive(False, flight[: flight.index(b"root")], 6, 60, segment_start=True) == []
    found = connection.finish(False)
    assert kinds(found) == ["ServerHello", "Certificate>", "Damage>"]
    certificate = found[1]
    assert isinstance(certificate, Certificate)
    assert certificate.certificates == (b"leaf" * 500, b"issuer" * 300)
    assert certificate.frame == 6
    assert not connection.wants(False)


def test_segments_cut_off_by_the_snaplen() -> None:
    connection = TlsConnection()
    found: list[TlsEvent] = []
    for frame, (from_client, data) in enumerate(recorded()[0].segments(), 1):
        found += connection.receive(from_client, data[:100], frame, frame, segment_start=True)
        if len(data) > 100:
            found += connection.gap(from_client, len(data) - 100, frame, frame)
    assert {"ClientHello", "ServerHello", "ApplicationData<", "ApplicationData>"} <= set(kinds(found))


def test_a_message_over_many_records() -> None:
    handshake = message(2, server_hello()) + message(11, certificate_message(b"c" * 100_000))
    records = [tls_record(22, handshake[start : start + 200]) for start in range(0, len(handshake), 200)]
    (hello, certificate) = TlsConnection().receive(False, b"".join(records), 1, 1, segment_start=True)
    assert isinstance(hello, ServerHello)
    assert isinstance(certificate, Certificate)
    assert certificate.certificates == (b"c" * 100_000,)


@needs_openssl
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_staples(tmp_path: Path, version: str) -> None:
    response = staple()
    status = tmp_path / "status.der"
    status.write_bytes(response)
    recording = converse(tmp_path, [version, "-status_file", str(status)], ["-status"])
    connection = TlsConnection(KeyLog.parse(recording.keylog, "k") if version == "-tls1_3" else None)
    found = events(connection, recording.segments())
    (hello,) = (event for event in found if isinstance(event, ClientHello))
    assert hello.status_request
    if version == "-tls1_2":
        (told,) = (event for event in found if isinstance(event, CertificateStatus))
        assert told.responses == (response,)
    else:
        (certificate,) = (event for event in found if isinstance(event, Certificate))
        assert certificate.staples == ((0, response),)


def staple() -> bytes:
    certificate = x509.load_der_x509_certificate(identity().der)
    now = datetime.now(UTC)
    builder = ocsp.OCSPResponseBuilder().add_response(
        certificate,
        certificate,
        hashes.SHA1(),
        ocsp.OCSPCertStatus.GOOD,
        now,
        now + timedelta(days=1),
        None,
        None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, certificate)
    return builder.sign(identity().key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_importing_needs_no_cryptography() -> None:
    program = (
        "import sys, ocsp_pcap.tls.connection, ocsp_pcap.tls.keys, ocsp_pcap.tls.names;"
        "ocsp_pcap.tls.connection.TlsConnection();"
        "print([name for name in sys.modules if name.startswith(('cryptography', 'brotli', 'zstandard'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.one_of(
                st.binary(max_size=50),
                st.sampled_from(
                    [
                        tls_record(22, message(1, client_hello())),
                        server_flight(one_record=True)[:3000],
                        server_flight(one_record=False),
                        tls_record(20, b"\1"),
                        tls_record(22, b"\xe5" * 40),
                        tls_record(23, b"\xe5" * 53),
                        tls_record(21, b"\2\50"),
                        tls_record(22, message(2, server_hello(b"\0\x2b\0\2\3\4", suite=0x1301))),
                    ]
                ),
                st.integers(1, 5000),
            ),
            st.booleans(),
        ),
        max_size=12,
    ),
    st.booleans(),
)
def test_no_order_of_records_raises(steps: list[tuple[bool, bytes | int, bool]], with_keys: bool) -> None:
    keys = KeyLog.parse(recorded(TLS_1_3)[0].keylog, "k") if with_keys else None
    whole, split = TlsConnection(keys), TlsConnection(keys)
    for frame, (from_client, step, start) in enumerate(steps):
        if isinstance(step, int):
            assert whole.gap(from_client, step, frame, frame) == split.gap(from_client, step, frame, frame)
            continue
        found: list[TlsEvent] = []
        for position in range(len(step)):
            part = step[position : position + 1]
            found += split.receive(from_client, part, frame, frame, segment_start=start and not position)
        assert whole.receive(from_client, step, frame, frame, segment_start=start) == found
    for from_client in (True, False):
        assert whole.wants(from_client) == split.wants(from_client)
        assert whole.finish(from_client) == split.finish(from_client)


def test_a_long_stream_is_not_kept() -> None:
    connection = TlsConnection()
    connection.receive(False, tls_record(22, message(2, server_hello())), 1, 1, segment_start=True)
    huge = message(11, certificate_message(b"c" * 900_000))
    for start in range(0, len(huge), 16_000):
        connection.receive(False, tls_record(22, huge[start : start + 16_000]), 1, 1)
    found = connection.receive(False, tls_record(22, b"\x0b\xff\xff\xff"), 2, 2)
    assert kinds(found) == ["Damage>"]
