"""Workers that are processes of this machine, forked off this one."""

from __future__ import annotations

import fcntl
import os
import pickle
import select
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, BinaryIO, Final, NoReturn

from ocsp_pcap.observe.watch import Watch
from ocsp_pcap.parallel.parcel import pack, unpack
from ocsp_pcap.parallel.read_run import Said, read_share
from ocsp_pcap.parallel.runs import Share
from ocsp_pcap.spoken.shared import Shared

PIPE_BYTES: Final = 1 << 20
"""What a process may send ahead, where the system lets it: else it waits for this one at each 64 kB."""


@contextmanager
def _interrupted_later() -> Iterator[None]:
    """Have Ctrl-C wait for the end of the block; a process that begins in it has SIGINT blocked."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Child:
    """A process that knows what this one does, and sends it something, as often as it likes."""

    _process = 0

    def __init__(self, send: Callable[..., None], *args: object) -> None:
        """``send`` is called there with the arguments and a file that leads here, and SIGINT blocked."""
        answer, there = os.pipe()
        self._answer = os.fdopen(answer, "rb")
        with suppress(AttributeError, OSError):
            fcntl.fcntl(there, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        # One that the system does not let start is as one that it killed.
        with _interrupted_later(), suppress(OSError):
            self._process = os.fork()
            if not self._process:
                _run(send, args, answer, there)
        # Only the process has it now: where that ends, so does the pipe.
        os.close(there)

    def wait(self) -> None:
        """Wait until there is something to take, or will be nothing more."""
        # Not select, which takes no descriptor from 1024 on: a notebook, or a service, may have as many.
        answers = select.poll()
        answers.register(self._answer, select.POLLIN)
        answers.poll()

    def taken(self, load: Callable[[BinaryIO], Any] = pickle.load) -> Any:
        """Wait for the next that it sends; None: it was killed, as the system does where memory runs out."""
        try:
            return load(self._answer)
        except (EOFError, OSError, pickle.UnpicklingError):
            return None

    def interrupt(self) -> bool:
        """Send it the signal of Ctrl-C."""
        if self._process:
            os.kill(self._process, signal.SIGINT)
        return True

    def close(self) -> None:
        """End it, whatever it does."""
        if self._process:
            os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
            self._process = 0
        self._answer.close()


def _run(send: Callable[..., None], args: Sequence[object], answer: int, there: int) -> NoReturn:
    try:
        # Where the other process is killed nobody reads any more: this one is not to wait for that for ever.
        os.close(answer)
        with suppress(BrokenPipeError, MemoryError), os.fdopen(there, "wb") as file:
            send(*args, file)
    except Exception:
        traceback.print_exc()
    finally:
        # What it has of the other process, such as text that is not yet written, is not its own to write.
        os._exit(0)


class _Task(Child):
    _said: Said | None = None

    def said(self, shared: Shared) -> Said | None:
        if self._said is None:
            self.wait()
            # Ctrl-C may end the waiting, and not the taking: what is taken in part cannot be taken again.
            with _interrupted_later():
                self._said = self.taken(partial(unpack, shared=shared))
        said, self._said = self._said, None
        return said


class _Processes:
    reads_along = True

    def __init__(self, shares: int) -> None:
        self.shares = shares
        self.tasks: list[_Task] = []

    def submit(self, share: Share) -> _Task:
        self.tasks.append(_Task(_read, share))
        return self.tasks[-1]


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


def _read(share: Share, there: BinaryIO) -> None:
    watch = _SignalWatch()
    signal.signal(signal.SIGINT, watch.interrupt)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    pack(read_share(share, watch), there)
