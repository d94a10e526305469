from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from ocsp_pcap.crosscheck.dissection import DissectionOptions

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

SAMPLE = Path(__file__).parents[3] / "samples" / "direct" / "capture.pcap"


def shark(question: DissectionOptions, path: Path = SAMPLE) -> object:
    from ocsp_pcap.crosscheck.sharks import Shark
    from ocsp_pcap.crosscheck.witness import PREFERENCES, find_tshark

    return Shark(find_tshark(), path, PREFERENCES, question)


def in_thread(work: object) -> None:
    thread = threading.Thread(target=work)  # type: ignore[arg-type]
    thread.start()
    thread.join()


def test_a_config_file_in_the_working_directory_is_not_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = tmp_path / "tshark"
    hostile.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hostile.chmod(0o755)
    (tmp_path / "config.ini").write_text(f"[tshark]\ntshark_path = {hostile}\n")
    monkeypatch.chdir(tmp_path)
    found: list[object] = []
    in_thread(lambda: found.append(shark(DissectionOptions(), SAMPLE.resolve()).dissect()))  # type: ignore[attr-defined]
    assert len(found) == 1
    assert not (tmp_path / "ran").exists()


def test_stopping_leaves_no_process() -> None:
    running = shark(DissectionOptions("frame"))
    running.stop()  # type: ignore[attr-defined]
    in_thread(running.dissect)  # type: ignore[attr-defined]
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_ports_are_decoded_as_told() -> None:
    found: list[object] = []
    question = DissectionOptions(decode_as={"tcp.port==443": "http"}, two_passes=True)
    in_thread(lambda: found.append(shark(question).dissect()))  # type: ignore[attr-defined]
    (dissection,) = found
    assert "client-hello" not in {item.kind for item in dissection.items}  # type: ignore[attr-defined]
    assert "response" in {item.kind for item in dissection.items}  # type: ignore[attr-defined]
