"""Shares of files read side by side, and what was read of them put together in order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ocsp_pcap.bounds import reached
from ocsp_pcap.capture import CaptureError
from ocsp_pcap.capture.rotation import Member
from ocsp_pcap.observe.sets import ReadCapture, SetReader
from ocsp_pcap.observe.watch import Watch
from ocsp_pcap.parallel.joining import find_match, join
from ocsp_pcap.parallel.read_run import NotRead, Part, Said, Step
from ocsp_pcap.parallel.runs import cut, size_of
from ocsp_pcap.parallel.workers import Task, Workers
from ocsp_pcap.streams.joining import MatchError


class SideBySide(SetReader):
    """Has shares read by workers, and puts together in order what they say."""

    def read_all(
        self, groups: Sequence[Sequence[Member]], workers: Workers, watch: Watch
    ) -> list[ReadCapture]:
        """Read groups of files."""
        shares = cut(groups, workers.shares, self._rotation)
        here = shares[:1] if workers.reads_along else []
        tasks = [workers.submit(share) for share in shares[len(here) :]]
        if here and tasks:
            # The others are about as far as this process is.
            watch.expect(size_of(shares[0]))
        for share, task in zip(shares, [*[None] * len(here), *tasks], strict=True):
            said = None
            if task is not None and self._shared.keys is None:
                said = self._wait(task, watch)
            for number, run in enumerate(share):
                if run.first:
                    self.begin(run.group)
                tried = self.tried
                if said is None:
                    self._read(run.members, watch)
                else:
                    self._take(said[number], watch)
                self.pass_over(len(run.members) - (self.tried - tried))
        return self.finish(sum(map(len, groups)))

    def _wait(self, task: Task, watch: Watch) -> Said | None:
        """Return what a worker says of a share; None: the share is to be read here, in order."""
        found = None if watch.stopped else watch.wait(partial(task.said, self._shared))
        if found is None and watch.stopped and task.interrupt():
            # It says soon what it found so far.
            return task.said(self._shared)
        return found

    def _read(self, members: Sequence[Member], watch: Watch) -> None:
        """Read files here, until the user interrupts."""
        for member in members:
            if watch.stopped:
                break
            self.read(member, watch)

    def _take(self, steps: Sequence[Step], watch: Watch) -> None:
        """Take what was read of a run."""
        for step in steps:
            if isinstance(step, NotRead):
                self.fail(step.member, step.error)
            elif self._join(step):
                size = sum(member.source.size or 0 for member in step.members)
                watch.advance(size, sum(file.summary.packets for file in step.observation.files))
            else:
                self._read(step.members, watch)

    def _join(self, part: Part) -> bool:
        """Join files to those before; False: they have to be read here."""
        first, *others = part.members
        files = [] if self._last is None else self._last.observer.observation.files
        if files and not self._goes_on(files, first):
            files = []
        found = part.observation.files
        if not all(
            self._goes_on([*files, *found[:number]], member) for number, member in enumerate(others, 1)
        ):
            return False
        before = self._last.observer if files and self._last is not None else None
        try:
            match = find_match(before, part)
        except MatchError:
            return False
        observer = self._place(first)
        for name, count in part.reached.items():
            reached(name, count)
        try:
            join(observer, part, match)
        except CaptureError as error:
            self._failed(error)
            self._missing.append(f"{first.source.name} could not be read")
        self._done(first)
        for member in others:
            self._add(member)
        return True
