"""Files read one after the other; :mod:`ocsp_pcap.parallel.side_by_side` shows the same another way."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeAlias

from ocsp_pcap.capture import CaptureReader, open_capture
from ocsp_pcap.capture.rotation import Member
from ocsp_pcap.observe.capture import CaptureObserver
from ocsp_pcap.observe.watch import Watch

Show: TypeAlias = Callable[[CaptureObserver], None]
"""Shows a file to the observer of its capture. Raises CaptureError where it is no longer there."""


class FileOpener(Protocol):
    """Opens the files of a run in their order."""

    def open(self, member: Member) -> Show | None:
        """Open the next file, and return what shows it, which has to be called.

        None: reading is to end. Raise CaptureError where the file cannot be read.
        """


class InOrder:
    """Reads one file after the other."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def open(self, member: Member) -> Show | None:
        """Open a file."""
        return None if self._watch.stopped else partial(self._show, open_capture(member.source))

    def _show(self, reader: CaptureReader, observer: CaptureObserver) -> None:
        with reader:
            observer.read(reader, self._watch)


class ClusterError(Exception):
    """A cluster is of no use; the message is one sentence that says which and why."""
