"""Real QUIC endpoints in memory (aioquic): the datagrams they exchange and the keys they log."""

from __future__ import annotations

import datetime
import functools
import io
from dataclasses import dataclass, field

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ocsp_pcap.quic.connection import QuicConnection
from ocsp_pcap.tls.events import TlsEvent
from ocsp_pcap.tls.keys import KeyLog

pytest.importorskip("aioquic", reason="aioquic, a QUIC implementation, is not installed")

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection as Endpoint
from aioquic.quic.crypto import CryptoPair
from aioquic.quic.packet import encode_quic_retry
from aioquic.tls import CipherSuite

VERSION_1, VERSION_2 = 1, 0x6B3343CF
CLIENT, SERVER = ("192.0.2.1", 50000), ("192.0.2.2", 443)


@dataclass
class Exchange:
    datagrams: list[tuple[bool, bytes]] = field(default_factory=list)
    """(from the client, UDP payload), frame i + 1 at index i."""
    key_log: str = ""
    certificate: bytes = b""

    def keys(self) -> KeyLog:
        return KeyLog.parse(self.key_log.encode(), "aioquic")


@functools.cache
def server_certificate(names: int) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A self-signed certificate; many names make it span several packets."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "quic.example")])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName(f"{host}.example") for host in ("quic", *(f"host-{i}" for i in range(names)))]
            ),
            critical=False,
        )
    )
    return builder.sign(key, hashes.SHA256()), key


@functools.cache
def exchange(
    version: int = VERSION_1,
    server_version: int | None = None,
    suite: CipherSuite = CipherSuite.AES_256_GCM_SHA384,
    connection_id_length: int = 8,
    names: int = 1,
    retry: bool = False,
    alpn: str = "h3",
    server_alpn: str = "h3",
) -> Exchange:
    """Connect, say a word in each direction, close."""
    certificate, key = server_certificate(names)
    log = io.StringIO()
    versions = [version] if server_version is None else [server_version, version]
    client = Endpoint(
        configuration=QuicConfiguration(
            is_client=True,
            alpn_protocols=[alpn],
            server_name="quic.example",
            secrets_log_file=log,
            connection_id_length=connection_id_length,
            cipher_suites=[suite],
            supported_versions=versions,
            original_version=version,
            cadata=certificate.public_bytes(serialization.Encoding.PEM),
        )
    )
    result = Exchange(certificate=certificate.public_bytes(serialization.Encoding.DER))
    now = 0.0
    client.connect(SERVER, now=now)
    original = client.original_destination_connection_id
    retry_id = None
    if retry:
        for data, _ in client.datagrams_to_send(now=now):
            result.datagrams.append((True, data))
        retry_id = bytes(range(20, 33))
        packet = encode_quic_retry(version, retry_id, client.host_cid, original, b"token" * 20)
        result.datagrams.append((False, packet))
        client.receive_datagram(packet, SERVER, now=now)
    server = Endpoint(
        configuration=QuicConfiguration(
            is_client=False,
            alpn_protocols=[server_alpn],
            certificate=certificate,
            private_key=key,
            supported_versions=versions,
        ),
        original_destination_connection_id=original,
        retry_source_connection_id=retry_id,
    )
    for step in range(12):
        now += 0.01
        for from_client, sender, receiver, address in (
            (True, client, server, CLIENT),
            (False, server, client, SERVER),
        ):
            for data, _ in sender.datagrams_to_send(now=now):
                result.datagrams.append((from_client, data))
                receiver.receive_datagram(data, address, now=now)
        if step == 5:
            client.send_stream_data(0, b"ping")
        if step == 8:
            client.close()
    result.key_log = log.getvalue()
    return result


def protected_initial(destination: bytes, payload: bytes, token: bytes = b"", number: int = 0) -> bytes:
    """A client's Initial packet of version 1 with its own keys, no source connection ID."""
    pair = CryptoPair()
    pair.setup_initial(destination, is_client=True, version=VERSION_1)
    header = b"\xc3\x00\x00\x00\x01" + bytes((len(destination),)) + destination + b"\x00"
    header += bytes((len(token),)) + token + (0x4000 + 4 + len(payload) + 16).to_bytes(2)
    return pair.encrypt_packet(header + number.to_bytes(4), payload, number)


def read(
    connection: QuicConnection, datagrams: list[tuple[bool, bytes]], hint: bool = True, close: bool = False
) -> list[TlsEvent]:
    """Feed datagrams as frames 1, 2, …; with ``hint`` false the sender is left for the connection to find."""
    events: list[TlsEvent] = []
    for index, (from_client, data) in enumerate(datagrams):
        events += connection.receive(from_client if hint else None, data, index + 1, 10 * (index + 1))
    return events + (connection.close() if close else [])
