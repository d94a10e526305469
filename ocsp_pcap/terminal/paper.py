"""A file or a pipe as what is printed on."""

from __future__ import annotations

from typing import IO, NamedTuple


class Paper(NamedTuple):
    """A file or a pipe, on which nothing is styled: it spares who writes there the loading of rich."""

    file: IO[str]
    width: int
    encoding: str
