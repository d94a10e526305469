"""The form of a scenario."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ocsplab.lab import Lab


@dataclass(frozen=True, slots=True)
class Scenario:
    """One story: `play` runs it in a lab and leaves captures, traces and keys in a directory."""

    name: str
    play: Callable[[Lab, Path], None]
    programs: tuple[str, ...] = ()
