"""Reading side by side that is ended before its end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.bounds import adjust, set_to
from ocsp_pcap.observe.watch import Value, Watch
from ocsp_pcap.parallel import processes, runs
from ocsp_pcap.parallel.parcel import unpack
from ocsp_pcap.parallel.read_run import Said, read_share
from ocsp_pcap.parallel.runs import Share
from ocsp_pcap.spoken.shared import Shared
from tests.unit.observe.rotated import split

SAMPLES = Path(__file__).resolve().parents[3] / "samples"


class Stops(Watch):
    """The user interrupts while it waits for a file."""

    def __init__(self, after: int) -> None:
        self._after = after

    def wait(self, call: Callable[[], Value]) -> Value | None:
        self._after -= 1
        if self._after < 0:
            self.stopped = True
            return None
        return call()


class StopsAtOnce(Watch):
    """The user interrupts after the first packets."""

    def advance(self, size: int, packets: int) -> None:
        self.stopped = True


class Task:
    """A share that is read when its result is asked for."""

    def __init__(self, read: Callable[[], bytes], *, runs: bool) -> None:
        self._read = read
        self._runs = runs

    def said(self, shared: Shared) -> Said | None:
        said: Said | None = unpack(self._read(), shared)
        return said

    def interrupt(self) -> bool:
        return self._runs


class Workers:
    """The third has begun when the user interrupts, and stops after its first packets; the last has ended."""

    reads_along = False
    shares = 1_000_000

    def __init__(self) -> None:
        self._given = 0

    def submit(self, share: Share) -> Task:
        self._given += 1
        watch = StopsAtOnce() if self._given == 3 else Watch()
        return Task(partial(read_share, share, watch), runs=self._given in (3, 5))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    @contextmanager
    def workers(_: int) -> Iterator[Workers]:
        yield Workers()

    monkeypatch.setattr(processes, "processes", workers)
    monkeypatch.setattr(runs, "LEAST_BYTES", 1)
    return split(SAMPLES / "direct" / "capture.pcap", tmp_path, [30, 60, 90, 120])


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_what_was_found_so_far(after: int, files: list[Path]) -> None:
    """What is not read is missing from the set."""
    told: list[str] = []
    facts = read_facts(files, ReadOptions(jobs=2, watch=Stops(after), warn=told.append))
    (capture,) = facts.captures
    read = sorted({*range(after), 2, 4})
    assert [file.path for file in capture.files] == [str(files[number]) for number in read]
    assert capture.damage is not None
    passed_over = {number for number in read if number and number - 1 not in read}
    for number in range(5):
        assert (f"files before {files[number]} were not read" in capture.damage) == (number in passed_over)
    for number, file in zip(read, capture.files, strict=True):
        damaged = number < 4 and number + 1 not in read
        assert (file.damage is not None and file.damage.endswith("this is a partial result")) == damaged
    left = 5 - len(read)
    words = "1 file" if left == 1 else f"{left} files"
    assert told == [f"reading was interrupted before {words} could be begun."]
    whole = read_facts([files[number] for number in read], ReadOptions(rotation="yes"))
    assert facts.handshakes == whole.handshakes


def test_processes_have_the_bounds_that_were_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is reached there is told as here."""
    monkeypatch.setattr(runs, "LEAST_BYTES", 1)
    captures = []
    for name in ("a", "b"):
        captures.append(tmp_path / f"{name}.pcap")
        captures[-1].write_bytes((SAMPLES / "direct" / "capture.pcap").read_bytes())
    adjust({"certificates": 1})
    try:
        facts = [read_facts(captures, ReadOptions(jobs=jobs, rotation="no")) for jobs in (1, 2)]
    finally:
        set_to({})
    assert facts[0] == facts[1]
    for capture in facts[1].captures:
        assert any("--bound certificates=N" in note for note in capture.notes)


@pytest.mark.parametrize("ends", [signal.SIGKILL, None])
def test_a_process_that_is_killed(ends: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it had to read is read here."""
    monkeypatch.setattr(runs, "LEAST_BYTES", 1)
    files = split(SAMPLES / "direct" / "capture.pcap", tmp_path, [30, 60, 90, 120])
    whole = read_facts(files)
    here, began = os.getpid(), processes.read_share

    def read(share: Share, watch: Watch) -> bytes:
        assert os.getpid() != here
        if ends is not None:
            os.kill(os.getpid(), ends)
        return began(share, watch)

    monkeypatch.setattr(processes, "read_share", read)
    assert read_facts(files, ReadOptions(jobs=3)) == whole
