"""Display filters, tried on Wireshark itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.report.filters import (
    evidence_filters,
    evidence_transport,
    frames_filter,
    serial_filter,
    stream_filter,
    verdict_filters,
)
from tests.programs import needs_tshark

from .demo import PARENT_PCAP, demo_verdicts

SERIALS = (0x01, 0x80, 0x85AA01, 0x3F38AE853F4822B5DA717302584C83E6443, 0xF82AE3067962795C0300000000CC2426)


def test_texts() -> None:
    assert frames_filter([5]) == "frame.number == 5"
    assert frames_filter([22, 10, 14, 10]) == "frame.number in {10, 14, 22}"
    assert stream_filter(5) == "tcp.stream eq 5"
    assert stream_filter(5, transport="udp") == "udp.stream eq 5"
    assert serial_filter("1") == "ocsp.serialNumber == 01"
    assert serial_filter("85aa01") == "ocsp.serialNumber == 00:85:aa:01"
    assert serial_filter("3f38a") == "ocsp.serialNumber == 03:f3:8a"
    assert serial_filter("0x1 || frame") is None
    assert serial_filter("") is None


def test_quic_is_a_udp_stream() -> None:
    assert evidence_transport([Evidence("a", 1, 2, "QUIC Initial with ClientHello", "udp")]) == "udp"
    assert evidence_transport([Evidence("a", 1, 2, "ClientHello")]) == "tcp"
    (_, conversation) = evidence_filters([Evidence("a", 1, 2, "QUIC Initial", "udp")])
    assert conversation.text == "udp.stream eq 2"


def test_filters_are_grouped_by_capture() -> None:
    evidence = (
        Evidence("a", 9, 2, ""),
        Evidence("b", 4, None, ""),
        Evidence("a", 3, 1, ""),
        Evidence("site", None, None, ""),
    )
    assert [(each.capture, each.text) for each in evidence_filters(evidence)] == [
        ("a", "frame.number in {3, 9}"),
        ("a", "tcp.stream eq 2"),
        ("a", "tcp.stream eq 1"),
        ("b", "frame.number == 4"),
    ]


def test_filters_of_a_verdict() -> None:
    filters = verdict_filters(demo_verdicts()[0])
    assert [each.text for each in filters] == [
        "frame.number in {104, 107, 212, 219} || ocsp.serialNumber == 00:85:aa:01",
        "frame.number in {104, 107, 212, 219}",
        "tcp.stream eq 10",
        "ocsp.serialNumber == 00:85:aa:01",
    ]
    assert filters[0].capture == PARENT_PCAP
    assert filters[-1].capture is None
    assert [each.label for each in verdict_filters(demo_verdicts()[4])] == ["frames", "conversation"]


@pytest.fixture(scope="module")
def queries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of OCSP requests, one TCP stream and one frame each, for the serial numbers."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import ocsp
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Ether
    from scapy.packet import Raw
    from scapy.utils import wrpcap

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "CA")])
    now = datetime.now(UTC)
    frames = []
    for port, serial in enumerate(SERIALS, start=40000):
        builder = x509.CertificateBuilder(name, name, key.public_key(), serial, now, now + timedelta(1))
        certificate = builder.sign(key, SHA256())
        body = ocsp.OCSPRequestBuilder().add_certificate(certificate, certificate, SHA1()).build()
        data = body.public_bytes(Encoding.DER)
        head = (
            "POST / HTTP/1.1\r\nHost: ocsp.test\r\nContent-Type: application/ocsp-request\r\n"
            f"Content-Length: {len(data)}\r\n\r\n"
        )
        segment = TCP(sport=port, dport=80, flags="PA", seq=1, ack=1) / Raw(head.encode() + data)
        frames.append(Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / segment)
    path = tmp_path_factory.mktemp("filters") / "queries.pcap"
    wrpcap(str(path), frames)
    return path


def _select(path: Path, text: str) -> list[int]:
    """Frames that a display filter selects."""
    command = ["tshark", "-n", "-r", str(path), "-Y", text, "-T", "fields", "-e", "frame.number"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [int(line) for line in result.stdout.split()]


@needs_tshark
def test_wireshark_selects_what_was_meant(queries: Path) -> None:
    for frame, serial in enumerate(SERIALS, start=1):
        text = serial_filter(f"{serial:x}")
        assert text is not None
        assert _select(queries, text) == [frame]
    assert _select(queries, frames_filter([2, 4, 5])) == [2, 4, 5]
    assert _select(queries, frames_filter([3])) == [3]
    assert _select(queries, stream_filter(1)) == [2]
    assert _select(queries, stream_filter(0, transport="udp")) == []
