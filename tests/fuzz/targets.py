"""Targets of fuzzing: one function a parser; any exception that the parser does not document is a fault."""

from __future__ import annotations

import contextlib
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

Target = Callable[[bytes], object]

TARGETS: Final[dict[str, Target]] = {}


def _target(function: Target) -> Target:
    TARGETS[function.__name__.strip("_")] = function
    return function


def _with_file(data: bytes, suffix: str, use: Callable[[Path], object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"input{suffix}"
        path.write_bytes(data)
        use(path)


@_target
def capture(data: bytes) -> None:
    """A capture file, whole, down to its facts."""
    from ocsp_pcap.api import read_facts
    from ocsp_pcap.capture import CaptureError

    with contextlib.suppress(CaptureError):
        _with_file(data, ".pcap", lambda path: read_facts([path]))


@_target
def packets(data: bytes) -> None:
    """A sound capture file around packets that are not: link type, then packets with a length each."""
    from ocsp_pcap.api import read_facts

    if len(data) < 2:
        return
    link_types = (1, 0, 113, 276, 101, 9, 104, 105, 127, 51)
    link_type = link_types[data[0] % len(link_types)]
    file = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link_type)
    at = 1
    while at < len(data):
        packet = data[at + 1 : at + 1 + data[at]]
        file += struct.pack("<IIII", at, 0, len(packet), len(packet)) + packet
        at += 1 + data[at]
    _with_file(file, ".pcap", lambda path: read_facts([path]))


@_target
def reassembly(data: bytes) -> None:
    """Segments of one direction: sequence, length and missing bytes of each."""
    from ocsp_pcap.streams.reassembly import Reassembler

    reassembler = Reassembler(0)
    for frame, at in enumerate(range(0, len(data) - 7, 8), 1):
        sequence, length, missing, kind = struct.unpack_from(">IHBB", data, at)
        if kind < 200:
            reassembler.segment(sequence, bytes(length & 0x7FF), missing, frame, frame)
        elif kind < 230:
            reassembler.acknowledged(sequence, frame, frame)
        else:
            reassembler.finish(sequence, frame, frame)
    reassembler.flush(0, 0)


@_target
def certificate(data: bytes) -> None:
    """A certificate."""
    from ocsp_pcap.pki.certificate import parse_certificate

    parse_certificate(data)


@_target
def crl(data: bytes) -> None:
    """A CRL."""
    from ocsp_pcap.pki.crl import read_crl

    with contextlib.suppress(ValueError):
        read_crl(data)


@_target
def ocsp_request(data: bytes) -> None:
    """An OCSP request, in a body and in a path."""
    from ocsp_pcap.ocsp.request import OcspParseError, parse_request, request_from_path

    with contextlib.suppress(OcspParseError):
        parse_request(data)
    request_from_path(data.decode("latin-1"))


@_target
def ocsp_response(data: bytes) -> None:
    """An OCSP response."""
    from ocsp_pcap.ocsp.response import parse_response

    parse_response(data)


@_target
def dns(data: bytes) -> None:
    """A DNS message."""
    from ocsp_pcap.dns.message import parse_message

    parse_message(data)


@_target
def handshake(data: bytes) -> None:
    """TCP payload of both sides of a connection, in pieces: side and length of each come first."""
    from ocsp_pcap.api import read_facts
    from tests.worst_cases.build import pcap, tcp

    sequence = {True: 1, False: 1}
    frames, at = [], 1
    port = (443, 80, 3128, 25)[data[0] & 3] if data else 443
    while at + 1 < len(data):
        length = data[at] >> 1 << 2
        piece, side = data[at + 1 : at + 1 + length], bool(data[at] & 1)
        frames.append(tcp(0, piece, from_client=side, sequence=sequence[side], port=port))
        sequence[side] += len(piece)
        at += 1 + length
    with tempfile.TemporaryDirectory() as folder:
        read_facts([pcap(Path(folder) / "a.pcap", frames)])


@_target
def key_log(data: bytes) -> None:
    """A key log."""
    from ocsp_pcap.tls.keys import KeyLog

    KeyLog().add(data, "a key log")


@_target
def trace(data: bytes) -> None:
    """A policy trace."""
    from ocsp_pcap.explain.trace import TraceError, load_trace

    with contextlib.suppress(TraceError):
        _with_file(data, ".txt", load_trace)


@_target
def site(data: bytes) -> None:
    """A site file, or a configuration that one is read from."""
    from ocsp_pcap.explain.site import SiteError
    from ocsp_pcap.explain.site.read import load_sites

    with contextlib.suppress(SiteError):
        _with_file(data, ".toml", lambda path: load_sites([path]))


@_target
def stored_facts(data: bytes) -> None:
    """Lines of stored facts."""
    from ocsp_pcap.facts.json import FactsError, facts_from_jsonl

    with contextlib.suppress(FactsError):
        facts_from_jsonl(data.splitlines())


@_target
def expectations(data: bytes) -> None:
    """An expectation file."""
    from ocsp_pcap.explain.expect import ExpectationError, load_expectations

    with contextlib.suppress(ExpectationError):
        _with_file(data, ".toml", load_expectations)
