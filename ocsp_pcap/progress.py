"""The progress of reading, on standard error; and Ctrl-C, which ends it with what was found so far."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from ocsp_pcap.observe.watch import Value, Watch

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE: Final = 1.0
"""Seconds after which there is something to see."""


class ReadingWatch(Watch):
    """Shows a bar where there is a terminal, and stops when the user interrupts."""

    def __init__(self, *, terminal: bool) -> None:
        """``terminal``: standard error is one."""
        self._terminal = terminal
        self._waiting = False
        self._size: int | None = None
        self._done = self._packets = 0
        self._began = time.monotonic()
        self._bar: tuple[Progress, TaskID] | None = None

    def expect(self, size: int | None) -> None:
        """Learn how many bytes there are to read."""
        self._size = size

    def advance(self, size: int, packets: int) -> None:
        """Count, and show the count once it takes long."""
        self._done += size
        self._packets += packets
        if self._bar is None and self._terminal and time.monotonic() - self._began > PATIENCE:
            self._bar = _bar(self._size)
        if self._bar is not None:
            progress, task = self._bar
            total = None if self._size is None else max(self._size, self._done)
            progress.update(task, completed=self._done, total=total, packets=self._packets)

    def wait(self, call: Callable[[], Value]) -> Value | None:
        """Return what ``call`` returns; None where the user interrupts it, or did before."""
        try:
            try:
                # First: a signal behind the look at whether it came would wait for bytes, too.
                self._waiting = True
                return None if self.stopped else call()
            finally:
                self._waiting = False
        except KeyboardInterrupt:
            self.stopped = True
            return None

    def interrupt(self, *_: object) -> None:
        """End reading where it can be ended; when it happens again, at once."""
        if self.stopped:
            raise KeyboardInterrupt
        self.stopped = True
        if self._waiting:
            raise KeyboardInterrupt

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar[0].stop()
            self._bar = None


@contextmanager
def watched() -> Iterator[ReadingWatch]:
    """Follow the reading in the block; Ctrl-C does not leave it, but stops the watch."""
    watch = ReadingWatch(terminal=sys.stderr is not None and sys.stderr.isatty())
    here = threading.current_thread() is threading.main_thread()
    before: Any = signal.signal(signal.SIGINT, watch.interrupt) if here else None
    try:
        yield watch
    finally:
        if here:
            signal.signal(signal.SIGINT, before)
        watch.close()


def _bar(size: int | None) -> tuple[Progress, TaskID]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    progress = Progress(
        TextColumn("reading"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[packets]:,} packets"),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = progress.add_task("reading", total=size, packets=0)
    progress.start()
    return progress, task
