"""Strings that are no Unicode text: names of files may hold bytes that are not UTF-8.

Python keeps such a byte as a lone surrogate (PEP 383), which Parquet's strings cannot hold. It is
written as U+FDD0, a noncharacter that no text should hold, and four hex digits.
"""

from __future__ import annotations

import re
from typing import Final

_ESCAPE: Final = "\ufdd0"
_UNFIT: Final = re.compile(f"[\ud800-\udfff{_ESCAPE}]")
_ESCAPED: Final = re.compile(f"{_ESCAPE}([0-9a-f]{{4}})")


def fitting(text: str) -> str:
    """Return a string as UTF-8 can hold it."""
    return text if text.isascii() else _UNFIT.sub(lambda found: f"{_ESCAPE}{ord(found[0]):04x}", text)


def original(text: str) -> str:
    """Return the string that :func:`fitting` was given."""
    return text if _ESCAPE not in text else _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
