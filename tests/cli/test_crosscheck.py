"""The crosscheck command: two witnesses that agree, that do not, or of which one is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import ocsp_pcap.crosscheck
from ocsp_pcap.cli import cli
from ocsp_pcap.crosscheck import CrosscheckResult, Disagreement, KindCount

from .program import CHILD, DIRECT, PARENT, refused, run

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


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
