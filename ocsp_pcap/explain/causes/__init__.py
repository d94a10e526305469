"""What each cause and each finding means, and what to do next.

The metadata are Python tables, cheap to import; the long form of each code is a Markdown page of
this package, ``<code>.md``, read only when :func:`page` asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from string import Formatter
from types import MappingProxyType
from typing import Final

from ocsp_pcap.explain.causes.causes import CAUSE_TABLE
from ocsp_pcap.explain.causes.entry import PLACEHOLDERS, Cause
from ocsp_pcap.explain.causes.findings import FINDING_TABLE

__all__ = ["CAUSES", "PLACEHOLDERS", "SECTIONS", "Cause", "next_steps", "page"]

CAUSES: Final[Mapping[str, Cause]] = MappingProxyType(
    {entry.code: entry for entry in (*CAUSE_TABLE, *FINDING_TABLE)}
)
"""Every code of the contract: the causes in the order of the contract's table, then the findings."""

SECTIONS: Final = (
    "What it means",
    "How it is proven",
    "What is easily mistaken for it",
    "What to do next",
    "Standards",
)
"""Headings of every page, in this order."""


def page(code: str) -> str:
    """Return the Markdown page of a cause or finding. Raise KeyError for a code that is none."""
    entry = CAUSES[code]
    return resources.files(__name__).joinpath(f"{entry.code}.md").read_text(encoding="utf-8")


def next_steps(code: str, **context: object) -> tuple[str, ...]:
    """Return the next steps of a cause or finding with its placeholders filled in.

    ``context`` may give any of :data:`PLACEHOLDERS`; a sentence that needs one which is missing or
    None is left out. Values go in as they are and are escaped where text leaves the program. Raise
    KeyError for a code that is none.
    """
    known = {name: value for name, value in context.items() if value is not None}
    return tuple(
        sentence.format(**known) for sentence in CAUSES[code].next_steps if _fields(sentence) <= known.keys()
    )


@cache
def _fields(sentence: str) -> frozenset[str]:
    """Names of the placeholders in a sentence of the tables."""
    return frozenset(name for _, name, _, _ in Formatter().parse(sentence) if name)
