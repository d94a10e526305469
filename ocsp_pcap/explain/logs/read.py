"""A log file into entries, whichever of the known forms its lines have."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from ocsp_pcap.bounds import BOUNDS, reached
from ocsp_pcap.explain.logs.apache import ApacheReader
from ocsp_pcap.explain.logs.elff import ElffReader
from ocsp_pcap.explain.logs.haproxy import haproxy_line
from ocsp_pcap.explain.logs.model import LogEntry, LogError
from ocsp_pcap.explain.logs.nginx import nginx_line
from ocsp_pcap.explain.logs.squid import squid_line

MAX_QUOTE = 300
GZIP = b"\x1f\x8b"


def load_log(path: Path) -> tuple[LogEntry, ...]:
    """Read a log, also one that is compressed with gzip; several forms may be mixed in it.

    Raises:
        LogError: the file cannot be read, or no line has a form that is known.
    """
    try:
        with path.open("rb") as file:
            found, known = _entries(_lines(file), str(path))
    except OSError as error:
        raise LogError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise LogError(f"{path}: cannot be read: {error}") from error
    if not known:
        raise LogError(
            f"{path}: is no log that is known here: an access.log of Squid, an ELFF log of ProxySG, "
            "<OCSP-UPDATE> lines of HAProxy, an error log of nginx or Apache"
        )
    return tuple(found)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    source: BinaryIO | gzip.GzipFile = file
    if file.peek(2)[:2] == GZIP if hasattr(file, "peek") else False:
        source = gzip.GzipFile(fileobj=file)
    while line := source.readline(BOUNDS.log_line):
        if len(line) == BOUNDS.log_line and not line.endswith(b"\n"):
            reached("log_line")
        yield line


def _entries(lines: Iterator[bytes], path: str) -> tuple[list[LogEntry], bool]:
    elff = ElffReader()
    found: list[LogEntry] = []
    known = False
    readers = [squid_line, ApacheReader().line, nginx_line, haproxy_line, elff.line]
    for number, content in enumerate(lines, 1):
        line = content.decode("utf-8", "replace").rstrip("\r\n")
        for index, read in enumerate(readers):
            fits, entry = read(line)
            if fits:
                known = True
                if index:
                    # Most logs have one form: what fitted last is tried first.
                    readers.insert(0, readers.pop(index))
                if entry is not None and len(found) == BOUNDS.log_entries:
                    reached("log_entries")
                elif entry is not None:
                    text = " ".join(entry.text.split())
                    found.append(replace(entry, path=path, line=number, text=text[:MAX_QUOTE]))
                break
        if not known and number > BOUNDS.unknown_lines:
            break
    return found, known
