"""Every bound of the program in one place: how much of a capture it holds or looks at, and why no more.

A capture is hostile input: without bounds one packet could cost hours, or all memory. A bound that was
reached is never silent: whoever reaches one says so (:func:`reached`), and the capture's notes say so, as
a bound of this program and not as something that the capture lacks. ``--bound NAME=VALUE`` changes one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from ocsp_pcap.bounds.reading import ReadingBounds


class BoundError(ValueError):
    """A bound that does not exist, or a value that it cannot have."""


@dataclass(eq=False, repr=False)
class Bounds(ReadingBounds):
    """All bounds. Read them when they are needed: they can be adjusted."""


BOUNDS: Final = Bounds()
"""The bounds of this process."""

_reached: Counter[str] = Counter()


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
    """Count that a bound was reached, so many times."""
    _reached[name] += count


def take_reached() -> dict[str, int]:
    """Return how often each bound was reached since this was last asked."""
    found = dict(_reached)
    _reached.clear()
    return found


def sentences(counts: Mapping[str, int]) -> list[str]:
    """Say which bounds were reached, and how to have them wider."""
    about = {each.name: each.metadata["what"] for each in fields(Bounds)}
    return [
        f"a bound of this program was reached {_times(count)}: at most {getattr(BOUNDS, name):,} "
        f"{about[name]} (--bound {name}=N changes it)"
        for name, count in sorted(counts.items())
    ]


def table() -> list[tuple[str, int, str, str]]:
    """Return name, value, meaning and reason of every bound."""
    return [
        (each.name, getattr(BOUNDS, each.name), each.metadata["what"], each.metadata["why"])
        for each in fields(Bounds)
    ]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
