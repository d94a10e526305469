"""A watch over the reading of captures: it hears how far that is, and may end it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


class Watch:
    """Hears how far reading is; this one takes no notice."""

    stopped = False
    """Reading is to end where it is."""

    def expect(self, size: int | None) -> None:
        """Learn how many bytes, as stored, there are to read; None: that is not known."""

    def advance(self, size: int, packets: int) -> None:
        """Learn that so many more bytes and packets have been read."""

    def wait(self, call: Callable[[], Value]) -> Value | None:
        """Return what ``call`` returns, which may block; None where reading is to end instead."""
        return call()
