"""Rotated sets on the command line."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from .program import run

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
PARENT = SAMPLES / "ocsp-at-parent" / "parent.pcap"


@pytest.fixture
def egress(tmp_path: Path) -> Path:
    """Cut a capture as a rotation would; editcap names files as dumpcap does."""
    editcap = shutil.which("editcap")
    if editcap is None:
        pytest.skip("needs editcap")
    subprocess.run([editcap, "-F", "pcap", "-c", "20", PARENT, tmp_path / "egress.pcap"], check=True)
    return tmp_path


def verdicts(output: str) -> list[tuple[str, str, str, str]]:
    found = json.loads(output)["verdicts"]
    return [(v["host"], v["presence"], v["cause"], v["confidence"]) for v in found]


def test_a_glob_is_one_capture(egress: Path) -> None:
    whole = run("explain", PARENT, "--format", "json")
    cut = run("explain", egress / "egress_*.pcap", "--format", "json")
    assert verdicts(cut.out) == verdicts(whole.out)
    explanation = json.loads(cut.out)
    (capture,) = explanation["captures"]
    paths = [file["path"] for file in capture["files"]]
    assert paths == sorted(map(str, egress.glob("*.pcap")))
    named = {e["capture"] for v in explanation["verdicts"] for e in v["evidence"]}
    assert len(named) > 3
    assert named <= set(paths)


def test_files_in_any_order_and_side_by_side(egress: Path) -> None:
    files = sorted(egress.glob("*.pcap"), reverse=True)
    expected = run("facts", egress).out
    assert run("facts", *files).out == expected
    assert run("facts", *files, "--jobs", "2").out == expected


def test_not_rotated(egress: Path) -> None:
    found = run("facts", egress, "--rotated", "no").out.splitlines()
    captures = [fact for fact in map(json.loads, found) if fact["kind"] == "capture"]
    assert len(captures) == len(list(egress.glob("*.pcap")))
    assert all(capture["files"] == [] for capture in captures)


def test_reports_number_the_files(egress: Path) -> None:
    for form in ("text", "md", "html"):
        shown = run("explain", egress, "--format", form).out.replace("\\", "")
        assert "9 files, 165 packets" in shown
        assert "egress_*.pcap" in shown
        assert "[2] " in shown
        # Frames and filters are those of the file, not of the set.
        assert "[2] 4" in shown or "frame.number in {4, 6, 19}" in shown
    both = run("explain", egress, PARENT).out
    assert "[1.2]" in both
    assert "[2] parent.pcap" in both


def test_roles_of_a_set(egress: Path, tmp_path: Path) -> None:
    options = ("--site", PARENT.parent / "site.toml", "--format", "json")
    child = ("--child", PARENT.parent / "child.pcap")
    whole = run("explain", *child, "--parent", PARENT, *options)
    cut = run("explain", *child, "--parent", egress / "*.pcap", *options)
    assert verdicts(cut.out) == verdicts(whole.out)
    roles = [[v["validator"]["role"] for v in json.loads(r.out)["verdicts"]] for r in (whole, cut)]
    assert roles[0] == roles[1]
    assert {"child", "parent"} <= set(roles[1])


def test_evidence_from_a_set(egress: Path, tmp_path: Path) -> None:
    out = tmp_path / "evidence" / "out.pcapng"
    out.parent.mkdir()
    whole = tmp_path / "evidence" / "whole.pcapng"
    said = run("evidence", egress / "egress_*.pcap", "-o", out).err
    assert "packets that prove something are no longer there" not in said
    run("evidence", PARENT, "-o", whole)
    proving = [run("explain", path, "--format", "json", "--rotated", "no").out for path in (out, whole)]
    assert verdicts(proving[0]) == verdicts(proving[1])


def test_checks_of_a_set(egress: Path) -> None:
    expect = PARENT.parent / "expect.toml"
    options = ("--child", PARENT.parent / "child.pcap", "--site", PARENT.parent / "site.toml")
    done = run("check", *options, "--parent", egress / "egress*", "--expect", expect)
    assert done.status == 0
