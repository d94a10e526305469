"""Packets in a tunnel, behind tags or labels: read as without them, and numbered as in Wireshark."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ocsp_pcap.api import read_facts
from ocsp_pcap.capture import open_capture
from ocsp_pcap.decode import Decoder
from ocsp_pcap.facts import Facts
from ocsp_pcap.streams.flows import FlowTable

from .wrapping import WRAPPINGS, wrap_capture

SAMPLE = Path(__file__).parents[2] / "samples" / "direct" / "capture.pcap"
TSHARK = shutil.which("tshark")
NOT_IN_WIRESHARK = {
    "mpls-ethernet": "it takes a frame without a control word for one only where it knows both manufacturers"
}


def _told(facts: Facts) -> list[Any]:
    return [
        sorted(
            (h.frames.certificate, h.stream, h.certificates, h.sni)
            for h in facts.handshakes
            if h.certificates
        ),
        sorted((e.frames.request, e.frames.response, e.stream) for e in facts.ocsp_exchanges),
        sorted(certificate.sha256 for certificate in facts.certificates.values()),
        sorted(lookup.frames.request for lookup in facts.dns_lookups if lookup.frames.request),
    ]


@pytest.fixture(scope="module")
def bare() -> list[Any]:
    return _told(read_facts([SAMPLE]))


@pytest.mark.parametrize("name", WRAPPINGS)
def test_a_wrapped_capture_tells_the_same(name: str, bare: list[Any], tmp_path: Path) -> None:
    wrapped = tmp_path / "wrapped.pcap"
    wrap_capture(SAMPLE, wrapped, WRAPPINGS[name])
    facts = read_facts([wrapped])
    assert facts.captures[0].undecoded_packets == 0
    assert _told(facts) == bare


def _ours(path: Path) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """(frame, stream) of each TCP segment and each UDP datagram."""
    decoder, tables = Decoder(), (FlowTable(), FlowTable(udp=True))
    found: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    with open_capture(path) as capture:
        for batch in capture:
            decoded = decoder.decode(batch)
            for columns, table, rows in zip((decoded.tcp, decoded.udp), tables, found, strict=True):
                numbers = table.assign(columns).stream.tolist()
                rows += zip(columns.frame.tolist(), numbers, strict=True)
    return found


def _wiresharks(path: Path) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    fields = ["-e", "frame.number", "-e", "tcp.stream", "-e", "udp.stream"]
    command = [TSHARK or "tshark", "-n", "-r", str(path), "-T", "fields", *fields]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    found: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    for line in lines:
        frame, *columns = line.split("\t")
        for rows, column in zip(found, columns, strict=True):
            rows += [(int(frame), int(number)) for number in column.split(",") if number]
    return found


@pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")
@pytest.mark.parametrize("name", [name for name in WRAPPINGS if name not in NOT_IN_WIRESHARK])
def test_streams_are_wiresharks(name: str, tmp_path: Path) -> None:
    wrapped = tmp_path / "wrapped.pcap"
    wrap_capture(SAMPLE, wrapped, WRAPPINGS[name])
    assert _ours(wrapped) == _wiresharks(wrapped)
