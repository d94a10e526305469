"""Files read side by side: others read each by itself, and what they tell is put together in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import partial
from itertools import takewhile
from typing import Any, Final, Protocol, TypeAlias

from ocsp_pcap.capture import CaptureError, CaptureSource, open_capture
from ocsp_pcap.capture.rotation import Member
from ocsp_pcap.observe.capture import CaptureObserver
from ocsp_pcap.observe.reading import Show
from ocsp_pcap.observe.watch import Watch
from ocsp_pcap.parallel.one_file import FilePart, join_part, observe_part

AHEAD: Final = 1
"""Files that each worker may be ahead of what is put together: their results wait in memory."""


class Future(Protocol):
    """A result to come, as concurrent.futures and Dask have it."""

    def result(self) -> Any:
        """Wait for the result."""

    def cancel(self) -> Any:
        """Give it up, where it is not yet being worked on."""

    def cancelled(self) -> bool:
        """Tell whether it was given up."""


class Workers(Protocol):
    """Those who read files side by side."""

    @property
    def count(self) -> int:
        """How many they are."""

    def submit(self, source: CaptureSource, *, first: bool, last: bool) -> Future:
        """Have :func:`read_file` called somewhere."""


class InOrderNeeded(Exception):  # noqa: N818 - it is no error
    """Files cannot be read side by side: one bears TLS secrets, which the readers of others do not have."""


FileResult: TypeAlias = FilePart | CaptureError


def read_file(source: CaptureSource, first: bool, last: bool, watch: Watch | None = None) -> FileResult:
    """Read one file by itself; what says that it cannot be read is a result, too."""
    try:
        return observe_part(source, watch or Watch(), first=first, last=last)
    except CaptureError as error:
        return error


class SideBySide:
    """Has files read by workers, and puts together in order what they tell."""

    def __init__(self, workers: Workers, groups: Iterable[list[Member]], watch: Watch) -> None:
        self._workers = workers
        self._watch = watch
        self._left = deque(
            (member.source, number == 0, number == len(group) - 1)
            for group in groups
            for number, member in enumerate(group)
        )
        self._begun: deque[Future] = deque()

    def open(self, member: Member) -> Show | None:
        """Wait until a file has been read; raise InOrderNeeded where that is not enough."""
        while self._left and len(self._begun) <= AHEAD * self._workers.count and not self._watch.stopped:
            source, first, last = self._left.popleft()
            self._begun.append(self._workers.submit(source, first=first, last=last))
        result = self._next()
        if result is None:
            return None
        if isinstance(result, CaptureError):
            raise result
        if result.file.summary.secrets:
            self.close()
            raise InOrderNeeded
        if result.file.interrupted:
            # What comes behind the hole is not to be put next to it.
            self.close()
        self._watch.advance(member.source.size or 0, result.file.summary.packets)
        return partial(_show, result, member.source)

    def _next(self) -> FileResult | None:
        if not self._begun:
            return None
        future = self._begun.popleft()
        result: FileResult | None = self._watch.wait(future.result)
        if result is not None:
            return result
        self._left.clear()
        begun = (future, *self._begun)
        for later in begun:
            later.cancel()
        # Those at work have been interrupted, too, and tell what they found so far.
        self._begun = deque(takewhile(lambda later: not later.cancelled(), begun))
        found: FileResult | None = self._begun.popleft().result() if self._begun else None
        return found

    def close(self) -> None:
        """Give up what is left."""
        self._left.clear()
        while self._begun:
            self._begun.popleft().cancel()


def _show(part: FilePart, source: CaptureSource, observer: CaptureObserver) -> None:
    """Show what somebody told of a file; read it here where that is not enough."""
    if part.open_fragments or not join_part(observer, part, source):
        with open_capture(source) as reader:
            observer.read(reader, Watch())
