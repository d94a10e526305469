"""Reading side by side that is ended before its end."""

from __future__ import annotations

import errno
import os
import pickle
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.bounds import adjust, set_to
from ocsp_pcap.capture import CaptureSource
from ocsp_pcap.capture.rotation import Member
from ocsp_pcap.observe.watch import Value, Watch
from ocsp_pcap.parallel import processes, runs
from ocsp_pcap.parallel.parcel import pack, unpack
from ocsp_pcap.parallel.read_run import Said, read_share
from ocsp_pcap.parallel.runs import Share
from ocsp_pcap.spoken.shared import Shared
from tests.unit.observe.rotated import split

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
MANY = 1024
"""Descriptors: select takes none of a greater number."""


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

    def __init__(self, read: Callable[[], Said | None], *, runs: bool) -> None:
        self._read = read
        self._runs = runs

    def said(self, shared: Shared) -> Said | None:
        file = BytesIO()
        pack(self._read(), file)
        file.seek(0)
        said: Said | None = unpack(file, shared)
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

    def read(share: Share, watch: Watch) -> Said | None:
        assert os.getpid() != here
        if ends is not None:
            os.kill(os.getpid(), ends)
        return began(share, watch)

    monkeypatch.setattr(processes, "read_share", read)
    assert read_facts(files, ReadOptions(jobs=3)) == whole


def test_a_process_that_the_system_does_not_let_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had to read is read here."""
    monkeypatch.setattr(runs, "LEAST_BYTES", 1)
    files = split(SAMPLES / "direct" / "capture.pcap", tmp_path, [30, 60, 90, 120])
    whole = read_facts(files)

    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(os, "fork", refuse)
    assert read_facts(files, ReadOptions(jobs=3)) == whole


def test_an_interruption_while_an_answer_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is not lost: a part of it could not be taken again."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    unpacked = processes.unpack

    def interrupted(file: BinaryIO, shared: Shared) -> Said:
        signal.raise_signal(signal.SIGINT)
        said: Said = unpacked(file, shared)
        return said

    monkeypatch.setattr(processes, "unpack", interrupted)
    member = Member(CaptureSource("a.pcap", SAMPLES / "direct" / "capture.pcap"))
    try:
        with processes.processes(2) as workers:
            task = workers.submit((runs.Run((member,), first=True, group=1, rotation="auto"),))
            with pytest.raises(KeyboardInterrupt):
                task.said(Shared())
            said = task.said(Shared())
    finally:
        signal.signal(signal.SIGINT, before)
    assert said is not None
    assert [len(steps) for steps in said] == [1]


def test_a_process_that_has_many_files_open() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] != resource.RLIM_INFINITY and before[1] < MANY + 10:
        pytest.skip("this system allows no process so many")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], MANY + 10), before[1]))
    opened = [os.open(os.devnull, os.O_RDONLY)]
    try:
        while opened[-1] < MANY:
            opened.append(os.dup(opened[0]))
        child = processes.Child(pickle.dump, "sent")
        child.wait()
        assert child.taken() == "sent"
        child.close()
    finally:
        for descriptor in opened:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_processes_end_where_the_one_that_began_them_is_killed() -> None:
    code = """
import os, pickle, signal
from ocsp_pcap.parallel.processes import Child
def send(there):
    while True:
        pickle.dump(bytes(1 << 20), there)
children = [Child(send) for _ in range(3)]
print(all(child.taken() for child in children), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        try:
            # The output ends when none of them has it any more.
            told, _ = process.communicate(timeout=60)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert (told, process.returncode) == (b"True\n", -signal.SIGKILL)


def test_an_interruption_while_a_process_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It does not end it, with a traceback, before it knows what to do about it."""
    monkeypatch.setattr(runs, "LEAST_BYTES", 1)
    files = split(SAMPLES / "direct" / "capture.pcap", tmp_path, [30, 60, 90, 120])

    def interrupted() -> int:
        process = began()
        if not process:
            signal.raise_signal(signal.SIGINT)
        return process

    began, before = os.fork, signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(os, "fork", interrupted)
    try:
        facts = read_facts(files, ReadOptions(jobs=2, rotation="yes"))
    finally:
        signal.signal(signal.SIGINT, before)
    (capture,) = facts.captures
    assert len(capture.files) < len(files)
    assert capfd.readouterr().err == ""
