"""Rotated captures: which files belong to one set, and in which order.

``tcpdump -C`` numbers files behind their name (``egress.pcap``, ``egress.pcap1``), ``-G`` puts a time into
it, ``dumpcap -b`` and editcap a number and a time (``egress_00001_20261122104300.pcap``). Files whose names
differ in nothing else may be one capture; whether one file goes on where another
ends is inferred from their times.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import cache
from itertools import takewhile
from typing import Final, Literal, NamedTuple, TypeAlias

from ocsp_pcap.capture.errors import CaptureError
from ocsp_pcap.capture.reader import open_capture
from ocsp_pcap.capture.source import CaptureSource, natural_order

HEAD_BLOCK: Final = 1 << 16
"""Bytes that are read to learn when a file begins."""
REQUESTS: Final = 16
"""Files that are begun at once where they are not on this machine."""
MAX_OVERLAP: Final = 10**9
"""Nanoseconds that a file may begin before the last packet of the one before it: captures from several
queues are not in strict order."""
MAX_SILENCE: Final = 600 * 10**9
"""Nanoseconds between two files whose names only a rotation gives; more where a file lasts longer."""
SHORT_SILENCE: Final = 5 * 10**9
"""Where just a number or a time tells files apart, somebody may have made them one by one, and at different
places: they go on within this, or within a tenth of how long a file lasts."""

_END: Final = r"(?P<tail>(?:\.[A-Za-z][A-Za-z0-9]*?)?)\d*(?:\.(?:gz|xz|zst|lz4|bz2))?"
_TIME: Final = (
    r"(?<!\d)(?:19|20)\d\d(?P<between>[-_.]?)\d\d(?P=between)\d\d"
    r"(?:[-_.T]?\d\d[-_.:h]?\d\d(?:[-_.:m]?\d\d)?)?s?Z?"
)
_NAMES: Final = (
    # dumpcap -b and editcap: number and time, in either order.
    r"_(?P<number>\d{5,})_\d{14}",
    r"_\d{14}_(?P<number>\d{5,})",
    # tcpdump -G with strftime's %Y%m%d%H%M%S, %F_%T and the like.
    _TIME,
    # Just a number: %s, or somebody's own.
    r"(?<!\d)\d+",
)
_NUMBER_BEHIND: Final = re.compile(r"(?<=\.[a-z]{3})\d+$|(?<=\.[a-z]{4})\d+$|(?<=\.[a-z]{6})\d+$")
"""The number that tcpdump -C puts behind .cap, .pcap, .pcapng and the like; the first file has none."""

_BEHIND: Final = "number behind"
_KINDS: Final = ("number and time", "time and number", "time", "number")
"""Kinds of names, in the order of the patterns."""
_BY_ROTATION: Final = {_BEHIND, "number and time", "time and number"}

Rotation: TypeAlias = Literal["auto", "yes", "no"]
"""Whether captures are files of rotated sets: inferred from names and times; all are; none is."""


class Member(NamedTuple):
    """A file that may belong to a set, and what its first packet tells."""

    source: CaptureSource
    begins: int | None = None
    """Nanoseconds since the Unix epoch; None: it holds no packet, or can belong to no set."""
    link_type: int | None = None
    number: int | None = None
    """In the set, where its name is one that only a rotation gives."""

    @property
    def by_rotation(self) -> bool:
        """Its name is one that only a rotation gives."""
        return self.number is not None


def families(
    sources: Sequence[CaptureSource], roles: Mapping[str, str] | None = None, rotation: Rotation = "auto"
) -> list[list[Member]]:
    """Group captures that may be files of one set, each group in order of time.

    Groups stand in the order of their first members; a capture that shares its name with no other is a
    group of its own. ``roles`` gives what is known of captures by name: those of different roles are
    never one set.
    """
    if len(sources) == 1:
        return [[Member(sources[0])]]
    found: dict[tuple[str, ...], list[CaptureSource]] = {}
    counted = {
        source.name[: match.start()] for source in sources if (match := _NUMBER_BEHIND.search(source.name))
    }
    for source in sources:
        key: tuple[str, ...] = (source.identity,)
        # Of what can be read only once, the first packet is not to be read here.
        if rotation != "no" and source.readable_again and source.interfaces is None:
            key = ("",) if rotation == "yes" else _family(source.name, counted)
        found.setdefault(((roles or {}).get(source.name, ""), *key), []).append(source)
    return [
        [Member(group[0])] if len(group) == 1 else _by_time(group, numbered=key[1] in _BY_ROTATION)
        for key, group in found.items()
    ]


def set_name(names: Sequence[str]) -> str:
    """Return the name of one file, or a glob that the names of several match."""
    if len(names) == 1:
        return names[0]
    head = _shared(names)
    tail = _shared([name[len(head) :][::-1] for name in names])[::-1]
    # A digit that all share is part of the number, not of the name.
    digits = "0123456789"
    return f"{head.rstrip(digits)}*{tail.lstrip(digits)}"


def _shared(names: Sequence[str]) -> str:
    """Return the beginning that all names share."""
    columns = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in columns)


def follows(member: Member, ended: int | None, lasted: int) -> bool:
    """Tell whether a file can go on where another ended.

    ``ended`` is in nanoseconds since the epoch, None: there was no packet; ``lasted`` is how long the
    longest file of the set so far is, in nanoseconds.
    """
    if member.begins is None or ended is None:
        return True
    most = max(MAX_SILENCE, lasted) if member.by_rotation else max(SHORT_SILENCE, lasted // 10)
    return -MAX_OVERLAP <= member.begins - ended <= most


def missing_between(before: Member, after: Member) -> int:
    """Return how many files their numbers say to be missing between two; numbers may start over."""
    if before.number is None or after.number is None:
        return 0
    return max(0, after.number - before.number - 1)


def _family(name: str, counted: Set[str]) -> tuple[str, ...]:
    """Return the kind of a name, and what the names of a set's files have in common.

    ``counted`` holds names behind which ``tcpdump -C`` put a number.
    """
    folder, base = os.path.split(name)
    if name not in counted and not _NUMBER_BEHIND.search(base):
        for number, pattern in enumerate(_patterns()):
            match = pattern.fullmatch(base)
            if match is not None:
                return (_KINDS[number], folder, match["head"], match["tail"])
    return (_BEHIND, folder, _NUMBER_BEHIND.sub("", base))


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(rf"(?P<head>.*?){name}{_END}") for name in _NAMES)


def _number(name: str) -> int:
    """Return the number that a rotation gave a file; the first of ``tcpdump -C`` has none."""
    base = os.path.split(name)[1]
    behind = _NUMBER_BEHIND.search(base)
    if behind is not None:
        return int(behind[0])
    matches = (pattern.fullmatch(base) for pattern in _patterns()[:2])
    return next((int(match["number"]) for match in matches if match is not None), 0)


def _by_time(sources: Iterable[CaptureSource], *, numbered: bool) -> list[Member]:
    """Sort by the time of the first packet; a file without packets stays behind the one before it by name."""
    members: list[tuple[int, Member]] = []
    last = 0
    for member in _members(sorted(sources, key=lambda source: natural_order(source.name))):
        last = last if member.begins is None else member.begins
        members.append((last, member._replace(number=_number(member.source.name) if numbered else None)))
    return [member for _, member in sorted(members, key=lambda item: item[0])]


def _members(sources: Sequence[CaptureSource]) -> Iterable[Member]:
    if all(source.path is not None for source in sources):
        return map(_member, sources)
    from concurrent.futures import ThreadPoolExecutor

    # Each takes a storage far away some time to answer.
    with ThreadPoolExecutor(REQUESTS) as pool:
        return list(pool.map(_member, sources))


def _member(source: CaptureSource) -> Member:
    """Read as far as the first packet."""
    try:
        with open_capture(source, HEAD_BLOCK) as reader:
            for batch in reader:
                return Member(source, int(batch.time[0]), int(batch.link_type[0]))
    except CaptureError:
        # Reading it will tell why.
        pass
    return Member(source)
