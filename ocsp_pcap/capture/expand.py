"""Arguments of the command line, resolved to captures: files, directories, globs, URLs and standard input."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from ocsp_pcap.capture.errors import CaptureError
from ocsp_pcap.capture.formats import is_capture
from ocsp_pcap.capture.source import CaptureSource, counted, natural_order, read_head, reason
from ocsp_pcap.capture.views import named_view, views


def is_url(name: str) -> bool:
    """Tell a URL from a path."""
    return "://" in name


def source_named(name: str) -> CaptureSource:
    """Return the one file that a path or URL names, without a look at it.

    Raise CaptureError where nothing can be opened by such a URL.
    """
    if is_url(name):
        from ocsp_pcap.capture.remote import remote_source

        return remote_source(name)
    return CaptureSource(name, Path(name))


def identity_of(name: str) -> str:
    """Return what is equal for all names of one file, whether or not it is there."""
    try:
        return source_named(name).identity
    except CaptureError:
        return name


def expand(arguments: Sequence[str]) -> list[CaptureSource]:
    """Resolve command-line arguments to captures, in order, each file once.

    An argument is a file, a directory (its direct files that are captures by content, in natural
    order), a glob (likewise), a URL of any of these or ``-``. Raises CaptureError for one that yields
    nothing.
    """
    sources: dict[str, CaptureSource] = {}
    for argument in arguments:
        for source in _expand_one(argument):
            sources.setdefault(source.identity, source)
    return list(sources.values())


def _expand_one(argument: str) -> list[CaptureSource]:
    if argument == "-":
        return [CaptureSource("-", None)]
    if is_url(argument):
        from ocsp_pcap.capture.remote import expand_url

        return expand_url(argument)
    path = Path(argument)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        if glob.has_magic(argument):
            return _expand_glob(argument)
        if (view := named_view(argument)) is not None:
            return [view]
        raise CaptureError(f"{argument}: no such file or directory.") from error
    except (OSError, ValueError) as error:
        raise CaptureError(f"{argument}: {reason(error)}.") from error
    if not stat.S_ISDIR(mode):
        return views(CaptureSource(argument, path))
    try:
        names = [str(entry) for entry in path.iterdir()]
    except OSError as error:
        raise CaptureError(f"{argument}: {reason(error)}.") from error
    captures = _captures(names)
    if not captures:
        raise CaptureError(f"{argument}: this directory holds no captures ({counted(names)} looked at).")
    return captures


def _expand_glob(pattern: str) -> list[CaptureSource]:
    names = glob.glob(pattern, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not names:
        raise CaptureError(f"{pattern}: no file matches.")
    captures = _captures(names)
    if not captures:
        raise CaptureError(f"{pattern}: {counted(names)} matched, none of them a capture.")
    return captures


def _captures(names: Sequence[str]) -> list[CaptureSource]:
    """Keep the regular files that are captures, and those that cannot be read: opening them tells why."""
    sources = [
        CaptureSource(name, Path(name)) for name in sorted(names, key=natural_order) if Path(name).is_file()
    ]
    return [view for source in sources if _may_be_capture(source) for view in views(source)]


def _may_be_capture(source: CaptureSource) -> bool:
    assert source.path is not None
    if not os.access(source.path, os.R_OK):
        return True
    try:
        with source.open() as stream:
            return is_capture(read_head(stream))
    except CaptureError:
        return False
