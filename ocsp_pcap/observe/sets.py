"""Files to captures: those of a rotated set that go on where the one before ended are one capture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ocsp_pcap.capture import CaptureError, CaptureSource, open_capture, together
from ocsp_pcap.capture.rotation import Member, Rotation, follows, missing_between
from ocsp_pcap.observe.capture import CaptureObserver, ObservedFile
from ocsp_pcap.observe.watch import Watch
from ocsp_pcap.spoken.shared import Shared


@dataclass(slots=True, eq=False, repr=False)
class ReadCapture:
    """A capture that was read, and the files that it consists of."""

    observer: CaptureObserver
    sources: list[CaptureSource] = field(default_factory=list)


class SetReader:
    """Reads groups of files that may be rotated sets, one file after the other."""

    def __init__(self, shared: Shared, rotation: Rotation, failed: Callable[[CaptureError], None]) -> None:
        """``failed`` takes what says why a file cannot be read."""
        self._shared = shared
        self._failed = failed
        self._rotation: Final = rotation
        self._last: ReadCapture | None = None
        self._before: Member | None = None
        self._missing: list[str] = []
        self._left = 0
        """Files of the group."""
        self._passed_over = False
        """Files before the next one were not read."""
        self.captures: list[ReadCapture] = []
        self.tried = 0
        """Files that were read, or could not be."""

    def begin(self, files: int) -> None:
        """Begin another group, of so many files: they do not go on with those before."""
        if self._last is not None:
            if self._left:
                self._last.observer.interrupt()
            self._last.observer.finish()
        self._last = self._before = None
        self._missing, self._left, self._passed_over = [], files, False

    def read(self, member: Member, watch: Watch) -> None:
        """Read the next file of the group; where that is impossible, tell why."""
        try:
            with open_capture(member.source, wait=watch.wait) as reader:
                self._place(member).read(reader, watch)
        except CaptureError as error:
            self.fail(member, error)
        else:
            self._done(member)

    def fail(self, member: Member, error: CaptureError) -> None:
        """Go on without a file."""
        self._failed(error)
        self._missing.append(f"{member.source.name} could not be read")
        self._done(member)

    def pass_over(self, files: int) -> None:
        """Go on without so many files, which the user did not wait for."""
        if files:
            if self._last is not None:
                self._last.observer.interrupt()
            self._left -= files
            self._before, self._passed_over = None, True

    def finish(self, files: int) -> list[ReadCapture]:
        """Return all captures; report how many of ``files``, the number in all, were never begun."""
        self.begin(0)
        left = files - self.tried
        if left:
            words = "1 file" if left == 1 else f"{left} files"
            self._failed(CaptureError(f"reading was interrupted before {words} could be begun."))
        return [capture for capture in self.captures if capture.observer.observation.files]

    def _place(self, member: Member) -> CaptureObserver:
        """Return the observer of the capture that a file belongs to."""
        last = self._last
        if last is None or not self._goes_on(last.observer.observation.files, member):
            if last is not None:
                last.observer.finish()
            last = self._last = ReadCapture(CaptureObserver(self._shared))
            self.captures.append(last)
        elif self._before is not None and (count := missing_between(self._before, member)):
            words = f"are missing ({count} by their numbers)"
            self._missing.append(f"files before {member.source.name} {words}")
        if self._passed_over:
            self._missing.append(f"files before {member.source.name} were not read")
            self._passed_over = False
        last.sources.append(member.source)
        return last.observer

    def _add(self, member: Member) -> None:
        """Count another file of the capture at hand, which was read with the one before."""
        if self._last is not None:
            self._last.sources.append(member.source)
        self._done(member)

    def _done(self, member: Member) -> None:
        self.tried += 1
        self._left -= 1
        self._before = member
        if self._last is not None:
            self._last.observer.miss(self._missing)
            self._missing = []

    def _goes_on(self, files: Sequence[ObservedFile], member: Member) -> bool:
        return goes_on(files, member, self._rotation)


def goes_on(files: Sequence[ObservedFile], member: Member, rotation: Rotation) -> bool:
    """Tell whether a file can be the next one of a capture, after those that it has so far."""
    if rotation == "yes":
        return True
    summaries = [file.summary for file in files]
    so_far = together(summaries)
    spans = [s.last_time - s.first_time for s in summaries if s.last_time and s.first_time]
    same_link = member.link_type is None or not so_far.link_types or member.link_type in so_far.link_types
    return same_link and follows(member, so_far.last_time, max(spans, default=0))
