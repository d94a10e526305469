"""Facts that are made when somebody goes through them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, overload

T_co = TypeVar("T_co", covariant=True)


class Unheld(Sequence[T_co]):
    """A sequence whose items are made anew each time: what they are made of takes a third of the memory.

    To look up some of them, make a tuple of it.
    """

    def __init__(self, size: int, make: Callable[[], Iterator[T_co]]) -> None:
        """``make``: yields all items, so many."""
        self._size = size
        self._make = make

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[T_co]:
        return self._make()

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | Sequence[T_co]:
        return tuple(self)[index]
