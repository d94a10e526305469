"""The worst cases: each writes, for a size N, what the program is to be run with."""

from __future__ import annotations

import datetime
import gzip
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .build import (
    certificate,
    client_hello,
    ethernet,
    ipv4,
    message,
    pcap,
    record,
    segments,
    server_hello,
    tcp,
    udp,
)


@dataclass(frozen=True, slots=True)
class WorstCase:
    """One way to make a capture cost a lot."""

    name: str
    what: str
    """What is hostile about it, and what N counts."""
    size: int
    make: Callable[[Path, int], list[str]]
    """Writes the input of size N into a folder; returns the arguments of the program."""
    seconds: float = 5.0
    """CPU that size N may cost."""
    megabytes: int = 500


CASES: list[WorstCase] = []


def _case(
    what: str, size: int, *, seconds: float = 5.0, megabytes: int = 500
) -> Callable[[Callable[[Path, int], list[str]]], Callable[[Path, int], list[str]]]:
    def add(make: Callable[[Path, int], list[str]]) -> Callable[[Path, int], list[str]]:
        name = make.__name__.strip("_").replace("_", "-")
        CASES.append(WorstCase(name, what, size, make, seconds, megabytes))
        return make

    return add


def _facts(path: Path) -> list[str]:
    return ["facts", str(path)]


def _explain(path: Path) -> list[str]:
    return ["explain", "--format", "json", str(path)]


@_case("a request line of N spaces", 20_000)
def request_line_of_spaces(folder: Path, size: int) -> list[str]:
    line = b"GET " + b" " * size + b"\x01\r\nHost: a\r\n\r\n"
    return _explain(pcap(folder / "a.pcap", segments(0, line, from_client=True, port=80)))


