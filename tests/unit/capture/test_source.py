from __future__ import annotations

import gzip
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ocsp_pcap.capture import CaptureError, CaptureSource, expand, open_capture

from .builders import pcap_header, pcap_record, rows_of, section

CAPTURE = pcap_header() + pcap_record(bytes(60)) * 3


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name in ("cap10.pcap", "cap9.pcap", "cap1.bin"):
        (tmp_path / name).write_bytes(CAPTURE)
    (tmp_path / "cap2.pcap").write_bytes(gzip.compress(section()))
    (tmp_path / "notes.pcap").write_text("no capture")
    (tmp_path / "empty.pcap").write_bytes(b"")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "cap.pcap").write_bytes(CAPTURE)
    return tmp_path


def names(sources: list[CaptureSource]) -> list[str]:
    return [Path(source.name).name for source in sources]


def test_a_directory_gives_its_captures_in_natural_order(directory: Path) -> None:
    assert names(expand([str(directory)])) == ["cap1.bin", "cap2.pcap", "cap9.pcap", "cap10.pcap"]


def test_a_glob_gives_the_captures_it_matches(directory: Path) -> None:
    assert names(expand([f"{directory}/*.pcap"])) == ["cap2.pcap", "cap9.pcap", "cap10.pcap"]


def test_a_file_whose_name_looks_like_a_glob_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "cap[1].pcap").write_bytes(CAPTURE)
    assert names(expand([str(tmp_path / "cap[1].pcap")])) == ["cap[1].pcap"]


def test_arguments_keep_their_order_and_files_come_once(directory: Path) -> None:
    first = str(directory / "cap9.pcap")
    assert names(expand([first, "-", str(directory)])) == [
        "cap9.pcap",
        "-",
        "cap1.bin",
        "cap2.pcap",
        "cap10.pcap",
    ]


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("missing.pcap", "no such file or directory"),
        ("notes.pcap/x", "no such file or directory"),
        ("*.cap", "no file matches"),
        ("notes*", "1 file matched, none of them a capture"),
        ("barren", "holds no captures (1 file looked at)"),
        ("a\0b", "null"),
    ],
)
def test_arguments_that_yield_nothing(directory: Path, argument: str, words: str) -> None:
    (directory / "barren").mkdir()
    (directory / "barren" / "file").write_text("text")
    with pytest.raises(CaptureError, match=re.escape(str(directory))) as caught:
        expand([str(directory / argument)])
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"hello\n", "it seems to be a text file"),
        (b"snoop\0\0\0" + bytes(20), "it seems to be a Sun snoop capture"),
        (bytes(range(128, 256)), "its format is unknown"),
        (gzip.compress(b"hello\n"), "it seems to be a text file"),
        (gzip.compress(b""), "its decompressed content is empty"),
        (gzip.compress(CAPTURE)[:12], "cut short"),
    ],
)
def test_files_that_are_no_captures(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(content)
    with pytest.raises(CaptureError, match=r"a\.pcap") as caught:
        open_capture(expand([str(path)])[0])
    assert words in str(caught.value)


def test_a_directory_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="this is a directory"):
        open_capture(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(directory: Path) -> None:
    (directory / "cap9.pcap").chmod(0)
    sources = expand([str(directory)])
    assert "cap9.pcap" in names(sources)
    with pytest.raises(CaptureError, match="no permission to read it"):
        open_capture(sources[2])


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_standard_input(compress: type[bytes]) -> None:
    script = (
        "from ocsp_pcap.capture import expand, open_capture\n"
        "print(sum(len(batch) for batch in open_capture(expand(['-'])[0])))"
    )
    done = subprocess.run([sys.executable, "-c", script], input=compress(CAPTURE), capture_output=True)
    assert (done.stdout, done.stderr) == (b"3\n", b"")


def test_a_replaced_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CAPTURE)))
    assert len(rows_of(open_capture(CaptureSource("-", None)))[0]) == 3
    with pytest.raises(CaptureError, match="standard input is closed"):
        open_capture(CaptureSource("-", None))


def test_compression_is_known_by_content(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(gzip.compress(CAPTURE))
    rows, summary = rows_of(open_capture(path))
    assert (len(rows), summary.size, summary.damage) == (3, len(CAPTURE), None)
