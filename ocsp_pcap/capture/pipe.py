"""A pipe that is read without losing a byte where the user interrupts.

A read that has taken bytes must not be left before they are stored: nobody could take them again. So the
waiting for bytes, which may last, is apart from taking them, and only it ends where the user interrupts.
"""

from __future__ import annotations

import io
import select
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias, TypeVar

Value = TypeVar("Value")
Wait: TypeAlias = Callable[[Callable[[], Any]], Any]
"""Calls what may block, and returns what that returns; None: reading is to end."""

GRACE: Final = 1.0
"""Seconds that a pipe is read on for after an interruption, where its writer does not end before: Ctrl-C ends
that, too, which then writes what it held."""
PIPE_SIZE: Final = 1 << 20
"""Bytes: what Linux lets every user have."""


def at_once(call: Callable[[], Value]) -> Value:
    """Call what may block, for as long as it takes."""
    return call()


class ReadEnded(Exception):  # noqa: N818
    """Reading is to end, and no byte was taken."""

    def __init__(self) -> None:
        super().__init__("reading was interrupted")


class File(io.FileIO):
    """A file, or a pipe, of which reads raise ReadEnded some time after :attr:`wait` ended the waiting."""

    def __init__(self, file: int | Path, *, closefd: bool = True) -> None:
        super().__init__(file, closefd=closefd)
        self.wait: Wait = at_once
        self._until: float | None = None
        """When reading is to end, by the monotonic clock."""
        # Windows waits so for nothing but sockets.
        self._poll = None if self.seekable() or not hasattr(select, "poll") else select.poll()
        if self._poll is not None:
            self._poll.register(self, select.POLLIN)
            _widen(self)

    @property
    def waits(self) -> bool:
        """It is a pipe."""
        return self._poll is not None

    @property
    def interrupted(self) -> bool:
        """Waiting was ended."""
        return self._until is not None

    def readinto(self, target: Any) -> int | None:
        """Fill ``target`` as far as bytes are there; 0 means the end."""
        if self._poll is not None and not self._wait_for_bytes(self._poll):
            raise ReadEnded
        return super().readinto(target)

    def _wait_for_bytes(self, poll: select.poll) -> bool:
        if self._until is None:
            if self.wait(partial(poll.poll, None)) is not None:
                return True
            self._until = time.monotonic() + GRACE
        left = self._until - time.monotonic()
        return left > 0 and bool(poll.poll(left * 1000))


def _widen(pipe: File) -> None:
    """Let a pipe hold more, where the system allows that: fewer and larger reads take all of it."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_SIZE)


def below(stream: BinaryIO) -> File | None:
    """Return the pipe that a stream, decompressed or not, reads from; None: a file."""
    below: Any = stream
    while below is not None and not isinstance(below, File):
        below = getattr(below, "raw", None)
    return below if below is not None and below.waits else None
