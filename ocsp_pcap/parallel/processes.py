"""Workers that are processes of this machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection

from ocsp_pcap.bounds import adjusted, set_to
from ocsp_pcap.observe.watch import Watch
from ocsp_pcap.parallel.parcel import unpack
from ocsp_pcap.parallel.read_run import Said, read_share
from ocsp_pcap.parallel.runs import Share
from ocsp_pcap.spoken.shared import Shared


@contextmanager
def _interrupted_later() -> Iterator[None]:
    """Have Ctrl-C wait for the end of the block; a process that begins in it has SIGINT blocked."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
        """``send`` is called there, with what sends behind the arguments, and SIGINT blocked."""
        self._answer, there = Pipe(duplex=False)
        self._process = Process(target=_send, args=(send, args, self._answer, there), daemon=True)
        # One that the system does not let start is as one that it killed.
        with _interrupted_later(), suppress(OSError):
            self._process.start()
        # Only the process has it now: where that ends, so does the pipe.
        there.close()

    def wait(self) -> None:
        """Wait until there is something to take, or will be nothing more."""
        self._answer.poll(None)

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
        if self._process.pid is not None:
            self._process.kill()
            self._process.join()
        self._answer.close()


def _send(send: Callable[..., None], args: Sequence[object], answer: Connection, there: Connection) -> None:
    # Where the other process is killed nobody reads any more, and this one is not to wait for that for ever.
    answer.close()
    with suppress(BrokenPipeError, MemoryError):
        send(*args, there)


class _Task(Child):
    _said: Said | None = None

    def said(self, shared: Shared) -> Said | None:
        if self._said is None:
            self.wait()
            # Ctrl-C may end the waiting, and not the taking: what is taken in part cannot be taken again.
            with _interrupted_later():
                taken = self.taken()
                # One at a time needs less memory.
                self._said = None if taken is None else unpack(taken, shared)
        said, self._said = self._said, None
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
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    set_to(bounds)
    answer.send_bytes(read_share(share, watch))
