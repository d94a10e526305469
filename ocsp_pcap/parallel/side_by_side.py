"""Runs read side by side: workers read each by itself, and what they tell is put together in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial
from itertools import takewhile
from typing import Final

from ocsp_pcap.bounds import reached
from ocsp_pcap.capture import CaptureError
from ocsp_pcap.capture.rotation import Member
from ocsp_pcap.observe.sets import ReadCapture, SetReader
from ocsp_pcap.observe.watch import Watch
from ocsp_pcap.parallel.joining import find_match, join
from ocsp_pcap.parallel.read_run import InOrder, NotRead, Part, Step
from ocsp_pcap.parallel.runs import LEAST_BYTES, Run, cut
from ocsp_pcap.parallel.workers import RunError, Task, Workers
from ocsp_pcap.streams.joining import MatchError

AHEAD: Final = 1
"""Runs that each worker may be ahead of what is put together: their results wait in memory."""


def pays(groups: Sequence[Sequence[Member]]) -> bool:
    """Tell whether files are read sooner by several processes."""
    sizes = [member.source.size for group in groups for member in group]
    return len(sizes) > 1 and (None in sizes or sum(size or 0 for size in sizes) >= LEAST_BYTES)


class SideBySide(SetReader):
    """Has files read by workers, and puts together in order what they tell."""

    def read_all(
        self, groups: Sequence[Sequence[Member]], workers: Workers, watch: Watch
    ) -> list[ReadCapture] | None:
        """Read groups of files; None where they have to be read one after the other."""
        left = deque(cut(groups, workers.count, self._rotation))
        begun: deque[tuple[Run, Task]] = deque()
        while True:
            while left and len(begun) <= AHEAD * workers.count and not watch.stopped:
                run = left.popleft()
                begun.append((run, workers.submit(run)))
            if not begun:
                break
            run, task = begun.popleft()
            read = partial(self._steps, workers, run, task)
            # Whoever is at work when the user interrupts ends soon.
            steps = read() if watch.stopped else watch.wait(read)
            if steps is None:
                begun = _at_work([(run, task), *begun])
                left.clear()
                continue
            if run.first:
                self.begin(run.group)
            if any(isinstance(step, InOrder) for step in steps):
                _at_work(begun)
                return None
            if not self._take(run, steps, watch):
                _at_work(begun)
                break
        return self.finish(sum(map(len, groups)))

    def _steps(self, workers: Workers, run: Run, task: Task) -> list[Step]:
        """Return what a worker tells of a run; where it failed at several files, each is tried by itself."""
        try:
            return task.steps(self._shared)
        except RunError as error:
            (member, *others) = run.members
            if not others:
                return [NotRead(member, CaptureError(f"{member.source.name}: {error}."))]
        return [
            step for single in run.singly() for step in self._steps(workers, single, workers.submit(single))
        ]

    def _take(self, run: Run, steps: list[Step], watch: Watch) -> bool:
        """Take the result of a run; False: the run behind it cannot be joined to it."""
        tried = self.tried
        for step in steps:
            if isinstance(step, NotRead):
                self.fail(step.member, step.error)
            elif isinstance(step, Part):
                if not self._join(step):
                    if watch.stopped:
                        return False
                    for member in step.members:
                        self.read(member, Watch())
                size = sum(member.source.size or 0 for member in step.members)
                watch.advance(size, sum(file.summary.packets for file in step.observation.files))
                if step.observation.files[-1].interrupted:
                    return False
        return self.tried - tried == len(run.members)

    def _join(self, part: Part) -> bool:
        """Join files to those before; False: they have to be read here."""
        first, *others = part.members
        files = [] if self._last is None else self._last.observer.observation.files
        if files and not self._goes_on(files, first):
            files = []
        told = part.observation.files
        if not all(
            self._goes_on([*files, *told[:number]], member) for number, member in enumerate(others, 1)
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


def _at_work(begun: Sequence[tuple[Run, Task]]) -> deque[tuple[Run, Task]]:
    """Give up what is not begun; those at work were interrupted, too, and tell what they found so far."""
    for _, task in begun:
        task.cancel()
    return deque(takewhile(lambda each: not each[1].cancelled(), begun))
