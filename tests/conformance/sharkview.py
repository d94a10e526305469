"""Single frames as Wireshark shows them, and what must be there for a piece of evidence to be true."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ocsp_pcap.crosscheck.witness import PREFERENCES, find_tshark
from ocsp_pcap.explain.model import Evidence

FIELDS = (
    "frame.number",
    "ip.src",
    "ip.dst",
    "tcp.stream",
    "udp.stream",
    "tls.handshake.type",
    "dtls.handshake.type",
    "ocsp.tbsRequest_element",
    "ocsp.responseStatus",
    "dns.qry.name",
    "dns.flags.rcode",
    "http.request.method",
    "http.request.full_uri",
    "http.response.code",
    "tcp.flags.syn",
    "tcp.flags.ack",
    "tls.alert_message.desc",
    "dtls.alert_message.desc",
    "tls.record.content_type",
    "tls.record.opaque_type",
)
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, CERTIFICATE_STATUS, COMPRESSED_CERTIFICATE = (
    "1",
    "2",
    "11",
    "22",
    "25",
)
APPLICATION_DATA = "23"
RESPONSE_STATUSES = {"tryLater": "3", "unauthorized": "6", "malformedRequest": "1", "internalError": "2"}

Frame = dict[str, frozenset[str]]
"""Field to all its values in one frame."""


@cache
def frames(capture: Path, key_logs: tuple[Path, ...] = ()) -> dict[int, Frame]:
    """Return what Wireshark shows in each frame. Raise CrosscheckUnavailable without tshark."""
    preferences = dict(PREFERENCES)
    if key_logs:
        preferences["tls.keylog_file"] = str(key_logs[0])
    command = [find_tshark(), "-n", "-r", str(capture), "-T", "fields", "-E", "separator=/t"]
    for name, value in preferences.items():
        command += ["-o", f"{name}:{value}"]
    for field in FIELDS:
        command += ["-e", field]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert run.stdout, run.stderr
    rows: dict[int, Frame] = {}
    for line in run.stdout.splitlines():
        values = dict(zip(FIELDS, line.split("\t"), strict=True))
        frame = {name: frozenset(value.split(",")) - {""} for name, value in values.items()}
        rows[int(values["frame.number"])] = frame
    return rows


def _handshake(*types: str) -> Callable[[Frame, str], bool]:
    wanted = frozenset(types)
    return lambda frame, _: bool(wanted & (frame["tls.handshake.type"] | frame["dtls.handshake.type"]))


def _request(frame: Frame, _: str) -> bool:
    # A query by GET is in the path of its URL, where Wireshark does not look for it (RFC 6960 A.1).
    return bool(frame["ocsp.tbsRequest_element"]) or "GET" in frame["http.request.method"]


def _request_or_answer(frame: Frame, note: str) -> bool:
    return _request(frame, note) or bool(frame["ocsp.responseStatus"] or frame["http.response.code"])


def _response(frame: Frame, note: str) -> bool:
    status = next((code for name, code in RESPONSE_STATUSES.items() if name in note), "0")
    return status in frame["ocsp.responseStatus"]


def _dns(frame: Frame, note: str) -> bool:
    rcodes = {"NXDOMAIN": "3", "SERVFAIL": "2", "REFUSED": "5"}
    wanted = next((code for name, code in rcodes.items() if name in note), None)
    name = note.split()[2].rstrip(":").lower() if note.startswith("DNS ") and "lookup" not in note else None
    asked = {query.lower() for query in frame["dns.qry.name"]}
    return bool(asked) and (name is None or name in asked) and wanted in (None, *frame["dns.flags.rcode"])


def _syn(frame: Frame, _: str) -> bool:
    return bool(frame["tcp.flags.syn"] & {"1", "True"}) and not frame["tcp.flags.ack"] & {"1", "True"}


def _http_status(frame: Frame, note: str) -> bool:
    return note.split()[1] in frame["http.response.code"]


def _application_data(frame: Frame, _: str) -> bool:
    return APPLICATION_DATA in frame["tls.record.content_type"] | frame["tls.record.opaque_type"]


def _has(*fields: str) -> Callable[[Frame, str], bool]:
    return lambda frame, _: any(frame[field] for field in fields)


class Kind(NamedTuple):
    """What a note says that a frame is, and how Wireshark must show it."""

    name: str
    notes: re.Pattern[str]
    shown: Callable[[Frame, str], bool]


KINDS = tuple(
    Kind(name, re.compile(pattern), shown)
    for name, pattern, shown in (
        (
            "certificate",
            r"(must-staple |intermediate |reissued )?certificate\b|the origin's certificate",
            _handshake(CERTIFICATE, COMPRESSED_CERTIFICATE),
        ),
        (
            "query",
            r"it asks about a leaf|earlier query that failed|[\d.]+ s after a hidden",
            _request_or_answer,
        ),
        (
            "connection",
            r"connection to .* of a proxy",
            _handshake(CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, COMPRESSED_CERTIFICATE),
        ),
        (
            "hidden",
            r"hidden handshake|handshake whose certificate|QUIC past",
            _handshake(CLIENT_HELLO, SERVER_HELLO),
        ),
        (
            "staple",
            r"staple",
            _handshake(CERTIFICATE_STATUS, CERTIFICATE, COMPRESSED_CERTIFICATE),
        ),
        ("OCSP request", r"OCSP (request|query)|asked again|it asks about another", _request),
        ("OCSP response", r"(earlier )?OCSP response|answer, [\d.]+ s later", _response),
        ("HTTP answer", r"HTTP \d", _http_status),
        ("HTTP request", r"CRL |it fetched", _has("http.request.method")),
        ("DNS", r"DNS ", _dns),
        ("SYN", r"SYN |[\da-f.:]+: (unanswered|refused|reset)$", _syn),
        ("ClientHello", r"ClientHello|the same ClientHello", _handshake(CLIENT_HELLO)),
        ("ServerHello", r"ServerHello", _handshake(SERVER_HELLO)),
        ("alert", r"(fatal )?alert ", _has("tls.alert_message.desc", "dtls.alert_message.desc")),
        ("application data", r"application data", _application_data),
        ("TLS connection", r"TLS connection", _handshake(CLIENT_HELLO, SERVER_HELLO, CERTIFICATE)),
        (
            "handshake",
            r"\d+ bytes of the handshake|only one direction|last message|its last",
            _has("tcp.stream", "udp.stream"),
        ),
    )
)


def kind_of(note: str) -> Kind | None:
    """Return what a note says that its frame is; None: no such note is known."""
    return next((kind for kind in KINDS if kind.notes.match(note)), None)


def untrue(evidence: Evidence, key_logs: Sequence[Path] = ()) -> str | None:
    """Say what Wireshark has against a piece of evidence; None: it shows the same."""
    if evidence.frame is None:
        return None if Path(evidence.capture).is_file() else f"{evidence.capture} is no file: {evidence.note}"
    where = f"{Path(evidence.capture).name} frame {evidence.frame} ({evidence.note})"
    frame = frames(Path(evidence.capture), tuple(key_logs)).get(evidence.frame)
    if frame is None:
        return f"{where}: there is no such frame"
    kind = kind_of(evidence.note)
    if kind is None:
        return f"{where}: nobody told what such a frame must hold"
    if evidence.stream is not None:
        stream = f"{evidence.transport}.stream"
        if str(evidence.stream) not in frame[stream]:
            return f"{where}: not of stream {evidence.stream}"
    if not kind.shown(frame, evidence.note):
        shown = {name: sorted(values) for name, values in frame.items() if values}
        return f"{where}: no {kind.name}, but {shown}"
    return None
