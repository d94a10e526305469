"""Handshakes of the OpenSSL inside Python, recorded as the bytes that would stand on the wire."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from ocsp_pcap.tls.events import TlsEvent

HOST = "host.example"
MSS = 1460


@dataclass
class Identity:
    """A key with a self-signed certificate."""

    pem: str
    der: bytes
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def identity(kind: str = "rsa") -> Identity:
    """Make a key and a certificate for HOST."""
    key = (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        if kind == "rsa"
        else ec.generate_private_key(ec.SECP256R1())
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Identity(pem.decode(), certificate.public_bytes(serialization.Encoding.DER), key)


@dataclass
class Recording:
    """Bytes in the order of the wire, and the key log that the client wrote."""

    flights: list[tuple[bool, bytes]] = field(default_factory=list)
    keylog: bytes = b""
    session: ssl.SSLSession | None = None
    error: str | None = None
    cipher: tuple[str, str, int] | None = None

    def segments(self, size: int = MSS) -> list[tuple[bool, bytes]]:
        """Return the flights cut into segments."""
        return [
            (from_client, data[start : start + size])
            for from_client, data in self.flights
            for start in range(0, len(data), size)
        ]


def _context(server: bool, directory: Path, kind: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    path = directory / f"{kind}.pem"
    path.write_text(identity(kind).pem)
    if server:
        context.load_cert_chain(path)
    else:
        context.load_verify_locations(path)
    return context


@dataclass
class Options:
    """What is unusual about a handshake."""

    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    ciphers: str | None = None
    kind: str = "rsa"
    client_certificate: bool = False
    post_handshake: bool = False
    trusted: bool = True
    alpn: Sequence[str] = ()
    exchange: Sequence[tuple[bool, bytes]] = (
        (True, b"GET / HTTP/1.1\r\n\r\n"),
        (False, b"HTTP/1.1 200 OK\r\n\r\n"),
    )


def contexts(options: Options, directory: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make the contexts of client and server."""
    client = _context(False, directory, options.kind if options.trusted else "ec")
    server = _context(True, directory, options.kind)
    for context in (client, server):
        context.minimum_version = context.maximum_version = options.version
        if options.version < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("ALL:@SECLEVEL=0")
        if options.ciphers:
            context.set_ciphers(options.ciphers + ":@SECLEVEL=0")
        if options.alpn:
            context.set_alpn_protocols(list(options.alpn))
    client.keylog_filename = str(directory / "keys.log")
    if options.client_certificate or options.post_handshake:
        client.load_cert_chain(directory / f"{options.kind}.pem")
        server.load_verify_locations(directory / f"{options.kind}.pem")
        server.verify_mode = ssl.CERT_REQUIRED
    if options.post_handshake:
        client.post_handshake_auth = True
        server.post_handshake_auth = True
    return client, server


class _Pair:
    """A client and a server joined in memory."""

    def __init__(
        self, client: ssl.SSLContext, server: ssl.SSLContext, session: ssl.SSLSession | None
    ) -> None:
        self.recording = Recording()
        self._to_client, self._to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client_out, self.server_out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(self._to_client, self.client_out, server_hostname=HOST, session=session)
        self.server = server.wrap_bio(self._to_server, self.server_out, server_side=True)

    def flush(self) -> bool:
        """Carry what both sides have written; tell whether there was anything."""
        moved = False
        for from_client, out, into in (
            (True, self.client_out, self._to_server),
            (False, self.server_out, self._to_client),
        ):
            data = out.read()
            if data:
                moved = True
                self.recording.flights.append((from_client, data))
                into.write(data)
        return moved

    def run(self, *steps: Callable[[], object]) -> None:
        """Repeat steps until all are done."""
        left = list(steps)
        while left:
            remaining = []
            for step in left:
                try:
                    step()
                except ssl.SSLWantReadError:
                    remaining.append(step)
                except ssl.SSLError as error:
                    self.recording.error = str(error)
                self.flush()
            left = remaining


def record(options: Options | None = None, *, connections: int = 1) -> list[Recording]:
    """Let OpenSSL shake hands with itself, ``connections`` times with the first session resumed."""
    options = options or Options()
    recordings = []
    session: ssl.SSLSession | None = None
    with TemporaryDirectory() as name:
        directory = Path(name)
        client, server = contexts(options, directory)
        for _ in range(connections):
            pair = _Pair(client, server, session)
            pair.run(pair.client.do_handshake, pair.server.do_handshake)
            if pair.recording.error is None:
                pair.recording.cipher = pair.client.cipher()
                for from_client, data in options.exchange:
                    sender, receiver = (
                        (pair.client, pair.server) if from_client else (pair.server, pair.client)
                    )
                    sender.write(data)
                    pair.flush()
                    pair.run(lambda receiver=receiver, data=data: _read(receiver, len(data)))  # type: ignore[misc]
                if options.post_handshake:
                    pair.server.verify_client_post_handshake()
                    pair.server.write(b"after")
                    pair.flush()
                    pair.run(lambda: pair.client.read(5))
                    pair.client.write(b"reply")
                    pair.flush()
                    pair.run(lambda: pair.server.read(5))
                session = pair.client.session
            for side in (pair.client, pair.server):
                try:
                    side.unwrap()
                except ssl.SSLError:
                    pass
                pair.flush()
            recordings.append(pair.recording)
        keylog = (directory / "keys.log").read_bytes() if (directory / "keys.log").exists() else b""
    for recording in recordings:
        recording.keylog = keylog
    return recordings


def _read(side: ssl.SSLObject, size: int) -> None:
    got = 0
    while got < size:
        got += len(side.read(size - got))


def events(connection: object, segments: Sequence[tuple[bool, bytes]]) -> list[TlsEvent]:
    """Feed segments, each as a frame of its own, numbered from 1."""
    found: list[TlsEvent] = []
    for frame, (from_client, data) in enumerate(segments, 1):
        found += connection.receive(from_client, data, frame, frame * 1000, segment_start=True)  # type: ignore[attr-defined]
    return found
