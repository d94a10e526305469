"""Files that end the process which decodes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocsp_pcap.tables import TablesError, probe
from ocsp_pcap.tables.read import read_tables
from ocsp_pcap.tables.write import write_tables

from .parts import sample

DEADLY = """
import os, sys
paths = sys.stdin.buffer.read().split(b"\\0")[:-1]
for path in paths:
    if b"crl_fetch" in path:
        os.abort()
    os.write(1, b".")
"""


def test_good_files_and_other_files_end_nothing(tmp_path: Path) -> None:
    write_tables(sample("staples"), tmp_path / "facts")
    (tmp_path / "junk").write_bytes(b"PAR1" * 4)
    files = [tmp_path / "junk", tmp_path / "missing", *sorted((tmp_path / "facts").glob("*/*"))]
    assert probe.Probe(files).deadly() is None
    assert probe.Probe([]).deadly() is None


def test_names_that_are_not_text(tmp_path: Path) -> None:
    assert probe.Probe([tmp_path / "a\nb\udc80"]).deadly() is None


def test_the_deadly_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tables(sample("staples"), tmp_path / "facts")
    script = tmp_path / "script.py"
    script.write_text(DEADLY)
    monkeypatch.setattr(probe, "__file__", str(script))
    with pytest.raises(TablesError, match=r"crl_fetch/part-00000\.parquet: is no readable Parquet file"):
        read_tables(tmp_path / "facts")
