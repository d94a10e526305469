"""Workers that are processes of this machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection

from ocsp_pcap.bounds import adjusted, set_to
from ocsp_pcap.observe.watch import Watch
from ocsp_pcap.parallel.parcel import unpack
from ocsp_pcap.parallel.read_run import Said, read_share
from ocsp_pcap.parallel.runs import Share
from ocsp_pcap.spoken.shared import Shared


class _Processes:
    reads_along = True

    def __init__(self, shares: int) -> None:
        self.shares = shares
        self.tasks: list[_Task] = []

    def submit(self, share: Share) -> _Task:
        self.tasks.append(_Task(_read, share, adjusted()))
        return self.tasks[-1]


class Child:
    """A process that sends this one some bytes, as often as it likes."""

    def __init__(self, send: Callable[..., None], *args: object) -> None:
        """``send`` is called there, with what sends behind the arguments."""
        self._answer, there = Pipe(duplex=False)
        self._process = Process(target=send, args=(*args, there), daemon=True)
        self._process.start()
        # Only the process has it now: where that ends, so does the pipe.
        there.close()

    def taken(self) -> bytes | None:
        """Wait for the next that it sends; None: it was killed, as the system does where memory runs out."""
        try:
            return self._answer.recv_bytes()
        except (EOFError, OSError):
            return None

    def interrupt(self) -> bool:
        """Send it the signal of Ctrl-C."""
        if self._process.pid is not None and self._process.is_alive():
            os.kill(self._process.pid, signal.SIGINT)
        return True

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.join()
        self._answer.close()


class _Task(Child):
    def said(self, shared: Shared) -> Said | None:
        taken = self.taken()
        # One at a time needs less memory.
        said: Said | None = None if taken is None else unpack(taken, shared)
        return said


@contextmanager
def processes(count: int) -> Iterator[_Processes]:
    """Read by so many processes, of which this is one."""
    workers = _Processes(count)
    try:
        yield workers
    finally:
        for task in workers.tasks:
            task.close()


class _SignalWatch(Watch):
    """Stops when the user interrupts: the signal goes to all processes."""

    def interrupt(self, *_: object) -> None:
        self.stopped = True


def _read(share: Share, bounds: dict[str, int], answer: Connection) -> None:
    watch = _SignalWatch()
    signal.signal(signal.SIGINT, watch.interrupt)
    set_to(bounds)
    answer.send_bytes(read_share(share, watch))