@_case("headers of N quotes, semicolons and backslashes", 20_000)
def header_values(folder: Path, size: int) -> list[str]:
    request = b"GET http://o.test/MEow HTTP/1.1\r\nHost: o.test\r\nForwarded: for=" + b'"\\' * (size // 2)
    request += b"\r\nVia: " + b" ,;" * (size // 3) + b"\r\n\r\n"
    return _explain(pcap(folder / "a.pcap", segments(0, request, from_client=True, port=80)))


@_case("N packets of GRE in GRE, 40 levels", 2_000)
def gre_in_gre(folder: Path, size: int) -> list[str]:
    packet = ipv4(6, bytes(20))
    for _ in range(40):
        packet = ipv4(47, b"\0\0\x08\0" + packet)
    return _facts(pcap(folder / "a.pcap", (ethernet(0x0800, packet) for _ in range(size))))


@_case("N packets of 16,000 VLAN tags", 200)
def vlan_tags(folder: Path, size: int) -> list[str]:
    frame = ethernet(0x8100, b"\0\7\x81\0" * 16_000 + bytes(40))
    return _facts(pcap(folder / "a.pcap", (frame for _ in range(size))))


@_case("N packets of mixed tunnels in tunnels, behind IPv6 extension headers", 3_000)
def mixed_tunnels(folder: Path, size: int) -> list[str]:
    def frames() -> Iterator[bytes]:
        for number in range(size):
            packet = ipv4(6, bytes(20))
            for level in range(12):
                if number >> level & 1:
                    inside = bytes([4, 0]) + bytes(6) + packet
                    packet = struct.pack(">IHBB", 6 << 28, len(inside), 0, 64) + bytes(32) + inside
                    packet = ipv4(41, packet)
                else:
                    packet = ipv4(47, b"\0\0\x65\x58" + ethernet(0x0800, packet))
            yield ethernet(0x0800, packet)

    return _facts(pcap(folder / "a.pcap", frames()))


@_case("N fragments of datagrams that are never complete", 60_000)
def fragments(folder: Path, size: int) -> list[str]:
    def frames() -> Iterator[bytes]:
        for number in range(size):
            header = struct.pack(
                ">BBHHHBBHII", 0x45, 0, 1020, number & 0xFFFF, 0x2000 | 8000, 64, 6, 0, number >> 16, 5
            )
            yield ethernet(0x0800, header + bytes(1000))

    return _facts(pcap(folder / "a.pcap", frames()))


def _bombs(folder: Path, size: int, algorithm: int, bomb: bytes, expanded: int) -> list[str]:
    def frames() -> Iterator[bytes]:
        for flow in range(size):
            yield from segments(flow, client_hello(flow), from_client=True)
            content = struct.pack(">H", algorithm) + expanded.to_bytes(3, "big")
            content += len(bomb).to_bytes(3, "big") + bomb
            answer = server_hello(flow) + record(22, message(25, content))
            yield from segments(flow, answer, from_client=False)

    return _facts(pcap(folder / "a.pcap", frames()))


@_case("N connections with a brotli certificate bomb", 1_000)
def brotli_bombs(folder: Path, size: int) -> list[str]:
    import brotli

    return _bombs(folder, size, 2, brotli.compress(bytes(1 << 20)), 1 << 20)


@_case("N connections with a zlib certificate bomb", 1_000)
def zlib_bombs(folder: Path, size: int) -> list[str]:
    return _bombs(folder, size, 1, zlib.compress(bytes(1 << 20), 9), 1 << 20)


@_case("N connections with a zstd certificate bomb", 1_000)
def zstd_bombs(folder: Path, size: int) -> list[str]:
    import zstandard

    return _bombs(folder, size, 3, zstandard.compress(bytes(1 << 20), 19), 1 << 20)


def _section() -> bytes:
    section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    return section + struct.pack("<IIHHII", 1, 20, 1, 0, 0, 20)


@_case("N custom blocks of pcapng, compressed", 1_000_000)
def custom_blocks(folder: Path, size: int) -> list[str]:
    path = folder / "a.pcapng.gz"
    with gzip.open(path, "wb", 9) as out:
        out.write(_section())
        block = struct.pack("<IIII", 0x0BAD, 16, 1, 16)
        for _ in range(size // 1000):
            out.write(block * 1000)
    return _facts(path)


@_case("N interface descriptions of pcapng, compressed", 300_000)
def interfaces(folder: Path, size: int) -> list[str]:
    path = folder / "a.pcapng.gz"
    with gzip.open(path, "wb", 9) as out:
        out.write(_section())
        for _ in range(size // 1000):
            out.write(struct.pack("<IIHHII", 1, 20, 1, 0, 0, 20) * 1000)
    return _facts(path)


@_case("a compressed capture of N MB of nothing", 300)
def compressed_nothing(folder: Path, size: int) -> list[str]:
    path = folder / "a.pcap.gz"
    with gzip.open(path, "wb", 1) as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        piece = struct.pack("<IIII", 1_700_000_000, 0, 60_000, 60_000) + bytes(60_000)
        for _ in range(size * 1_000_000 // len(piece)):
            out.write(piece)
    return _facts(path)


def _name(text: str) -> object:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _made(subject: str, issuer: str, serial: int, extensions: bool, responder: str | None = None) -> bytes:
    """A certificate whose signature nobody looks at before its names fit."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    key = _key()
    start = datetime.datetime(2023, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer))  # type: ignore[arg-type]
    builder = builder.public_key(key.public_key()).serial_number(serial)
    builder = builder.not_valid_before(start).not_valid_after(start + datetime.timedelta(days=800))
    if extensions:
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier(serial.to_bytes(20, "big"), None, None), critical=False
        ).add_extension(x509.SubjectKeyIdentifier(serial.to_bytes(20, "big")), critical=False)
    if responder is not None:
        place = x509.UniformResourceIdentifier(responder)
        access = x509.AccessDescription(x509.oid.AuthorityInformationAccessOID.OCSP, place)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


_KEYS: list[object] = []


def _key():  # type: ignore[no-untyped-def]
    from cryptography.hazmat.primitives.asymmetric import ec

    if not _KEYS:
        _KEYS.append(ec.generate_private_key(ec.SECP256R1()))
    return _KEYS[0]


def _chains(size: int, extensions: bool) -> Iterator[bytes]:
    for flow in range(0, size, 16):
        ders = [_made("Same CA", "Same CA", serial + 1, extensions) for serial in range(flow, flow + 16)]
        yield from segments(flow, client_hello(flow), from_client=True)
        yield from segments(flow, server_hello(flow) + certificate(*ders), from_client=False)


@_case("N certificates of one name", 4_000, seconds=8)
def same_named(folder: Path, size: int) -> list[str]:
    return _explain(pcap(folder / "a.pcap", _chains(size, extensions=False)))


@_case("N certificates of one name, with key identifiers", 4_000, seconds=8)
def same_named_with_identifiers(folder: Path, size: int) -> list[str]:
    return _explain(pcap(folder / "a.pcap", _chains(size, extensions=True)))


def _exchange(flow: int, leaf_der: bytes, ca_der: bytes) -> Iterator[bytes]:
    """A query about a certificate over HTTP, and its answer."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509 import ocsp

    start = datetime.datetime(2023, 11, 14, tzinfo=datetime.UTC)
    leaf, ca = x509.load_der_x509_certificate(leaf_der), x509.load_der_x509_certificate(ca_der)
    end, good = start + datetime.timedelta(9), ocsp.OCSPCertStatus.GOOD
    answer = (
        ocsp.OCSPResponseBuilder()
        .add_response(leaf, ca, hashes.SHA1(), good, start, end, None, None)
        .responder_id(ocsp.OCSPResponderEncoding.NAME, ca)
        .sign(_key(), hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )
    query = ocsp.OCSPRequestBuilder().add_certificate(leaf, ca, hashes.SHA1()).build()
    request = query.public_bytes(serialization.Encoding.DER)
    head = b"POST / HTTP/1.1\r\nHost: o.test\r\nContent-Type: application/ocsp-request\r\n"
    post = head + b"Content-Length: %d\r\n\r\n" % len(request) + request
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\n"
    reply += b"Content-Length: %d\r\n\r\n" % len(answer) + answer
    yield from segments(flow, post, from_client=True, port=80)
    yield from segments(flow, reply, from_client=False, port=80)


@_case("N CAs of one name, and N answers of one responder", 2_000, seconds=5)
def same_named_and_answers(folder: Path, size: int) -> list[str]:
    ca = _made("Same CA", "Same CA", 1, extensions=False)

    def frames() -> Iterator[bytes]:
        yield from _chains(size, extensions=False)
        for number in range(size):
            leaf = _made(f"h{number}", "Same CA", number + 10_000, extensions=False)
            yield from _exchange(100_000 + number, leaf, ca)

    return _explain(pcap(folder / "a.pcap", frames()))


@_case("N handshakes and N queries of one client for one certificate", 4_000, seconds=8)
def busy_validator(folder: Path, size: int) -> list[str]:
    ca = _made("CA", "CA", 1, extensions=False)
    leaf = _made("leaf", "CA", 2, extensions=False, responder="http://o.test/")

    def frames() -> Iterator[bytes]:
        chain = certificate(leaf, ca)
        for number in range(size):
            yield from segments(number, client_hello(number), from_client=True)
            yield from segments(number, server_hello(number) + chain, from_client=False)
            yield from _exchange(number, leaf, ca)

    return _explain(pcap(folder / "a.pcap", frames()))


@_case("N TLS connections of one packet each, explained", 60_000, seconds=60, megabytes=250)
def one_packet_flows(folder: Path, size: int) -> list[str]:
    return _explain(pcap(folder / "a.pcap", (tcp(flow, client_hello(flow)) for flow in range(size))))


@_case("N TLS connections of one packet each, as facts", 60_000, seconds=30, megabytes=250)
def one_packet_flows_as_facts(folder: Path, size: int) -> list[str]:
    return _facts(pcap(folder / "a.pcap", (tcp(flow, client_hello(flow)) for flow in range(size))))


@_case("N TLS connections of one packet each, more than are kept", 150_000, seconds=60, megabytes=300)
def one_packet_flows_beyond_the_bound(folder: Path, size: int) -> list[str]:
    return _facts(pcap(folder / "a.pcap", (tcp(flow, client_hello(flow)) for flow in range(size))))


@_case("N TLS connections with an answer and a certificate, explained", 30_000, seconds=30, megabytes=300)
def answered_flows(folder: Path, size: int) -> list[str]:
    der = _made("CA", "CA", 1, extensions=False)

    def frames() -> Iterator[bytes]:
        for flow in range(size):
            yield from segments(flow, client_hello(flow), from_client=True)
            yield from segments(flow, server_hello(flow) + certificate(der), from_client=False)

    return _explain(pcap(folder / "a.pcap", frames()))


@_case("N QUIC connections of one packet each", 20_000, seconds=15, megabytes=300)
def quic_one_packet_flows(folder: Path, size: int) -> list[str]:
    from tests.unit.quic import peers

    first = next(data for from_client, data in peers.exchange(names=1).datagrams if from_client)
    return _facts(pcap(folder / "a.pcap", (udp(flow, first) for flow in range(size))))


@_case("N connections whose handshake message never ends", 20_000, seconds=30)
def unfinished_handshakes(folder: Path, size: int) -> list[str]:
    def frames() -> Iterator[bytes]:
        start = server_hello(1) + record(22, message(11, bytes(1 << 20)))[:200]
        for flow in range(size):
            yield tcp(flow, client_hello(flow))
            yield tcp(flow, start, from_client=False)

    return _facts(pcap(folder / "a.pcap", frames()))


@_case("N connections that hold bytes behind a hole", 4_000, seconds=30)
def holes(folder: Path, size: int) -> list[str]:
    def frames() -> Iterator[bytes]:
        for flow in range(size):
            yield tcp(flow, client_hello(flow))
            yield tcp(flow, server_hello(flow), from_client=False)
        for at in range(60):
            for flow in range(size):
                yield tcp(flow, bytes(1400), from_client=False, sequence=5000 + 1400 * at)

    return _facts(pcap(folder / "a.pcap", frames()))


@_case("N captures of one packet", 800, seconds=15)
def tiny_captures(folder: Path, size: int) -> list[str]:
    for number in range(size):
        pcap(folder / f"{number}.pcap", [tcp(number, client_hello(number))])
    return _facts(folder)
