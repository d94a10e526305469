"""A capture that can be opened: a file of this machine, or standard input."""

from __future__ import annotations

import io
import os
import re
import stat
import sys
from collections.abc import Sized
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from ocsp_pcap.capture.decompress import Decompressed
from ocsp_pcap.capture.errors import CaptureError
from ocsp_pcap.capture.formats import HEAD, compression, describe
from ocsp_pcap.capture.pipe import File, ReadEnded, Wait, at_once, below


@dataclass(frozen=True, slots=True)
class CaptureSource:
    """One capture that can be opened: a file, or standard input where ``path`` is None.

    What a URL names is a :class:`ocsp_pcap.capture.remote.RemoteCapture`.
    """

    name: str
    """As the user wrote it, or the file's path below the directory that was named."""
    path: Path | None
    interfaces: frozenset[int] | None = None
    """The interfaces of a pcapng file to which it is limited, from 0 (see :mod:`ocsp_pcap.capture.views`)."""

    @property
    def size(self) -> int | None:
        """Bytes of the file as it is stored; None where that is not known before reading."""
        try:
            return self.path.stat().st_size if self.path is not None and self.path.is_file() else None
        except OSError:
            return None

    @property
    def readable_again(self) -> bool:
        """It is a file, and no pipe."""
        return self.path is not None and self.path.is_file()

    @property
    def identity(self) -> str:
        """What is equal for all names of one file."""
        if self.path is None:
            return "-"
        file = os.path.realpath(self.path)
        return file if self.interfaces is None else f"{file}:{','.join(map(str, sorted(self.interfaces)))}"

    def open(self, wait: Wait = at_once) -> BinaryIO:
        """Open the bytes, decompressed where their content says so; ``wait`` waits for those of a pipe.

        The stream's ``readinto`` never fails for damaged compression: it ends, and
        :func:`stream_damage` then says why. Raises CaptureError where there is nothing to read.
        """
        raw = self._open_raw()
        if (pipe := below(raw)) is not None:
            pipe.wait = wait
        try:
            head = raw.peek(HEAD)[:HEAD]
        except (OSError, ReadEnded) as error:
            raw.close()
            raise CaptureError(f"{self.name}: {reason(error)}.") from error
        if not head:
            raw.close()
            raise CaptureError(f"{self.name}: the file is empty.")
        name = compression(head)
        if name is None:
            return raw
        return cast("BinaryIO", Decompressed(raw, name))

    def _open_raw(self) -> io.BufferedReader:
        if self.path is None:
            return _open_standard_input()
        try:
            if stat.S_ISDIR(self.path.stat().st_mode):
                raise CaptureError(f"{self.name}: this is a directory.")
            return io.BufferedReader(File(self.path), HEAD)
        except OSError as error:
            raise CaptureError(f"{self.name}: {reason(error)}.") from error


def _open_standard_input() -> io.BufferedReader:
    if sys.stdin is None or sys.stdin.closed:
        raise CaptureError("-: standard input is closed.")
    if sys.stdin.isatty():
        raise CaptureError("-: standard input is a terminal; pipe a capture into it.")
    try:
        raw = cast("io.RawIOBase", File(sys.stdin.fileno(), closefd=False))
    except OSError:
        # A test runner may have put an object without a descriptor in its place.
        raw = cast("io.RawIOBase", sys.stdin.buffer)
    return io.BufferedReader(raw, HEAD)


def stream_damage(stream: BinaryIO) -> str | None:
    """Return why a stream from :meth:`CaptureSource.open` ended before its time, or None."""
    return cast("str | None", getattr(stream, "damage", None))


def stored_position(stream: BinaryIO, size: int) -> int:
    """Return how many bytes of the file as it is stored were read, ``size`` of them after decompression."""
    return stream.position if isinstance(stream, Decompressed) else size


def read_head(stream: BinaryIO) -> bytes:
    """Read up to HEAD bytes; fewer only where the stream, or the reading of it, ends."""
    head = b""
    # A read that waits for more than there is would lose it where it is interrupted.
    read = getattr(stream, "read1", stream.read)
    while len(head) < HEAD:
        try:
            data = read(HEAD - len(head))
        except ReadEnded:
            break
        if not data:
            break
        head += data
    return head


def not_a_capture(source: CaptureSource, head: bytes, damage: str | None) -> CaptureError:
    """Make the error that says what ``source``, which starts with ``head``, seems to be instead."""
    if damage:
        return CaptureError(f"{source.name}: {damage}, and what came before is no capture.")
    if not head:
        return CaptureError(f"{source.name}: its decompressed content is empty.")
    what = describe(head)
    seems = f"it seems to be {what}" if what else "its format is unknown"
    return CaptureError(f"{source.name}: neither pcap nor pcapng; {seems}.")


def natural_order(name: str) -> list[tuple[int, int, str]]:
    """Sort key that puts ``cap2`` before ``cap10``: rotated sets come in their order."""
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name)]


def reason(error: Exception) -> str:
    """Return why something could not be opened, in some words that a sentence ends with."""
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, FileNotFoundError):
        if isinstance(error.__cause__, Exception):
            # Over HTTP, fsspec says so of everything.
            return reason(error.__cause__)
        return "no such file or directory"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def counted(names: Sized) -> str:
    """Return how many files there are, in words."""
    return "1 file" if len(names) == 1 else f"{len(names)} files"
