"""The headline is the same in every format, and its certificates are those that Wireshark shows."""

from __future__ import annotations

import hashlib
import html
import io
import json
import re
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from ocsp_pcap.crosscheck import CrosscheckUnavailable
from ocsp_pcap.crosscheck.witness import find_tshark
from ocsp_pcap.explain.headline import counts
from ocsp_pcap.report.html import render_html
from ocsp_pcap.report.json import explanation_to_text
from ocsp_pcap.report.markdown import render_markdown
from ocsp_pcap.report.text import render_text

from .cases import Sample, explanation_of_all, samples

HOW_MANY = r"(?:of |all )?([\d,]+|both|the only) certificates?\b"
WORDS = {"both": "2", "the only": "1"}


@pytest.mark.parametrize("case", samples(), ids=lambda case: case.name)
def test_the_headline_is_the_same_to_the_letter_in_every_format(case: Sample) -> None:
    explanation = explanation_of_all(case)
    headline = explanation.headline
    assert json.loads("".join(explanation_to_text(explanation)))["headline"] == headline
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


@pytest.mark.parametrize("case", samples(), ids=lambda case: case.name)
def test_the_picture_counts_as_the_headline_does(case: Sample) -> None:
    explanation = explanation_of_all(case)
    told = re.findall(r"([\d,]+) OCSP (?:requests? from|answers? to)", explanation.headline)
    drawn = [
        match[1]
        for link in explanation.picture.links
        if (match := re.match(r"([\d,]+) OCSP (?:request|answer)s?:", link.label))
    ]
    assert sum(int(number.replace(",", "")) for number in drawn) == sum(
        int(number.replace(",", "")) for number in told
    )
