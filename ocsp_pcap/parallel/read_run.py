"""Runs read without the files before them: what a worker does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ocsp_pcap.bounds import take_reached
from ocsp_pcap.capture import CaptureError, open_capture
from ocsp_pcap.capture.rotation import Member, missing_between
from ocsp_pcap.decode.fragments import Fragments
from ocsp_pcap.observe.capture import CaptureObserver, Observation
from ocsp_pcap.observe.sets import goes_on
from ocsp_pcap.observe.watch import Watch
from ocsp_pcap.parallel.observers import ShareTcpObserver
from ocsp_pcap.parallel.runs import Run, Share
from ocsp_pcap.spoken.shared import Shared


@dataclass(slots=True)
class Part:
    """Files of a run that are of one capture, none missing between them, and what they showed."""

    observation: Observation
    """Not finished: streams may go on in the next run. Its TCP observer is a :class:`ShareTcpObserver`."""
    members: list[Member]
    reached: dict[str, int]
    """Bounds that were reached, and how often."""
    fragments: Fragments | None = None
    """Datagrams that wait for fragments, which may be in another file."""

    @property
    def tcp(self) -> ShareTcpObserver:
        """Its TCP streams."""
        tcp = self.observation.tcp
        assert isinstance(tcp, ShareTcpObserver)
        return tcp

    def count(self, reached: Mapping[str, int]) -> None:
        """Add to the bounds that were reached."""
        self.reached = dict(Counter(self.reached) + Counter(reached))


@dataclass(frozen=True, slots=True)
class NotRead:
    """A file that could not be read."""

    member: Member
    error: CaptureError


Step: TypeAlias = Part | NotRead
Said: TypeAlias = list[list[Step]]
"""The steps of each run of a share; who is interrupted takes fewer."""


def read_share(share: Share, watch: Watch) -> Said | None:
    """Read the files of a share in their order; return what there is to say of it.

    None: its files have to be read in order, for one bears TLS secrets, which others lack.
    """
    said: Said = []
    for run in share:
        steps = _steps(run, watch)
        if steps is None:
            return None
        said.append(steps)
    return said


def _steps(run: Run, watch: Watch) -> list[Step] | None:
    steps: list[Step] = []
    shared = Shared()
    observer: CaptureObserver | None = None
    part: Part | None = None
    for member in run.members:
        if watch.stopped:
            break
        try:
            with open_capture(member.source) as reader:
                if observer is None or part is None or not _belongs(part, member, run):
                    observer = CaptureObserver(shared, ShareTcpObserver(shared))
                    part = Part(observer.observation, [], {})
                    steps.append(part)
                observer.read(reader, watch)
        except CaptureError as error:
            steps.append(NotRead(member, error))
            part = None
        else:
            if shared.keys is not None:
                return None
            part.members.append(member)
            part.count(take_reached())
            part.fragments = observer.decoder.fragments
    for step in steps:
        if isinstance(step, Part):
            step.tcp.hand_over()
            step.count(take_reached())
    return steps


def _belongs(part: Part, member: Member, run: Run) -> bool:
    """Tell whether a file is one of a part; where that is not sure, who knows more puts two together."""
    return not missing_between(part.members[-1], member) and goes_on(
        part.observation.files, member, run.rotation
    )
