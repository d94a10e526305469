"""Files read one after the other; :mod:`ocsp_pcap.parallel.side_by_side` shows the same another way."""

from __future__ import annotations

from typing import Protocol

from ocsp_pcap.capture import CaptureReader, open_capture
from ocsp_pcap.capture.rotation import Member
from ocsp_pcap.observe.capture import CaptureObserver
from ocsp_pcap.observe.watch import Watch


class Opened(Protocol):
    """A file that can be read."""

    def show(self, observer: CaptureObserver) -> None:
        """Show it to the observer of its capture. Raise CaptureError where it is no longer there."""

    def close(self) -> None:
        """Close it."""


class Reading(Protocol):
    """Opens the files of a run in their order."""

    def open(self, member: Member) -> Opened | None:
        """Open the next file; None: reading is to end. Raise CaptureError where it cannot be read."""


class InOrder:
    """Reads one file after the other."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def open(self, member: Member) -> Opened | None:
        """Open a file."""
        if self._watch.stopped:
            return None
        return _File(open_capture(member.source), self._watch)


class _File:
    def __init__(self, reader: CaptureReader, watch: Watch) -> None:
        self._reader = reader
        self._watch = watch

    def show(self, observer: CaptureObserver) -> None:
        observer.read(self._reader, self._watch)

    def close(self) -> None:
        self._reader.close()


class ClusterError(Exception):
    """A cluster is of no use; the message is one sentence that says which and why."""
