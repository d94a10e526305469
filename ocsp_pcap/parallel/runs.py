"""Which files, one after the other, are read by one process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from ocsp_pcap.capture.rotation import Member, Rotation

LEAST_BYTES: Final = 16 << 20
"""A share is at least this large: less is read sooner than a worker is told of it."""


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


Share: TypeAlias = tuple[Run, ...]
"""What one process reads: runs of groups that stand one after the other."""


def size_of(share: Share) -> int:
    """Return the bytes of a share, as far as they are known."""
    return sum(member.source.size or 0 for run in share for member in run.members)


def cut(groups: Sequence[Sequence[Member]], shares: int, rotation: Rotation) -> list[Share]:
    """Cut groups of files into so many shares of about the same size, or fewer where there is little to read.

    A file is never cut. One whose size is not known counts as a share.
    """
    sizes = [member.source.size for group in groups for member in group]
    known = sum(size or 0 for size in sizes)
    size = max(1, LEAST_BYTES, known // max(1, shares))
    found: list[list[Run]] = [[]]
    taken = 0
    for group in groups:
        first = 0
        for number, member in enumerate(group):
            own = size if member.source.size is None else member.source.size
            if taken and taken + own // 2 > size * len(found):
                if number > first:
                    found[-1].append(Run(tuple(group[first:number]), not first, len(group), rotation))
                found.append([])
                first = number
            taken += own
        found[-1].append(Run(tuple(group[first:]), not first, len(group), rotation))
    return [tuple(share) for share in found if share]
