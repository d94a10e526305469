"""Captures that URLs name, on file systems of fsspec that need no network."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from fsspec.registry import known_implementations

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.capture import CaptureError, expand, open_capture
from ocsp_pcap.capture.expand import identity_of, source_named
from ocsp_pcap.capture.remote import BLOCK, DIRECT, FIRST_BLOCK

from .builders import pcap_header, pcap_record, rows_of

CAPTURE = pcap_header() + pcap_record(bytes(60)) * 3
LARGE = pcap_header() + pcap_record(bytes(50_000)) * 400
SAMPLES = Path(__file__).resolve().parents[3] / "samples"


class Spied:
    """A file of fsspec that notes how much each request asks for."""

    def __init__(self, file: Any, requests: list[int]) -> None:
        self._file = file
        self._requests = requests

    def readinto(self, target: memoryview) -> int:
        self._requests.append(len(target))
        return int(self._file.readinto(target))

    def read(self, size: int) -> bytes:
        self._requests.append(size)
        return bytes(self._file.read(size))

    def close(self) -> None:
        self._file.close()


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    for name in ("cap10.pcap", "cap9.pcap", "cap1.bin", "deeper/cap.pcap"):
        system.pipe(f"/captures/{name}", CAPTURE)
    system.pipe("/captures/cap2.pcap.gz", gzip.compress(CAPTURE))
    system.pipe("/captures/notes.pcap", b"no capture")
    system.pipe("/captures/empty.pcap", b"")
    yield system
    system.rm("/captures", recursive=True)


@pytest.fixture
def requests(memory: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    noted: list[int] = []
    real = type(memory).open
    monkeypatch.setattr(type(memory), "open", lambda *a, **k: Spied(real(*a, **k), noted))
    return noted


@pytest.mark.parametrize(
    ("argument", "found"),
    [
        ("memory://captures/cap9.pcap", ["memory://captures/cap9.pcap"]),
        (
            "memory://captures",
            [f"memory://captures/{name}" for name in ("cap1.bin", "cap2.pcap.gz", "cap9.pcap", "cap10.pcap")],
        ),
        ("memory:///captures/*.pcap", ["memory:///captures/cap9.pcap", "memory:///captures/cap10.pcap"]),
        ("memory://capt*s/cap1?.pcap", ["memory://captures/cap10.pcap"]),
        ("memory://captures/**/c*p.pcap", ["memory://captures/deeper/cap.pcap"]),
        ("simplecache::memory://captures/cap9.pcap", ["simplecache::memory://captures/cap9.pcap"]),
    ],
)
def test_files_directories_and_globs(memory: Any, argument: str, found: list[str]) -> None:
    sources = expand([argument])
    assert [source.name for source in sources] == found
    for source in sources:
        assert source.readable_again
        assert len(rows_of(open_capture(source))[0]) == 3


def test_a_file_comes_once_however_it_is_written(memory: Any) -> None:
    assert len(expand(["memory://captures/cap9.pcap", "memory:///captures/cap9.*"])) == 1
    assert identity_of("memory://captures/cap9.pcap") == identity_of("memory:///captures/cap9.pcap")
    (source,) = expand(["memory://captures/cap2.pcap.gz"])
    assert source.size == len(gzip.compress(CAPTURE))


def test_a_file_url_is_a_file_of_this_machine(tmp_path: Path) -> None:
    for name in ("cap10.pcap", "cap9.pcap"):
        (tmp_path / name).write_bytes(CAPTURE)
    folder = tmp_path.as_uri()
    sources = expand([folder, f"{folder}/cap*", str(tmp_path / "cap9.pcap")])
    assert [source.name for source in sources] == [f"{folder}/cap9.pcap", f"{folder}/cap10.pcap"]
    assert [source.path for source in sources] == [tmp_path / "cap9.pcap", tmp_path / "cap10.pcap"]


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("memory://captures/missing.pcap", "no such file or directory"),
        ("memory://captures/d**/*.pcap", "Invalid pattern"),
        ("memory://captures/*.cap", "no file matches"),
        ("memory://captures/notes*", "1 file matched, none of them a capture"),
        ("nowhere://bucket/x.pcap", "Protocol not known: nowhere"),
        ("file:///missing/x.pcap", "no such file or directory"),
        ("http://127.0.0.1:1/x.pcap", "127.0.0.1"),
        ("simplecache::memory://captures/*.pcap", "no such file or directory"),
    ],
)
def test_urls_that_yield_nothing(memory: Any, argument: str, words: str) -> None:
    with pytest.raises(CaptureError) as caught:
        expand([argument])
    assert str(caught.value).startswith(f"{argument}: ")
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "words"), [("notes.pcap", "neither pcap nor pcapng"), ("empty.pcap", "the file is empty")]
)
def test_urls_of_what_is_no_capture(memory: Any, name: str, words: str) -> None:
    with pytest.raises(CaptureError, match=words):
        open_capture(f"memory://captures/{name}")


@pytest.mark.parametrize(
    "error", [PermissionError("Access Denied"), RuntimeError("Unable to locate credentials\n?")]
)
def test_what_storage_refuses_is_kept_and_told(
    memory: Any, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> bytes:
        raise error

    monkeypatch.setattr(type(memory), "cat_file", refuse)
    monkeypatch.setattr(type(memory), "open", refuse)
    sources = expand(["memory://captures/*9.pcap"])
    assert len(sources) == 1
    with pytest.raises(
        CaptureError, match=r"cap9\.pcap: (no permission to read it|Unable to locate credentials)\.$"
    ):
        open_capture(sources[0])
    monkeypatch.setattr(type(memory), "info", refuse)
    with pytest.raises(
        CaptureError, match=r"cap9\.pcap: (no permission to read it|Unable to locate credentials)\.$"
    ):
        expand(["memory://captures/cap9.pcap"])


def test_a_storage_that_fails_later_is_damage(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(Spied):
        def read(self, size: int) -> bytes:
            if self._requests:
                raise RuntimeError("connection lost")
            return super().read(size)

        def readinto(self, target: memoryview) -> int:
            raise RuntimeError("connection lost")

    memory.pipe("/captures/large.pcap", LARGE)
    real = type(memory).open
    monkeypatch.setattr(type(memory), "open", lambda *a, **k: Failing(real(*a, **k), []))
    reader = open_capture("memory://captures/large.pcap")
    read = len(rows_of(reader)[0])
    assert read < 400 * 2
    assert "connection lost" in (reader.summary.damage or "")


def test_the_packages_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(known_implementations, "far", {"class": "far_fs.F", "err": "Install farfs"})
    with pytest.raises(CaptureError, match=r"far://x: far:// needs another package: Install farfs\.$"):
        expand(["far://x"])
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(CaptureError, match=r"memory://x: needs fsspec: pip install 'ocsp-pcap\["):
        expand(["memory://x"])


def test_requests_are_large_and_few(memory: Any, requests: list[int]) -> None:
    memory.pipe("/captures/large.pcap", LARGE)
    with open_capture("memory://captures/large.pcap") as reader:
        assert sum(len(batch) for batch in reader) == 400
    assert requests[0] == FIRST_BLOCK
    assert all(size >= DIRECT for size in requests[1:-1])
    assert len(requests) < 4 + 2 * len(LARGE) / BLOCK
    requests.clear()
    noise = np.random.default_rng(1).integers(0, 256, 3 * DIRECT, np.uint8).tobytes()
    memory.pipe(
        "/captures/large.pcap.gz", gzip.compress(pcap_header() + pcap_record(noise[:200_000]) * 100, 0)
    )
    with open_capture("memory://captures/large.pcap.gz") as reader:
        assert sum(len(batch) for batch in reader) == 100
    assert requests[0] == FIRST_BLOCK
    assert set(requests[1:]) == {BLOCK}


def test_a_source_is_not_looked_at_before_it_is_opened() -> None:
    source = source_named("memory://captures/later.pcap")
    assert source.size is None
    with pytest.raises(CaptureError, match="no such file"):
        source.open()


@pytest.mark.parametrize("jobs", [1, 2])
def test_facts_of_urls_are_those_of_files(jobs: int) -> None:
    system = fsspec.filesystem("memory")
    paths = [SAMPLES / name / "capture.pcap" for name in ("direct", "handshake-failed")]
    for path in paths:
        system.pipe(f"/samples/{path.parent.name}.pcap", path.read_bytes())
    urls = [f"memory://samples/{path.parent.name}.pcap" for path in paths]
    found = read_facts(urls, ReadOptions(jobs=jobs))
    assert [capture.path for capture in found.captures] == urls
    there = read_facts([str(path) for path in paths])
    assert found.certificates == there.certificates
    assert len(found.handshakes) == len(there.handshakes) > 0
