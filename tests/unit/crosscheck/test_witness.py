from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ocsp_pcap.crosscheck.dissection import DissectionOptions
from ocsp_pcap.crosscheck.model import CrosscheckUnavailable
from ocsp_pcap.crosscheck.witness import find_tshark, witness

SAMPLE = Path(__file__).parents[3] / "samples" / "direct" / "capture.pcap"

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def test_tshark_is_found() -> None:
    assert Path(find_tshark()).name == "tshark"


def test_standard_input_is_refused() -> None:
    with pytest.raises(CrosscheckUnavailable, match="standard input"), witness(Path("-")):
        pass


@pytest.mark.parametrize("name", ["missing.pcap", "."])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CrosscheckUnavailable, match="only a file"), witness(tmp_path / name):
        pass


def test_a_file_that_is_no_capture_is_told_in_tsharks_words(tmp_path: Path) -> None:
    path = tmp_path / "text.pcap"
    path.write_text("not a capture\n" * 100)
    with (
        witness(path) as wireshark,
        pytest.raises(CrosscheckUnavailable, match=r"cannot dissect text\.pcap"),
    ):
        wireshark.ask(DissectionOptions())


def test_a_key_log_that_is_missing(tmp_path: Path) -> None:
    logs = [tmp_path / "a.keys", tmp_path / "b.keys"]
    with pytest.raises(CrosscheckUnavailable, match="key logs"), witness(SAMPLE, logs):
        pass


def test_several_key_logs_become_one_file_that_is_removed(tmp_path: Path) -> None:
    logs = [tmp_path / "a.keys", tmp_path / "b.keys"]
    for log in logs:
        log.write_text(f"# {log.name}")
    with witness(SAMPLE, logs) as wireshark:
        joined = Path(wireshark.preferences["tls.keylog_file"])
        assert joined.read_text() == "# a.keys\n# b.keys\n"
        assert wireshark.ask(DissectionOptions()).items
    assert not joined.exists()


def test_without_key_logs_those_of_the_users_preferences_are_not_taken() -> None:
    with witness(SAMPLE) as wireshark:
        assert wireshark.preferences["tls.keylog_file"] == ""
