"""Real captures against what tshark saw in them; skipped where the captures are not there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from struct import unpack_from

import pytest

from ocsp_pcap.streams.events import Data, Gap, StreamEvent
from ocsp_pcap.streams.reassembly import Reassembler
from ocsp_pcap.tls.connection import TlsConnection
from ocsp_pcap.tls.events import ApplicationData, Certificate, ClientHello, Damage, TlsEvent
from ocsp_pcap.tls.keys import KeyLog
from tests.conftest import CORPUS, CORPUS_TABLE

pytestmark = pytest.mark.corpus

CAPTURES = [
    "ja4/badcurveball.pcap",
    "ja4/browsers-x509.pcapng",
    "ja4/chrome-cloudflare-quic-with-secrets.pcapng",
    "ja4/http2-with-cookies.pcapng",
    "ja4/tls-non-ascii-alpn.pcapng",
    "ja4/tls-sni.pcapng",
    "ja4/tls12.pcap",
    "nDPI/443-chrome.pcap",
    "nDPI/443-firefox.pcap",
]


def truth(name: str) -> dict[str, list[dict[str, object]]]:
    for line in CORPUS_TABLE.read_text().splitlines():
        found: dict[str, list[dict[str, object]]] = json.loads(line)
        if found["file"] == name:  # type: ignore[comparison-overlap]
            return found
    pytest.skip(f"{name} is not in the corpus")


def secrets(path: Path) -> KeyLog:
    """Return the TLS keys in the secrets blocks of a little-endian pcapng file."""
    log = KeyLog()
    data = path.read_bytes()
    position = 0
    while data.startswith(b"\x0a\x0d\x0d\x0a") and position + 12 <= len(data):
        kind, length = unpack_from("<II", data, position)
        if kind == 10:
            secret_type, size = unpack_from("<II", data, position + 8)
            if secret_type == 0x544C534B:
                log.add(data[position + 16 : position + 16 + size], "capture")
        position += max(length, 12)
    return log


def tls_events(path: Path, keys: KeyLog | None) -> list[tuple[int, TlsEvent]]:
    """Return (tcp.stream, event) of all TCP streams of a capture."""
    from scapy.layers.inet import IP, TCP
    from scapy.layers.inet6 import IPv6
    from scapy.utils import PcapReader

    streams: dict[
        frozenset[tuple[str, int]], tuple[int, TlsConnection, tuple[str, int], list[Reassembler]]
    ] = {}
    found: list[tuple[int, TlsEvent]] = []

    def deliver(number: int, connection: TlsConnection, parts: list[StreamEvent]) -> None:
        for part in parts:
            client = part.direction == 0
            if isinstance(part, Data):
                told = connection.receive(
                    client, part.data, part.delivered_frame, part.time, segment_start=part.segment_start
                )
                found.extend((number, event) for event in told)
            elif isinstance(part, Gap):
                found.extend((number, e) for e in connection.gap(client, part.length, part.frame, part.time))

    with PcapReader(str(path)) as reader:
        for frame, packet in enumerate(reader, 1):
            if TCP not in packet:
                continue
            network = packet[IP] if IP in packet else packet[IPv6]
            segment = packet[TCP]
            sender, receiver = (network.src, segment.sport), (network.dst, segment.dport)
            key = frozenset((sender, receiver))
            if key not in streams:
                client = sender if segment.sport > segment.dport else receiver
                streams[key] = (len(streams), TlsConnection(keys), client, [Reassembler(0), Reassembler(1)])
            number, connection, client, reassemblers = streams[key]
            reassembler = reassemblers[0 if sender == client else 1]
            if segment.flags & 0x02:
                reassembler.start(segment.seq + 1)
                continue
            header = segment.dataofs * 4
            total = network.len - network.ihl * 4 if IP in packet else network.plen
            payload = bytes(segment.payload)[: total - header]
            if payload:
                deliver(number, connection, reassembler.segment(segment.seq, payload, 0, frame, frame))
    for number, connection, _, reassemblers in streams.values():
        for reassembler in reassemblers:
            deliver(number, connection, reassembler.flush(1 << 30, 0))
        for client in (True, False):
            found.extend((number, event) for event in connection.finish(client))
    return found


@pytest.mark.parametrize("name", CAPTURES)
def test_certificates_and_hellos_are_those_that_tshark_saw(name: str) -> None:
    expected = truth(name)
    found = tls_events(CORPUS / name, secrets(CORPUS / name))
    certificates = {
        (stream, event.frame, hashlib.sha256(der).hexdigest())
        for stream, event in found
        if isinstance(event, Certificate)
        for der in event.certificates
    }
    hellos = {(stream, e.frame, e.server_name) for stream, e in found if isinstance(e, ClientHello)}
    assert certificates == {
        (row["stream"], row["frame"], row["sha256"])
        for row in expected["certificates"]
        if row["transport"] == "tcp"
    }
    assert hellos == {
        (row["stream"], row["frame"], row["sni"])
        for row in expected["client_hellos"]
        if row["transport"] == "tcp"
    }


def test_a_compressed_certificate_with_a_staple_opens_with_the_capture_s_keys() -> None:
    path = CORPUS / "ja4/chrome-cloudflare-quic-with-secrets.pcapng"
    keys = secrets(path)
    found = [event for stream, event in tls_events(path, keys) if stream == 0]
    (certificate,) = (event for event in found if isinstance(event, Certificate))
    assert certificate.frame == 8
    assert certificate.encrypted
    assert [(index, len(response)) for index, response in certificate.staples] == [(0, 279)]
    assert next(event for event in found if isinstance(event, ApplicationData)).data.startswith(
        b"PRI * HTTP/2.0"
    )
    assert not [event for event in found if isinstance(event, Damage)]
    assert keys.use()[0].opened == 1
