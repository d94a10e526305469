"""Facts that are made when somebody goes through them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, Final, TypeVar, overload

AT_ONCE: Final = 1024
"""Items that are made together."""
T_co = TypeVar("T_co", covariant=True)


class Unheld(Sequence[T_co]):
    """A sequence whose items are made anew each time: what they are made of takes a third of the memory."""

    def __init__(self, sources: Any, make: Callable[[Any], Iterator[T_co]]) -> None:
        """``make``: yields an item for each of some of ``sources``, a sequence or an array."""
        self._sources = sources
        self._make = make

    def __len__(self) -> int:
        return len(self._sources)

    def __iter__(self) -> Iterator[T_co]:
        starts = range(0, len(self), AT_ONCE)
        return chain.from_iterable(self._make(self._sources[start : start + AT_ONCE]) for start in starts)

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | Sequence[T_co]:
        if isinstance(index, slice):
            return Unheld(self._sources[index], self._make) if index.step is None else tuple(self)[index]
        place = range(len(self))[index]
        return next(self._make(self._sources[place : place + 1]))
