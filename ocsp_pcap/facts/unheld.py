"""Facts that are made when somebody goes through them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final, Protocol, TypeVar, overload

from ocsp_pcap.facts.lines import line_of

AT_ONCE: Final = 1024
"""Items that are made together."""
T_co = TypeVar("T_co", covariant=True)


class Make(Protocol):
    """Makes items of their sources."""

    def __call__(self, sources: Any, /, *, lines: bool) -> Iterator[Any]:
        """Yield an item for each, or ``lines`` of JSON."""


class Unheld(Sequence[T_co]):
    """A sequence whose items are made anew each time: what they are made of takes a third of the memory."""

    def __init__(self, sources: Any, make: Make) -> None:
        """``make``: yields an item, or its line, for each of some of ``sources``, a sequence or an array."""
        self._sources = sources
        self._make = make

    def __len__(self) -> int:
        return len(self._sources)

    def __iter__(self) -> Iterator[T_co]:
        return self._all(lines=False)

    def lines(self) -> Iterator[str]:
        """Yield the line of JSON of each item."""
        return self._all(lines=True)

    def _all(self, *, lines: bool) -> Iterator[Any]:
        starts = range(0, len(self), AT_ONCE)
        return chain.from_iterable(
            self._make(self._sources[start : start + AT_ONCE], lines=lines) for start in starts
        )

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | Sequence[T_co]:
        if isinstance(index, slice):
            return Unheld(self._sources[index], self._make) if index.step is None else tuple(self)[index]
        place = range(len(self))[index]
        item: T_co = next(self._make(self._sources[place : place + 1], lines=False))
        return item


def lines_of(facts: Iterable[Any]) -> Iterator[str]:
    """Yield the line of JSON of each fact; one that is not held need not be made for it."""
    return facts.lines() if isinstance(facts, Unheld) else map(line_of, facts)
