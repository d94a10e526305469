"""Captures that are named by URLs, in object stores and the like: fsspec opens them (extra ``cluster``)."""

from __future__ import annotations

import glob
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from ocsp_pcap.capture.errors import CaptureError
from ocsp_pcap.capture.formats import HEAD, compression, is_capture
from ocsp_pcap.capture.source import CaptureSource, counted, natural_order, read_head, reason

FIRST_BLOCK: Final = 1 << 16
"""Bytes of the first request: enough to tell what a file is and when it begins."""
BLOCK: Final = 8 << 20
"""Bytes of each request after it."""
DIRECT: Final = 1 << 20
"""A read of at least so many bytes becomes a request as it is, without a copy."""
CHAIN: Final = "::"
"""Stands between the parts of a URL that names a file in a file, ``zip://egress.pcap::s3://bucket/day.zip``."""


@dataclass(frozen=True, slots=True)
class RemoteCapture(CaptureSource):
    """A capture that a URL names."""

    url: str = ""
    """The URL in the form that is the same for all ways to write it."""
    length: int | None = None
    """Bytes of the file as it is stored, where the storage gave them."""

    @property
    def size(self) -> int | None:
        """Bytes of the file as it is stored; None where that is not known before reading."""
        return self.length

    @property
    def readable_again(self) -> bool:
        """Return True: what storage holds stays there."""
        return True

    @property
    def identity(self) -> str:
        """What is equal for all names of one file."""
        return self.url

    def _open_raw(self) -> io.BufferedReader:
        system, path = _place(self.url, self.name)
        with _refusals(self.name):
            # The reader's blocks are large: a cache between it and the storage would only copy them.
            file = system.open(path, "rb", block_size=BLOCK, cache_type="none")
        return io.BufferedReader(cast("io.RawIOBase", _Blocks(file)), HEAD)


class _Blocks(io.RawIOBase):
    """Reads a file of fsspec by few requests, however little is asked for at a time."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._rest = memoryview(b"")
        self._request = FIRST_BLOCK

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, target: object) -> int:
        """Fill ``target`` (a writable buffer) as far as one request goes; 0 means the end."""
        view = memoryview(target).cast("B")  # type: ignore[arg-type]
        try:
            if not self._rest and len(view) >= DIRECT:
                return int(self._file.readinto(view))
            if not self._rest:
                self._rest = memoryview(self._file.read(self._request))
                self._request = BLOCK
        except OSError:
            raise
        except Exception as error:
            # These file systems raise whatever the libraries below them raise.
            raise OSError(reason(error)) from error
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()


def remote_source(url: str) -> CaptureSource:
    """Return the capture that a URL names, without a look at it; a file of this machine as that.

    Raise CaptureError where nothing can be opened by such a URL.
    """
    system, path = _place(url)
    return _source(url, system, path, {})


def entries(url: str) -> list[str] | None:
    """Return the names of what a directory holds; None: the URL names a file. Raise CaptureError."""
    system, path = _place(url)
    with _refusals(url):
        if system.info(path)["type"] != "directory":
            return None
        return [str(name).rstrip("/").rpartition("/")[2] for name in system.ls(path, detail=False)]


def expand_url(argument: str) -> list[CaptureSource]:
    """Resolve a URL of a file, a directory or a glob as :func:`ocsp_pcap.capture.expand` does a path.

    Raise CaptureError for one that yields nothing.
    """
    system, path = _place(argument)
    system.invalidate_cache()
    found: Mapping[str, Any]
    try:
        info = system.info(path)
    except Exception as error:
        if not glob.has_magic(argument) or CHAIN in argument:
            raise CaptureError(f"{argument}: {reason(error)}.") from error
        with _refusals(argument):
            found = system.glob(path, detail=True)
        if not found:
            raise CaptureError(f"{argument}: no file matches.") from error
        fixed = argument[: next(at for at, letter in enumerate(argument) if letter in "*?[")]
        captures = _captures(fixed[: fixed.rindex("/") + 1], system, found)
        if not captures:
            raise CaptureError(f"{argument}: {counted(found)} matched, none of them a capture.") from error
        return captures
    if info["type"] != "directory":
        return [_source(argument, system, path, info)]
    with _refusals(argument):
        found = {str(each["name"]): each for each in system.ls(path, detail=True)}
    captures = _captures(f"{argument.rstrip('/')}/", system, found)
    if not captures:
        raise CaptureError(f"{argument}: this directory holds no captures ({counted(found)} looked at).")
    return captures


def _captures(folder: str, system: Any, found: Mapping[str, Any]) -> list[CaptureSource]:
    """Keep the files that are captures, and those that cannot be read: opening them tells why.

    ``folder`` is the URL of the directory that all are in, as the user wrote it, with a slash at its end.
    """
    root = str(system._strip_protocol(folder)).rstrip("/")
    files = {
        folder + path.removeprefix(root).lstrip("/"): path
        for path, info in found.items()
        if info["type"] != "directory" and info.get("size") != 0
    }
    names = sorted(files, key=natural_order)
    with _refusals(folder):
        # Where the file system can, all at once.
        heads = system.cat_ranges([files[name] for name in names], 0, HEAD, on_error="return")
    sources = [_source(name, system, files[name], found[files[name]]) for name in names]
    return [source for source, head in zip(sources, heads, strict=True) if _may_be_capture(source, head)]


def _may_be_capture(source: CaptureSource, head: bytes | Exception) -> bool:
    if isinstance(head, Exception):
        return True
    if compression(head) is None:
        return is_capture(head)
    try:
        with source.open() as stream:
            return is_capture(read_head(stream))
    except (CaptureError, OSError):
        return True


def _source(name: str, system: Any, path: str, info: Mapping[str, Any]) -> CaptureSource:
    if "file" in _protocols(system):
        return CaptureSource(name, Path(path))
    url = name if CHAIN in name else str(system.unstrip_protocol(path))
    size = info.get("size")
    return RemoteCapture(name, None, url=url, length=None if size is None else int(size))


def _place(url: str, name: str | None = None) -> tuple[Any, str]:
    """Return the file system that a URL names, and the path in it; ``name`` is what messages call it."""
    name = name or url
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise CaptureError(
            f"{name}: needs fsspec: pip install 'ocsp-pcap[parquet]' or 'ocsp-pcap[cluster]'."
        ) from error
    scheme = url.partition("://")[0]
    try:
        system, path = url_to_fs(url)
    except ImportError as error:
        raise CaptureError(f"{name}: {scheme}:// needs another package: {reason(error)}.") from error
    except ValueError as error:
        raise CaptureError(f"{name}: cannot be opened: {reason(error)}.") from error
    except Exception as error:
        raise CaptureError(f"{name}: {reason(error)}.") from error
    return system, str(system._strip_protocol(path))


def _protocols(system: Any) -> Iterable[str]:
    return (system.protocol,) if isinstance(system.protocol, str) else system.protocol


@contextmanager
def _refusals(name: str) -> Iterator[None]:
    """Make CaptureError of what a file system raises."""
    try:
        yield
    except Exception as error:
        raise CaptureError(f"{name}: {reason(error)}.") from error
