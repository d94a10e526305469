from __future__ import annotations

import contextlib
import datetime
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.quic.dtls import MAXIMUM_DATAGRAMS, MAXIMUM_MESSAGES, DtlsConnection
from ocsp_pcap.quic.dtls_records import looks_like_dtls
from ocsp_pcap.tls.events import (
    Alert,
    ApplicationData,
    Certificate,
    CertificateStatus,
    ChangeCipherSpec,
    ClientHello,
    Damage,
    EncryptedHandshake,
    Finished,
    ServerHello,
    TlsEvent,
)

from .test_dtls_records import fragment, record

Datagrams = list[tuple[bool, bytes]]


class Endpoints:
    """openssl s_server and s_client with a relay between them that keeps every datagram."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dtls.example")])
        now = datetime.datetime.now(datetime.UTC)
        hosts = [x509.DNSName(f"host-{i}.dtls.example") for i in range(150)]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
            .sign(key, hashes.SHA256())
        )
        response = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=certificate,
                issuer=certificate,
                algorithm=hashes.SHA1(),
                cert_status=ocsp.OCSPCertStatus.GOOD,
                this_update=now,
                next_update=now + datetime.timedelta(days=1),
                revocation_time=None,
                revocation_reason=None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, certificate)
            .sign(key, hashes.SHA256())
        )
        self.certificate = certificate.public_bytes(serialization.Encoding.DER)
        self.staple = response.public_bytes(serialization.Encoding.DER)
        (folder / "staple.der").write_bytes(self.staple)
        (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (folder / "key.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    def talk(self, version: str, server: tuple[str, ...] = (), client: tuple[str, ...] = ()) -> Datagrams:
        """Shake hands once and send a word."""
        with contextlib.ExitStack() as stack:
            relay = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            outer = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            for one in (relay, outer, probe):
                one.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            probe.close()
            stack.enter_context(
                running(
                    f"openssl s_server -{version} -accept 127.0.0.1:{port} -cert cert.pem -key key.pem"
                    " -status_file staple.der",
                    self.folder,
                    *server,
                )
            )
            time.sleep(0.3)
            seen: Datagrams = []
            stop = threading.Event()
            thread = threading.Thread(target=forward, args=(relay, outer, port, seen, stop))
            thread.start()
            sender = stack.enter_context(
                running(
                    f"openssl s_client -{version} -connect 127.0.0.1:{relay.getsockname()[1]} -status"
                    " -servername dtls.example",
                    self.folder,
                    *client,
                )
            )
            assert sender.stdin is not None
            wait_for(lambda: any(data[0] == 22 and data[3:5] == b"\0\1" for data in records(seen)), sender)
            with contextlib.suppress(BrokenPipeError):
                sender.stdin.write(b"hello\n")
                sender.stdin.flush()
                wait_for(lambda: any(data[0] == 23 for _, data in seen), sender)
            stop.set()
            thread.join()
            return seen


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait until the condition holds; in vain where the process has ended."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None and not condition():
        time.sleep(0.02)


def records(seen: Datagrams) -> Iterator[bytes]:
    """The records of the server, each with what follows it in its datagram."""
    for from_client, data in list(seen):
        offset = 0
        while not from_client and offset + 13 < len(data):
            yield data[offset:]
            offset += 13 + int.from_bytes(data[offset + 11 : offset + 13])


@contextlib.contextmanager
def running(command: str, folder: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [*command.split(), *options],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def forward(
    relay: socket.socket, outer: socket.socket, port: int, seen: Datagrams, stop: threading.Event
) -> None:
    client = None
    relay.settimeout(0.01)
    outer.settimeout(0.01)
    while not stop.is_set():
        with contextlib.suppress(TimeoutError, ConnectionError):
            data, client = relay.recvfrom(65535)
            seen.append((True, data))
            outer.sendto(data, ("127.0.0.1", port))
        with contextlib.suppress(TimeoutError, ConnectionError):
            data = outer.recv(65535)
            seen.append((False, data))
            if client is not None:
                relay.sendto(data, client)


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Endpoints:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return Endpoints(tmp_path_factory.mktemp("dtls"))


@pytest.fixture(scope="module")
def handshake(endpoints: Endpoints) -> Datagrams:
    """DTLS 1.2 with a cookie, and fragments of about 500 bytes."""
    return endpoints.talk("dtls1_2", ("-listen", "-mtu", "500"))


def read(datagrams: Datagrams, hint: bool | None = True) -> tuple[DtlsConnection, list[TlsEvent]]:
    """Feed datagrams as frames 1, 2, …; ``hint`` None: the sender is not told, False: told wrong."""
    connection = DtlsConnection()
    events: list[TlsEvent] = []
    for index, (from_client, data) in enumerate(datagrams):
        told = None if hint is None else from_client is hint
        events += connection.receive(told, data, index + 1, 10 * (index + 1))
    return connection, events


def only(events: list[TlsEvent], kind: type) -> list[TlsEvent]:
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("hint", [True, False])
def test_a_handshake_of_openssl_is_read(endpoints: Endpoints, handshake: Datagrams, hint: bool) -> None:
    assert all(looks_like_dtls(data) for _, data in handshake)
    connection, events = read(handshake, hint)
    (hello,) = only(events, ClientHello)
    assert isinstance(hello, ClientHello)
    assert (hello.server_name, hello.status_request, hello.frame) == ("dtls.example", True, 1)
    assert hello.legacy_version == 0xFEFD
    assert hello.complete
    (answer,) = only(events, ServerHello)
    assert isinstance(answer, ServerHello)
    assert answer.version == 0xFEFD
    assert answer.status_request
    (certificate,) = only(events, Certificate)
    assert isinstance(certificate, Certificate)
    assert certificate.certificates == (endpoints.certificate,)
    assert not certificate.from_client
    assert certificate.frame > answer.frame
    assert [event.responses for event in only(events, CertificateStatus)] == [(endpoints.staple,)]
    assert [event.from_client for event in only(events, ChangeCipherSpec)] == [True, False]
    assert [event.from_client for event in only(events, Finished)] == [True, False]
    assert not only(events, Damage)
    assert connection.finished
    assert not connection.wants(True)
    assert connection.swapped is not hint


def test_the_sender_is_found_without_help(endpoints: Endpoints, handshake: Datagrams) -> None:
    _, events = read(handshake, None)
    assert [event.certificates for event in only(events, Certificate)] == [(endpoints.certificate,)]
    assert len(only(events, CertificateStatus)) == 1


def test_dtls_1_0_is_read(endpoints: Endpoints) -> None:
    weak = ("-cipher", "DEFAULT:@SECLEVEL=0")
    _, events = read(endpoints.talk("dtls1", weak, weak))
    if not only(events, ServerHello):
        pytest.skip("this openssl refuses DTLS 1.0")
    assert len(only(events, ClientHello)) == 1
    assert [event.version for event in only(events, ServerHello)] == [0xFEFF]
    assert len(only(events, Certificate)) == 1


@pytest.mark.parametrize("seed", range(10))
def test_repeated_and_reordered_datagrams_give_the_same(
    endpoints: Endpoints, handshake: Datagrams, seed: int
) -> None:
    plain = [(client, data) for client, data in handshake if data[0] == 22 and data[3:5] == b"\0\0"]
    plain += plain[::3]
    random.Random(seed).shuffle(plain)
    _, events = read(plain)
    assert [event.certificates for event in only(events, Certificate)] == [(endpoints.certificate,)]
    assert len(only(events, ClientHello)) == 1
    assert len(only(events, ServerHello)) == 1


def test_a_lost_fragment_is_told_and_what_came_before_it_is_read(
    endpoints: Endpoints, handshake: Datagrams
) -> None:
    served = [i for i, (client, data) in enumerate(handshake) if not client and data[13] in (2, 11)]
    connection, events = read([one for i, one in enumerate(handshake) if i != served[-1]])
    assert not only(events, Certificate)
    (damage, *rest) = connection.close()
    assert isinstance(damage, Damage)
    assert damage.missing > 0
    assert not only(rest, ClientHello)
    assert connection.finished


def test_another_handshake_on_the_same_ports_is_read(endpoints: Endpoints, handshake: Datagrams) -> None:
    _, events = read(handshake + endpoints.talk("dtls1_2"))
    assert len(only(events, ClientHello)) == 2
    assert len(only(events, Certificate)) == 2


def test_other_protocols_on_the_port_are_passed_over(handshake: Datagrams) -> None:
    mixed: Datagrams = []
    for one in handshake:
        mixed += [
            (True, b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)),
            (False, b"\x80\x60" + bytes(40)),
            one,
        ]
    assert len(only(read(mixed)[1], Certificate)) == 1


def test_alerts_and_data_are_seen() -> None:
    connection = DtlsConnection()
    assert connection.receive(False, record(21, b"\x02\x28"), 1, 0) == [Alert(1, 0, False, 2, 0x28)]
    data = record(23, bytes(40), epoch=1)
    assert connection.receive(True, data, 2, 0) == [ApplicationData(2, 0, True, b"")]
    assert connection.receive(True, data, 3, 0) == []


def test_dtls_1_3_is_encrypted_after_its_hellos() -> None:
    extensions = b"\x00\x2b\x00\x02\xfe\xfc"
    body = b"\xfe\xfd" + bytes(32) + b"\x00\x13\x01\x00" + len(extensions).to_bytes(2) + extensions
    connection = DtlsConnection()
    events = connection.receive(False, record(22, fragment(2, len(body), 0, 0, body)), 1, 0)
    (hello,) = only(events, ServerHello)
    assert isinstance(hello, ServerHello)
    assert hello.version == 0xFEFC
    assert connection.receive(False, b"\x2e\x00\x01\x00\x03abc", 2, 0) == [EncryptedHandshake(2, 0, False)]
    assert connection.receive(True, b"\x2e\x00\x01\x00\x03abc", 3, 0) == [EncryptedHandshake(3, 0, True)]
    assert connection.receive(True, b"\x2f\x00\x01\x00\x03abc", 4, 0) == [ApplicationData(4, 0, True, b"")]
    assert connection.finished


def test_messages_without_end_are_bounded() -> None:
    connection = DtlsConnection()
    events: list[TlsEvent] = []
    for sequence in range(MAXIMUM_MESSAGES + 10):
        events += connection.receive(False, record(22, fragment(11, 9000, sequence, 1, bytes(900))), 1, 0)
    assert len(only(events, Damage)) == 1
    for _ in range(MAXIMUM_DATAGRAMS):
        connection.receive(False, b"\x80\x60", 2, 0)
    assert connection.finished


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damage_never_raises(handshake: Datagrams, data: st.DataObject) -> None:
    connection = DtlsConnection()
    for index, (from_client, datagram) in enumerate(handshake[:14]):
        damaged = bytearray(datagram)
        for _ in range(data.draw(st.integers(0, 3))):
            damaged[data.draw(st.integers(0, min(90, len(damaged) - 1)))] = data.draw(st.integers(0, 255))
        del damaged[data.draw(st.integers(0, 1500)) :]
        hint = data.draw(st.sampled_from((from_client, None, not from_client)))
        connection.receive(hint, bytes(damaged), index + 1, 0)
    connection.close()
