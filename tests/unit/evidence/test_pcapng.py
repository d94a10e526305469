from __future__ import annotations

import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from ocsp_pcap.capture import open_capture
from ocsp_pcap.evidence.pcapng import EvidenceWriter
from tests.unit.capture.builders import rows_of


def test_times_to_the_nanosecond_and_lengths_come_back(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    times = [0, 1, 1_767_323_045_123_456_789, 2**63 - 1]
    with closing(EvidenceWriter(path, "test", "comment")) as writer:
        first, second = writer.add_interface(1, "eth"), writer.add_interface(113, "any")
        for number, time in enumerate(times):
            writer.add_packet((first, second)[number % 2], time, bytes(number + 1), 1500, "c" * number)
    with open_capture(path) as reader:
        found, summary = rows_of(reader)
    assert summary.damage is None
    assert [row[1] for row in found] == times
    assert [row[2:5] for row in found] == [(1, 1500, 1), (2, 1500, 113), (3, 1500, 1), (4, 1500, 113)]


@pytest.mark.skipif(shutil.which("capinfos") is None, reason="capinfos is not installed")
def test_the_section_names_tool_and_sources(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    with closing(EvidenceWriter(path, "ocsp-pcap 1", "é" * 40_000)) as writer:
        writer.add_packet(writer.add_interface(1, "eth"), 1, bytes(60), 60, "comment")
    output = subprocess.run(["capinfos", str(path)], capture_output=True, text=True, check=True).stdout
    assert "ocsp-pcap 1" in output
    assert "ééé" in output
