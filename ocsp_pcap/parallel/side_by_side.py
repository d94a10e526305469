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
from ocsp_pcap.parallel.read_run import NotRead, Part, Step
from ocsp_pcap.parallel.runs import Run, Share, cut, size_of
from ocsp_pcap.parallel.workers import RunError, Task, Workers
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
            steps = None
            if task is not None and self._shared.keys is None:
                steps = self._wait(workers, share, task, watch)
                if steps is None and watch.stopped:
                    break
            if not (self._read_share(share, watch) if steps is None else self._take(share, steps, watch)):
                break
        return self.finish(sum(map(len, groups)))

    def _wait(self, workers: Workers, share: Share, task: Task, watch: Watch) -> list[Step] | None:
        """Return what a worker says of a share; None: the share is to be read here, in order."""
        said = partial(self._steps, workers, share, task)
        found = watch.wait(said)
        if found is None and watch.stopped and task.interrupt():
            # It says soon what it found so far.
            return said()
        return found

    def _steps(self, workers: Workers, share: Share, task: Task) -> list[Step] | None:
        try:
            return task.steps(self._shared)
        except RunError as error:
            failed = error
        # Where a worker failed at several files, each is tried by itself.
        files = [single for run in share for single in run.singly()]
        if len(files) == 1:
            (member,) = files[0].members
            return [*files, NotRead(member, CaptureError(f"{member.source.name}: {failed}."))]
        tasks = [((single,), workers.submit((single,))) for single in files]
        answers = [self._steps(workers, single, task) for single, task in tasks]
        return None if None in answers else [step for answer in answers if answer for step in answer]

    def _read_share(self, share: Share, watch: Watch) -> bool:
        """Read a share here; False: the user interrupted it."""
        for run in share:
            if run.first:
                self.begin(run.group)
            if not self._read(run.members, watch):
                return False
        return True

    def _read(self, members: Sequence[Member], watch: Watch) -> bool:
        """Read files here; False: the user interrupted it."""
        for member in members:
            self.read(member, watch)
            if watch.stopped:
                return False
        return True

    def _take(self, share: Share, steps: Sequence[Step], watch: Watch) -> bool:
        """Take what was read of a share; False: the one behind it cannot be joined to it."""
        tried = self.tried
        for step in steps:
            if isinstance(step, Run):
                if step.first:
                    self.begin(step.group)
                continue
            if isinstance(step, NotRead):
                self.fail(step.member, step.error)
                continue
            if not self._join(step):
                if watch.stopped or not self._read(step.members, watch):
                    return False
                continue
            size = sum(member.source.size or 0 for member in step.members)
            watch.advance(size, sum(file.summary.packets for file in step.observation.files))
            if step.observation.files[-1].interrupted:
                return False
        return self.tried - tried == sum(len(run.members) for run in share)

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
