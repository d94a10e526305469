"""The benchmark runs, on tiny captures; no time is asserted."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tiny_captures_give_a_table_and_the_same_certificates(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--size", "3", "--dense", "0.6", "--runs", "1"]
    done = subprocess.run(
        [*command, "--keep", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for shape in ("bulk", "dense"):
        assert (tmp_path / f"{shape}.pcap").stat().st_size > 100_000
    rows = re.findall(r"^│ (ocsp-pcap facts|tshark) +│(.*)│$", done.stdout, re.MULTILINE)
    assert [name for name, _ in rows] == ["ocsp-pcap facts", "tshark"] * 2, done.stdout
    counts = [int(cells.split("│")[4].replace(",", "")) for _, cells in rows]
    assert counts[0] == counts[1] > 0
    assert counts[2] == counts[3] > 10
