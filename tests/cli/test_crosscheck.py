"""The crosscheck command: two witnesses that agree, that do not, or of which one is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import ocsp_pcap.crosscheck
from ocsp_pcap.commands.group import cli
from ocsp_pcap.crosscheck import CrosscheckResult, Disagreement, KindCount
from tests.programs import needs_tshark
from tests.unit.observe.segments import CLIENT, SERVER, Wire, client_hello, opening, write_capture

from .program import CHILD, DIRECT, PARENT, refused, run


@needs_tshark
def test_agreement() -> None:
    result = run("crosscheck", CHILD, PARENT)
    assert (result.status, result.err) == (0, "")
    assert result.out.count("The facts and Wireshark agree") == 2


@needs_tshark
def test_one_capture_is_missing(tmp_path: Path) -> None:
    result = run("crosscheck", DIRECT, tmp_path / "missing.pcap")
    assert result.status == 2
    assert "The facts and Wireshark agree" in result.out
    assert "missing.pcap: no such file" in result.err


def test_only_files_of_this_machine() -> None:
    refused(run("crosscheck", DIRECT.as_uri()), DIRECT.as_uri(), "only a file of this machine will do")


def test_no_tshark(tmp_path: Path) -> None:
    result = run("crosscheck", DIRECT, extra={"PATH": str(tmp_path)})
    assert (result.status, result.out) == (2, "")
    assert "tshark" in result.err


@pytest.mark.parametrize(("explanation", "status"), [(None, 1), ("Wireshark shows it twice", 0)])
def test_disagreement(explanation: str | None, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    difference = Disagreement("certificate", "tcp", 7, 0, "ab", None, explanation)
    result = CrosscheckResult("some.pcap", "4.0", (KindCount("certificate", 0, 1, 0),), (difference,))
    monkeypatch.setattr(ocsp_pcap.crosscheck, "crosscheck", lambda *_, **__: result)
    done = CliRunner().invoke(cli, ["crosscheck", str(DIRECT)])
    assert done.exit_code == status
    assert "frame 7" in done.output


@needs_tshark
def test_bodies_that_their_content_type_does_not_tell_are_explained(tmp_path: Path) -> None:
    capture = tmp_path / "a.pcap"
    content = DIRECT.read_bytes()
    for kind, other in (
        (b"response", b"application/octet-stream "),
        (b"request", b"application/octet-stream"),
    ):
        content = content.replace(b"application/ocsp-" + kind, other)
    capture.write_bytes(content)
    result = run("crosscheck", capture)
    assert (result.status, result.err) == (0, "")
    assert "content type: The HTTP message in frame" in result.out


@needs_tshark
def test_a_certificate_message_that_is_too_long_for_wireshark_is_explained(tmp_path: Path) -> None:
    padding = b"\0" * 70_000
    certificate = b"\x30\x83" + len(padding + b"\4\x83" + bytes(3)).to_bytes(3) + b"\4\x83"
    certificate += len(padding).to_bytes(3) + padding
    chain = len(certificate).to_bytes(3) + certificate
    hello = bytes.fromhex("0303") + bytes(range(32)) + bytes.fromhex("00c02f00")
    first = b"\2" + len(hello).to_bytes(3) + hello
    body = b"\x0b" + (len(chain) + 3).to_bytes(3) + len(chain).to_bytes(3) + chain + b"\x0e\0\0\0"
    records = b"\x16\3\3" + len(first).to_bytes(2) + first
    records += b"".join(
        b"\x16\3\3" + len(body[at : at + 16_000]).to_bytes(2) + body[at : at + 16_000]
        for at in range(0, len(body), 16_000)
    )
    client = client_hello("long.test")
    wires = [*opening(), Wire(CLIENT, "PA", 0, client)]
    for at in range(0, len(records), 1400):
        wires.append(Wire(SERVER, "PA", at, records[at : at + 1400], heard=len(client)))
        wires.append(Wire(CLIENT, "A", len(client), heard=min(at + 1400, len(records))))
    result = run("crosscheck", write_capture(tmp_path / "long.pcap", wires))
    assert (result.status, result.err) == (0, "")
    assert "too long: Wireshark takes the handshake record" in result.out
