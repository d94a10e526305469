"""Runs: which files, one after the other, are read by one worker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ocsp_pcap.capture.rotation import Member, Rotation

EACH: Final = 3
"""Runs for each worker: more of them keep workers busy to the end, and each costs where it meets the next."""
LEAST_BYTES: Final = 32 << 20
"""Of a run of several files, and of all there is to read: less is read sooner than it is given away."""
MOST_BYTES: Final = 512 << 20
"""Of a run of several files: progress shows from run to run, and an interruption loses those begun."""


@dataclass(frozen=True, slots=True)
class Run:
    """Files of one group that stand one after the other."""

    members: tuple[Member, ...]
    first: bool
    """No file of the group stands before them."""
    group: int
    """How many files the group has."""
    rotation: Rotation

    def singly(self) -> Iterator[Run]:
        """Yield a run for each of its files."""
        for number, member in enumerate(self.members):
            yield Run((member,), self.first and not number, self.group, self.rotation)


def cut(groups: Sequence[Sequence[Member]], workers: int, rotation: Rotation) -> Iterator[Run]:
    """Cut each group into runs of about the same size."""
    total = sum(member.source.size or 0 for group in groups for member in group)
    size = max(LEAST_BYTES, min(MOST_BYTES, total // (max(1, workers) * EACH)))
    for group in groups:
        first, taken = 0, 0
        for number, member in enumerate(group):
            # A file whose size is not known is a run of its own.
            own = member.source.size or size
            if number > first and taken + own // 2 > size:
                yield Run(tuple(group[first:number]), not first, len(group), rotation)
                first, taken = number, 0
            taken += own
        yield Run(tuple(group[first:]), not first, len(group), rotation)
