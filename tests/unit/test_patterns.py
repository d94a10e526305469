"""No pattern of the program takes long over text that is made to waste its time.

Every compiled pattern of every module is tried on long runs of what it may stumble over, in the ways that
patterns are used. Backtracking shows as time that grows with the square of the length, or worse.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

import ocsp_pcap

LENGTH = 10_000
SECONDS = 0.4
"""A linear pattern takes about a millisecond; quadratic ones, at this length, ten seconds or so."""
BOUNDED = {"capture.rotation": 255}
"""Patterns that see no longer text: names of files."""
RUNS = (
    *(
        " ",
        "\t",
        "\n",
        "0",
        "1",
        "a",
        "A",
        "M",
        "_",
        "-",
        ".",
        ",",
        ";",
        ":",
        "/",
        "=",
        '"',
        "\\",
        "<",
        "`",
        "[",
        "(",
    ),
    *("\x30", "\x81", "for=", '"\\', "a.", "1.", " a", "\r\n", "; ", "a=", 'for="', "- ", "20", "[1", "://"),
)
STARTS = (
    "",
    "GET ",
    "for=",
    "inline a ",
    "create a ",
    "<!doctype",
    "a",
    "2026-01-01T",
    "-----BEGIN X509 CRL-----",
)


def _modules() -> Iterator[Any]:
    for info in pkgutil.walk_packages(ocsp_pcap.__path__, "ocsp_pcap."):
        if not info.name.endswith("__main__"):
            yield importlib.import_module(info.name)


def _patterns() -> dict[str, re.Pattern[Any]]:
    found: dict[str, re.Pattern[Any]] = {}
    for module in _modules():
        for name, value in vars(module).items():
            for number, each in enumerate(value if isinstance(value, (tuple, list)) else (value,)):
                if isinstance(each, re.Pattern):
                    found.setdefault(f"{module.__name__}.{name}[{number}]", each)
    return found


PATTERNS = _patterns()


def test_there_are_patterns() -> None:
    assert len(PATTERNS) > 30


@pytest.mark.parametrize("name", PATTERNS)
def test_no_pattern_backtracks(name: str) -> None:
    pattern = PATTERNS[name]
    began = time.process_time()
    length = next((most for part, most in BOUNDED.items() if part in name), LENGTH)
    module, _, variable = name.partition("[")[0].rpartition(".")
    source = inspect.getsource(importlib.import_module(module))
    in_loop = not name.endswith("[0]")
    searched = in_loop or re.search(rf"\b{variable}\.(?:search|finditer|findall|sub|split)\b", source)
    for start in STARTS:
        for run in RUNS:
            text: Any = start + run * (length // len(run)) + "\x00"
            if isinstance(pattern.pattern, bytes):
                text = text.encode("latin-1")
            spent = time.process_time()
            pattern.match(text)
            pattern.fullmatch(text)
            if searched:
                pattern.search(text)
            assert time.process_time() - spent < SECONDS, (start, run)
            assert time.process_time() - began < 60, (start, run)
