"""Every bound of the program in one place: how much of a capture it holds or looks at, and why no more.

A capture is hostile input: without bounds one packet could cost hours, or all memory. A bound that was
reached is never silent: whoever reaches one says so (:func:`reached`), and the notes of the capture, or of
the explanation, say so, as a bound of this program and not as something that the capture lacks. ``--bound
NAME=VALUE`` changes one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Final

from ocsp_pcap.bounds.explaining import ExplainingBounds
from ocsp_pcap.bounds.reading import ReadingBounds


class BoundError(ValueError):
    """A bound that does not exist, or a value that it cannot have."""


@dataclass(init=False, eq=False, repr=False)
class Bounds(ReadingBounds, ExplainingBounds):
    """All bounds. Read them when they are needed: they can be adjusted."""


BOUNDS: Final = Bounds()
"""The bounds of this process."""

_SENTENCE: Final = re.compile(r"a bound of this program was reached .*\(--bound (\w+)=N changes it\)")
_reached: Counter[str] = Counter()
_times = 0
"""How often :func:`reached` was called."""
_last = ""


def adjust(settings: Mapping[str, int]) -> None:
    """Change bounds. Raises BoundError for a name that there is not, or a value below 1."""
    known = {each.name for each in fields(Bounds)}
    for name, value in settings.items():
        if name not in known:
            raise BoundError(f"there is no bound {name}: those there are: {', '.join(sorted(known))}")
        if not 1 <= value < 1 << 40:
            raise BoundError(f"the bound {name} must be a number from 1 on, and less than 2^40")
    for name, value in settings.items():
        setattr(BOUNDS, name, value)


def set_to(settings: Mapping[str, int]) -> None:
    """Have the bounds of another process: its changes, and else the defaults. Raises BoundError."""
    for each in fields(Bounds):
        setattr(BOUNDS, each.name, each.default)
    adjust(settings)


def adjusted() -> dict[str, int]:
    """Return the bounds that differ from their defaults: what another process needs to have the same."""
    return {
        each.name: getattr(BOUNDS, each.name)
        for each in fields(Bounds)
        if getattr(BOUNDS, each.name) != each.default
    }


def parse(text: str) -> dict[str, int]:
    """Read ``NAME=VALUE``. Raises BoundError."""
    name, equals, value = text.partition("=")
    digits = value.strip().replace("_", "")
    if not equals or not (digits.isascii() and digits.isdigit() and len(digits) <= 13):
        raise BoundError(f"{text}: a bound is given as NAME=VALUE, such as certificates=256")
    return {name.strip().replace("-", "_"): int(digits)}


def reached(name: str, count: int = 1) -> None:
    """Count that a bound was reached, so many times; 0: what is looked at again was cut short before."""
    global _times, _last
    _reached[name] += count
    _times += 1
    _last = name


def mark() -> int:
    """Return a mark for :func:`reached_since`."""
    return _times


def reached_since(mark: int) -> str | None:
    """Return the bound that was reached last since a mark; None: none was."""
    return _last if _times != mark else None


def take_reached() -> dict[str, int]:
    """Return how often each bound was reached since this was last asked."""
    found = dict(_reached)
    _reached.clear()
    return found


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count by themselves the bounds that are reached within, and leave the counts from before alone.

    What is yielded holds the counts when all is done.
    """
    before = take_reached()
    counts = Counter[str]()
    try:
        yield counts
    finally:
        counts.update(take_reached())
        _reached.update(before)


def sentences(counts: Mapping[str, int]) -> list[str]:
    """Say which bounds were reached, and how to have them wider."""
    return [
        f"a bound of this program was reached {_how_often(count)}: {_about(name)}"
        for name, count in sorted(counts.items())
    ]


def bound_in(sentence: str) -> str | None:
    """Return the bound that one of those sentences is about; None: it is no such sentence."""
    found = _SENTENCE.match(sentence)
    return found[1] if found is not None else None


def at_most(name: str) -> str:
    """Say that a bound was reached, where that is to be said in its place."""
    return f"a bound of this program was reached: {_about(name)}"


def too_large(name: str) -> str:
    """Say that a file was not read because it is larger than a bound allows."""
    return f"too large for this program: {_about(name)}"


def _about(name: str) -> str:
    what = next(each.metadata["what"] for each in fields(Bounds) if each.name == name)
    return f"at most {getattr(BOUNDS, name):,} {what} (--bound {name}=N changes it)"


def table() -> list[tuple[str, int, str, str]]:
    """Return name, value, meaning and reason of every bound."""
    return [
        (each.name, getattr(BOUNDS, each.name), each.metadata["what"], each.metadata["why"])
        for each in fields(Bounds)
    ]


def _how_often(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
