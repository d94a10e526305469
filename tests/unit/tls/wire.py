"""Handshakes of the OpenSSL inside Python, recorded as the bytes that would stand on the wire."""

from __future__ import annotations

import contextlib
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


def identity(kind: str = "rsa") -> Identity:
    """Return a key and a certificate for HOST, always the same ones."""
    return _identity(kind)


@cache
def _identity(kind: str) -> Identity:
    key = (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        if kind == "rsa"
        else ec.generate_private_key(ec.SECP256R1())
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
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
    server_curve: str | None = None
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
    if options.server_curve:
        server.set_ecdh_curve(options.server_curve)
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

    def send(self, sender: ssl.SSLObject, receiver: ssl.SSLObject, data: bytes) -> None:
        """Send data and let it be read."""
        sender.write(data)
        self.flush()
        self.run(lambda: _read(receiver, len(data)))


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
                    pair.send(sender, receiver, data)
                if options.post_handshake:
                    pair.server.verify_client_post_handshake()
                    pair.send(pair.server, pair.client, b"after")
                    pair.send(pair.client, pair.server, b"reply")
                session = pair.client.session
            for side in (pair.client, pair.server):
                with contextlib.suppress(ssl.SSLError):
                    side.unwrap()
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


def bytewise(connection: object, segments: Sequence[tuple[bool, bytes]]) -> list[TlsEvent]:
    """Feed the same segments one byte at a time, with the same frames."""
    found: list[TlsEvent] = []
    for frame, (from_client, data) in enumerate(segments, 1):
        for position in range(len(data)):
            found += connection.receive(  # type: ignore[attr-defined]
                from_client,
                data[position : position + 1],
                frame,
                frame * 1000,
                segment_start=position == 0,
            )
    return found


def kinds(found: Sequence[TlsEvent]) -> list[str]:
    """Return the names of events, with ``<`` from the client and ``>`` from the server where they tell."""
    marks = {True: "<", False: ">", None: ""}
    return [type(event).__name__ + marks[getattr(event, "from_client", None)] for event in found]


def message(kind: int, body: bytes) -> bytes:
    """Put a handshake header before a body."""
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def tls_record(kind: int, fragment: bytes, version: int = 0x0303) -> bytes:
    """Put a record header before a fragment."""
    return bytes((kind,)) + version.to_bytes(2, "big") + len(fragment).to_bytes(2, "big") + fragment


def vector(size: int, content: bytes) -> bytes:
    """Put a length of ``size`` bytes before content."""
    return len(content).to_bytes(size, "big") + content


def extension(kind: int, content: bytes) -> bytes:
    """Encode one extension."""
    return kind.to_bytes(2, "big") + vector(2, content)


def client_hello(*extensions: bytes, session_id: bytes = b"", random: bytes = bytes(range(32))) -> bytes:
    """Return the body of a ClientHello of TLS 1.2 form."""
    suites = vector(2, bytes.fromhex("13011302c02f002f"))
    return b"\x03\x03" + random + vector(1, session_id) + suites + b"\x01\0" + vector(2, b"".join(extensions))


def server_hello(
    *extensions: bytes, version: int = 0x0303, suite: int = 0xC02F, random: bytes = b"s" * 32
) -> bytes:
    """Return the body of a ServerHello."""
    return (
        version.to_bytes(2, "big")
        + random
        + b"\0"
        + suite.to_bytes(2, "big")
        + b"\0"
        + vector(2, b"".join(extensions))
    )


def certificate_message(*certificates: bytes) -> bytes:
    """Return the body of a Certificate in the form of RFC 5246 7.4.2."""
    return vector(3, b"".join(vector(3, certificate) for certificate in certificates))


def certificate_message_13(*entries: tuple[bytes, bytes]) -> bytes:
    """Return the body of a Certificate in the form of RFC 8446 4.4.2: (certificate, extensions)."""
    return b"\0" + vector(3, b"".join(vector(3, der) + vector(2, extensions) for der, extensions in entries))
