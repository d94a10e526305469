"""Every fuzz target takes what a fuzzer may begin with, and what one found before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

FOUND = Path(__file__).parents[1] / "fuzz" / "found"
BEGINNINGS = (b"", b"\0", b"0\x82\x01\0" * 8, b"\xff" * 64, b"[a]\n" * 20, bytes(range(256)))
KEPT = [(path.parent.name, path) for path in sorted(FOUND.glob("*/*"))]


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_takes_anything(name: str) -> None:
    for data in BEGINNINGS:
        TARGETS[name](data)


@pytest.mark.parametrize(("name", "path"), KEPT)
def test_what_was_found_holds(name: str, path: Path) -> None:
    TARGETS[name](path.read_bytes())
