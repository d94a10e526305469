"""Facts that are alike: what many share is made once, and what each has of its own stands in columns.

A capture has ten thousand handshakes, of a few hundred kinds. A fact, or a line of JSON, is made of a
pattern, which is a fact itself, and of the values that are put into it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, Generic, TypeVar

from ocsp_pcap.facts.lines import pieces, writer_of
from ocsp_pcap.facts.plan import FieldPlan, Moment, Structure, plan_of
from ocsp_pcap.facts.times import time_text

T = TypeVar("T")
MOST_PATTERNS: Final = 1024
"""Patterns that are kept, each of some 4 kB, when more facts are made."""
_SECOND: Final = 1_000_000_000


class Pattern(Generic[T]):
    """What facts share: a fact of which some members count for nothing."""

    __slots__ = ("fact", "pieces")

    def __init__(self, fact: T) -> None:
        self.fact = fact
        self.pieces: list[str] | None = None
        """Its line, with a place for each of those members."""


def patterns(
    keys: Iterable[Hashable], make: Callable[[int], T], known: dict[Hashable, Pattern[T]]
) -> list[Pattern[T]]:
    """Return the pattern for each key.

    Args:
        keys: equal where all is that facts share.
        make: returns the fact for the key at a place, where it is not known.
        known: those made before, within bounds.
    """
    if len(known) > MOST_PATTERNS:
        known.clear()
    found: list[Pattern[T]] = []
    for place, key in enumerate(keys):
        pattern = known.get(key)
        if pattern is None:
            pattern = known[key] = Pattern(make(place))
        found.append(pattern)
    return found


class Alike(Generic[T]):
    """Facts of one class, each with its pattern; some may have the same."""

    def __init__(self, patterns: Sequence[Pattern[T]], own: Mapping[str, Sequence[Any]]) -> None:
        """``own``: by the names of members what each fact has there, ``frames.finished`` in a structure.

        Times are those of packets, of 64 bits.
        """
        self._patterns = patterns
        fact: Any = patterns[0].fact if patterns else None
        self._cls: Any = fact.__class__
        members = _members(self._cls, frozenset(own)) if patterns else {}
        self._own = [(member, own[name]) for name, member in members.items()]
        self._names = tuple(members)

    def facts(self) -> Iterator[T]:
        """Yield the facts."""
        if not self._patterns:
            return iter(())
        shared = [pattern.fact for pattern in self._patterns]
        return map(maker_of(self._cls, self._names), shared, *(column for _, column in self._own))

    def items(self, *, lines: bool) -> Iterator[Any]:
        """Yield the facts, or the line of JSON of each."""
        return self.lines() if lines else self.facts()

    def lines(self) -> Iterator[str]:
        """Yield the line of JSON of each fact."""
        columns = [_texts(member, column) for member, column in self._own]
        for pattern, *texts in zip(self._patterns, *columns, strict=True):
            if pattern.pieces is None:
                pattern.pieces = pieces(pattern.fact, self._names)
            line = pattern.pieces.copy()
            line[1::2] = texts
            yield "".join(line)


@cache
def _members(cls: Any, own: frozenset[str]) -> dict[str, FieldPlan]:
    """Return members by name, in the order of the class."""
    found: dict[str, FieldPlan] = {}
    for member in plan_of(cls).members:
        if member.name in own:
            found[member.name] = member
        elif isinstance(member.shape, Structure):
            start = f"{member.name}."
            inner = frozenset(name.removeprefix(start) for name in own if name.startswith(start))
            found |= {start + name: each for name, each in _members(member.shape.cls, inner).items()}
    return found


@cache
def maker_of(cls: Any, own: tuple[str, ...]) -> Callable[..., Any]:
    """Compile what makes a fact of another one and of the values of some members; with all, that may be None.

    ``own`` names the members as in :class:`Alike`.
    """
    values = {name: f"value_{place}" for place, name in enumerate(own)}
    # What a frozen dataclass does to set its members takes four times as long.
    names: dict[str, Any] = {"cls": cls, "Open": type("Open", (), {"__slots__": cls.__slots__})}
    lines = [f"def make(pattern, {', '.join(values.values())}):", "fact = Open()"]
    for member in plan_of(cls).members:
        value, start = f"pattern.{member.name}", f"{member.name}."
        inside = [name for name in own if name.startswith(start)]
        if isinstance(member.shape, Structure) and inside:
            inner = maker_of(member.shape.cls, tuple(name.removeprefix(start) for name in inside))
            names[f"make_{member.name}"] = inner
            value = f"make_{member.name}({value}, {', '.join(values[name] for name in inside)})"
        lines.append(f"fact.{member.name} = {values.get(member.name, value)}")
    # The source is made of the names of our own fields, nothing else.
    exec("\n    ".join([*lines, "fact.__class__ = cls", "return fact"]), names)  # noqa: S102
    make: Callable[..., Any] = names["make"]
    return make


def _texts(member: FieldPlan, column: Sequence[Any]) -> Sequence[str]:
    """Return the values of a member as JSON."""
    if isinstance(member.shape, Moment):
        forms = _Seconds()
        return ["null" if time is None else forms[time // _SECOND] % (time % _SECOND) for time in column]
    write = writer_of(member.shape)
    return ["null" if value is None else write(value) for value in column]


class _Seconds(dict[int, str]):
    """The text of each second as JSON, open for nanoseconds: there are far fewer seconds than times."""

    def __missing__(self, second: int) -> str:
        form = self[second] = f'"{time_text(second * _SECOND)[:20]}%09dZ"'
        return form
