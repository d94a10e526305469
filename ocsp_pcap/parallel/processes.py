"""Workers that are processes of this machine."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from ocsp_pcap.bounds import adjusted, set_to
from ocsp_pcap.observe.watch import Watch
from ocsp_pcap.parallel.parcel import unpack
from ocsp_pcap.parallel.read_run import InOrder, Step, read_run
from ocsp_pcap.parallel.runs import Run
from ocsp_pcap.spoken.shared import Shared


class _Processes:
    def __init__(self, pool: ProcessPoolExecutor, count: int) -> None:
        self._pool = pool
        self.count = count

    def submit(self, run: Run) -> _Task:
        return _Task(self._pool.submit(_read, run))


class _Task:
    def __init__(self, future: Future[bytes]) -> None:
        self._future = future
        self.cancel = future.cancel
        self.cancelled = future.cancelled

    def steps(self, shared: Shared) -> list[Step]:
        try:
            steps: list[Step] = unpack(self._future.result(), shared)
        except BrokenProcessPool:
            # One was killed, as the system does where memory runs out: one at a time needs less.
            return [InOrder()]
        return steps


@contextmanager
def processes(count: int) -> Iterator[_Processes]:
    """Open a number of processes that read runs."""
    with ProcessPoolExecutor(count, initializer=_begin, initargs=(adjusted(),)) as pool:
        yield _Processes(pool, count)


class _SignalWatch(Watch):
    """Stops when the user interrupts: the signal goes to all processes."""

    def interrupt(self, *_: object) -> None:
        self.stopped = True


_WATCH = _SignalWatch()


def _begin(bounds: dict[str, int]) -> None:
    set_to(bounds)
    signal.signal(signal.SIGINT, _WATCH.interrupt)


def _read(run: Run) -> bytes:
    return read_run(run, _WATCH)
