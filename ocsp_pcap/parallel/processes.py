"""Workers that are processes of this machine."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager

from ocsp_pcap.bounds import adjust, adjusted
from ocsp_pcap.capture import CaptureSource
from ocsp_pcap.observe.watch import Watch
from ocsp_pcap.parallel.side_by_side import FileResult, read_file


class _Processes:
    def __init__(self, pool: ProcessPoolExecutor, count: int) -> None:
        self._pool = pool
        self.count = count

    def submit(self, source: CaptureSource, *, first: bool, last: bool) -> Future[FileResult]:
        return self._pool.submit(_read, source, first, last)


@contextmanager
def processes(count: int) -> Iterator[_Processes]:
    """Open a number of processes that read files."""
    with ProcessPoolExecutor(count, initializer=_begin, initargs=(adjusted(),)) as pool:
        yield _Processes(pool, count)


class _SignalWatch(Watch):
    """Stops when the user interrupts: the signal goes to all processes."""

    def interrupt(self, *_: object) -> None:
        self.stopped = True


_WATCH = _SignalWatch()


def _begin(bounds: dict[str, int]) -> None:
    adjust(bounds)
    signal.signal(signal.SIGINT, _WATCH.interrupt)


def _read(source: CaptureSource, first: bool, last: bool) -> FileResult:
    return read_file(source, first, last, _WATCH)
