"""The headline is the same in every format, and its numbers are those that Wireshark shows."""

from __future__ import annotations

import base64
import binascii
import hashlib
import html
import io
import json
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from rich.console import Console

from ocsp_pcap.crosscheck import CrosscheckUnavailable
from ocsp_pcap.crosscheck.witness import find_tshark
from ocsp_pcap.explain.headline import counts
from ocsp_pcap.facts.json import dumps
from ocsp_pcap.report.html import render_html
from ocsp_pcap.report.json import explanation_to_json
from ocsp_pcap.report.markdown import render_markdown
from ocsp_pcap.report.text import render_text

from .cases import Sample, explanation_of_all, samples

SENT = re.compile(
    r"([\d,]+) OCSP requests? (?:from|handed on for others by) (?:child |parent |client )?(\S+?)[:;.]? "
)
HOW_MANY = r"(?:of |all )?([\d,]+|both|the only) certificates?\b"
WORDS = {"both": "2", "the only": "1"}
RECEIVED = re.compile(r"([\d,]+) OCSP answers? to (?:child |parent |client )?(\S+) ")


@pytest.mark.parametrize("case", samples(), ids=lambda case: case.name)
def test_the_headline_is_the_same_to_the_letter_in_every_format(case: Sample) -> None:
    explanation = explanation_of_all(case)
    headline = explanation.headline
    assert json.loads(dumps(explanation_to_json(explanation)))["headline"] == headline
    for width in (80, 160):
        text = io.StringIO()
        render_text(explanation, console=Console(file=text, width=width))
        assert " ".join(text.getvalue().split()).startswith(headline)
    first = re.search(r"\*\*(.+?)\*\*\n", render_markdown(explanation))
    assert first is not None
    assert re.sub(r"\\(.)|`", r"\1", first[1]) == headline
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", render_html(explanation), re.DOTALL)
    assert heading is not None
    assert html.unescape(re.sub(r"<[^>]*>", "", heading[1])).strip() == headline


@pytest.mark.parametrize("case", samples(), ids=lambda case: case.name)
def test_its_packets_are_those_that_wireshark_counts(case: Sample, tmp_path: Path) -> None:
    try:
        tshark = find_tshark()
    except CrosscheckUnavailable as unavailable:
        pytest.skip(str(unavailable))
    headline = explanation_of_all(case).headline + " "
    keys = tmp_path / "keys"
    keys.write_bytes(b"\n".join(log.read_bytes() for log in case.key_logs))
    seen = [_messages(str(tshark), capture, keys) for capture in case.captures]
    told = SENT.findall(headline)
    for number, address in told:
        # Several captures hold different packets, or the same ones: then one of them holds all.
        counts = [requests.get(address, 0) for requests, _ in seen]
        assert int(number.replace(",", "")) in (sum(counts), max(counts))
    for number, address in RECEIVED.findall(headline):
        counts = [answers.get(address, 0) for _, answers in seen]
        assert int(number.replace(",", "")) in (sum(counts), max(counts))
    if not told:
        assert not any(requests for requests, _ in seen)


def _messages(tshark: str, capture: Path, keys: Path) -> tuple[dict[str, int], dict[str, int]]:
    """OCSP requests by sender and answers by receiver, outside handshakes, as Wireshark dissects them."""
    command = [tshark, "-n", "-r", str(capture), "-T", "fields", "-E", "occurrence=l"]
    command += ["-o", f"tls.keylog_file:{keys}"]
    fields = ("ip.src", "ip.dst", "ocsp.tbsRequest_element", "http.request.full_uri", "http.request.method",
              "ocsp.responseStatus", "http.response.code", "http2.headers.status")  # fmt: skip
    for field in fields:
        command += ["-e", field]
    command += ["-Y", "ocsp || http.request"]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    requests: dict[str, int] = {}
    answers: dict[str, int] = {}
    for line in output.splitlines():
        source, target, asked, url, method, status, code, _ = (line.split("\t") + [""] * 8)[:8]
        if asked or (method == "GET" and _carries_a_request(url)):
            requests[source] = requests.get(source, 0) + 1
        if status and code:
            answers[target] = answers.get(target, 0) + 1
    return requests, answers


def _carries_a_request(url: str) -> bool:
    """A GET has the request as base64 at the end of its path (RFC 6960 A.1)."""
    try:
        tail = unquote(urlsplit(url).path).lstrip("/")
        return base64.b64decode(tail + "=" * (-len(tail) % 4), validate=True)[:1] == b"\x30"
    except (binascii.Error, ValueError):
        return False


@pytest.mark.parametrize("case", samples(), ids=lambda case: case.name)
def test_its_certificates_are_those_that_wireshark_shows(case: Sample, tmp_path: Path) -> None:
    try:
        tshark = find_tshark()
    except CrosscheckUnavailable as unavailable:
        pytest.skip(str(unavailable))
    explanation = explanation_of_all(case)
    keys = tmp_path / "keys"
    keys.write_bytes(b"\n".join(log.read_bytes() for log in case.key_logs))
    received: dict[str, set[str]] = {}
    for capture in case.captures:
        for address, certificates in _leaves(str(tshark), capture, keys).items():
            received.setdefault(address, set()).update(certificates)
    counted = [verdict for verdict in explanation.verdicts if counts(verdict)]
    for address in {verdict.validator.address for verdict in counted}:
        rows = [verdict for verdict in counted if verdict.validator.address == address]
        visible = {v.certificate.sha256 for v in rows if v.certificate and v.chain_role == "leaf"}
        assert visible == received.get(address, set()), address
        told = re.findall(rf"{re.escape(address)}[^.]*?{HOW_MANY}", explanation.headline)
        assert {WORDS.get(number, number) for number in told} <= {f"{len(rows):,}"}, address


def _leaves(tshark: str, capture: Path, keys: Path) -> dict[str, set[str]]:
    """SHA-256 of the leaf certificates that each address received, as Wireshark dissects them."""
    command = [tshark, "-n", "-r", str(capture), "-T", "fields", "-E", "occurrence=f"]
    fields = ("tls.handshake.certificate", "dtls.handshake.certificate")
    command += ["-o", f"tls.keylog_file:{keys}", "-Y", " || ".join(fields)]
    for field in ("ip.dst", *fields):
        command += ["-e", field]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found: dict[str, set[str]] = {}
    for line in output.splitlines():
        address, *certificates = line.split("\t")
        der = bytes.fromhex("".join(certificates).replace(":", ""))
        found.setdefault(address, set()).add(hashlib.sha256(der).hexdigest())
    return found
