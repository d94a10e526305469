"""Pipes that are interrupted: what was taken from them is kept, and what still comes is taken."""

from __future__ import annotations

import gzip
import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ocsp_pcap.capture import CaptureError, CaptureReader, CaptureSource, open_capture, pipe
from ocsp_pcap.capture.pipe import File
from ocsp_pcap.observe.watch import Value
from ocsp_pcap.progress import ReadingWatch, watched

from .builders import pcap_header, pcap_record

PACKETS = 100
CONTENT = pcap_header() + b"".join(pcap_record(random.Random(seed).randbytes(90)) for seed in range(PACKETS))
FORMS: dict[str, Callable[[bytes], bytes]] = {"as it is": bytes, "gzip": gzip.compress}


@contextmanager
def piped(content: bytes, *, ends: bool = True) -> Iterator[Path]:
    """Name a pipe that holds some bytes; ``ends``: and will never hold more."""
    there, here = os.pipe()
    try:
        os.write(here, content)
        if ends:
            os.close(here)
        yield Path(f"/dev/fd/{there}")
    finally:
        os.close(there)
        if not ends:
            os.close(here)


def packets(capture: CaptureReader, watch: ReadingWatch) -> int:
    return sum(len(batch) for batch in capture.batches(wait=watch.wait))


class Signalled(File):
    """Its reads take little, and one of them is hit by the signal of Ctrl-C when it has."""

    hit = 0

    def readinto(self, target: Any) -> int | None:
        count = super().readinto(memoryview(target)[:1500])
        Signalled.hit -= 1
        if not Signalled.hit:
            signal.raise_signal(signal.SIGINT)
        return count


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("hit", [1, 2, 3])
def test_no_byte_is_lost_that_was_taken_when_the_signal_came(
    hit: int, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocsp_pcap.capture.source.File", Signalled)
    with piped(FORMS[form](CONTENT)) as path, open_capture(path) as capture, watched() as watch:
        monkeypatch.setattr(Signalled, "hit", hit)
        assert packets(capture, watch) == PACKETS
        assert watch.stopped
        assert capture.summary.damage is None


def test_a_signal_while_packets_are_at_work_leaves_none_in_the_pipe() -> None:
    with piped(CONTENT) as path, open_capture(path, 1024) as capture, watched() as watch:
        found = 0
        for batch in capture.batches(wait=watch.wait):
            found += len(batch)
            if not watch.stopped:
                signal.raise_signal(signal.SIGINT)
        assert found == PACKETS
        assert capture.interrupted


@pytest.mark.parametrize("size", [1, 600])
def test_what_came_is_handed_on_though_the_pipe_stays_open(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a program that writes little, and does not end with this one."""
    monkeypatch.setattr(pipe, "GRACE", 0.5)
    with piped(CONTENT[:600], ends=False) as path, open_capture(path) as capture, watched() as watch:
        here = os.open(path, os.O_WRONLY)
        os.write(here, CONTENT[600 : 600 + size])
        signal.raise_signal(signal.SIGINT)
        assert packets(capture, watch) == (600 + size - 24) // 106
        os.close(here)


class Stopped(ReadingWatch):
    """The user interrupts as soon as something waits."""

    def wait(self, call: Callable[[], Value]) -> Value | None:
        self.interrupt()
        return super().wait(call)


def test_an_interruption_before_anything_came_ends_the_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "GRACE", 0.1)
    with piped(b"", ends=False) as path, pytest.raises(CaptureError, match="interrupted"):
        open_capture(path, wait=Stopped(terminal=False).wait)


@pytest.mark.parametrize("ends", [False, True])
def test_an_interruption_while_the_first_bytes_come(ends: bool) -> None:
    """The writer may have been interrupted, too, and write all that it held."""
    watch = Stopped(terminal=False)
    with piped(CONTENT[:136], ends=ends) as path, open_capture(path, wait=watch.wait) as capture:
        assert packets(capture, watch) == 1
        assert capture.interrupted


def test_the_waiting_may_be_interrupted_to_its_last_step() -> None:
    class Late(ReadingWatch):
        def __setattr__(self, name: str, value: object) -> None:
            if (name, value) == ("_waiting", False) and not self.__dict__.get("stopped", True):
                self.interrupt()
            super().__setattr__(name, value)

    watch = Late(terminal=False)
    watch.__dict__["stopped"] = False
    assert watch.wait(lambda: 1) is None
    assert watch.stopped


def test_the_waiting_may_be_interrupted_from_its_first_step_on() -> None:
    class Early(ReadingWatch):
        came = False

        def __getattribute__(self, name: str) -> Any:
            value = super().__getattribute__(name)
            if name == "stopped" and not Early.came:
                Early.came = True
                self.interrupt()
            return value

    watch = Early(terminal=False)
    assert watch.wait(lambda: pytest.fail("it waits")) is None
    assert watch.stopped


def test_a_file_does_not_wait(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(CONTENT)
    with open_capture(CaptureSource("a.pcap", path)) as capture:
        assert not capture.is_pipe
        assert sum(map(len, capture)) == PACKETS
