"""Many rows that say the same in the same words: the words once, and for each row what differs.

A page with thousands of certificates is mostly repetition. Rows whose HTML differs only in names and numbers
become one *form*, HTML with places, and a table of values: a row each, a column for each place. A reader
without a script reads the form and then the table; a script puts the values in their places and has every
row back, to the letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

FEWEST: Final = 3
"""Rows that are worth a form of their own."""
_SHORTEST: Final = 4
"""Characters of a name that is looked for in other words."""
_TAG: Final = re.compile(r"(<[^>]*>)")
_VALUE: Final = re.compile(
    r"\0(?P<own>\d+)\0"
    r"|(?P<fixed>(?:<[^>]*>|&[^;\s]{1,12};|[A-Za-z]++(?:[.:\-]++[A-Za-z]++)*+(?![.:\-]*\w)|[^\w<&\0])++)"
    r"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?"
    r"|\w+(?:[.:\-]+\w+)*"
)
"""A name of its own; what is never taken apart (markup, character references, letters); a time; a word."""
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it would stand in the page."""

    anchor: str
    html: str
    names: Mapping[str, str]
    """Texts that are likely to be its own, by what the heading of their column says: host, serial …"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value goes: that of a column, or one that follows from it."""

    column: int
    octets: bool = False
    """Not the value itself, a serial number, but its octets as :func:`octets` writes them."""


@dataclass(frozen=True, slots=True)
class Form:
    """The words of some rows, and what differs."""

    parts: tuple[str | Place, ...]
    headings: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    """Anchor and values of each."""

    def shown(self) -> str:
        """Return the HTML of the form itself, the headings of the columns in the places of their values."""
        return "".join(part if isinstance(part, str) else self._place(part) for part in self.parts)

    def _place(self, place: Place) -> str:
        as_octets = ' data-as="octets"' if place.octets else ""
        words = escape(self.headings[place.column]) + (" as octets" if place.octets else "")
        return f'<var data-column="{place.column}"{as_octets}>{words}</var>'


def octets(serial: str) -> str:
    """Return a serial number in hex as the octets of an ASN.1 INTEGER (X.690 8.3): ``00:85:aa``."""
    digits = serial.zfill(len(serial) + len(serial) % 2)
    return (b"\0"[: digits[0] in "89abcdef"] + bytes.fromhex(digits)).hex(":")


def share(rows: Sequence[Row]) -> tuple[list[Form], list[Row]]:
    """Return the forms that rows have in common, and the rows that are too few for one."""
    alike: dict[tuple[str, ...], list[tuple[Row, list[str]]]] = {}
    for row in rows:
        fixed, values = _taken_apart(row)
        alike.setdefault(fixed, []).append((row, values))
    forms, single = [], []
    for fixed, some in alike.items():
        if len(some) < FEWEST:
            single += [row for row, _ in some]
        else:
            forms.append(_form(fixed, some))
    return forms, single


def _taken_apart(row: Row) -> tuple[tuple[str, ...], list[str]]:
    """Return what stands between the values of a row, and the values: names of its own, words with digits."""
    names = sorted({escape(name) for name in row.names.values() if len(name) >= _SHORTEST}, key=len)[::-1]
    pieces = _TAG.split(row.html)
    # No safe text, and so no name, has U+0001 in it: names are found within one piece only.
    pieces[::2] = _marked("\1".join(pieces[::2]), names).split("\1")
    html = "".join(pieces)
    fixed, values, end = [], [], 0
    for match in _VALUE.finditer(html):
        if match["own"] is None and (match["fixed"] is not None or not any(map(str.isdigit, match[0]))):
            continue
        fixed.append(html[end : match.start()])
        values.append(match[0] if match["own"] is None else names[int(match["own"])])
        end = match.end()
    return (*fixed, html[end:]), values


def _marked(text: str, names: Sequence[str]) -> str:
    """Return text with its own names as numbers between characters that no safe text has."""
    for number, name in enumerate(names):
        text = text.replace(name, f"\0{number}\0")
    return text


def _form(fixed: tuple[str, ...], some: Sequence[tuple[Row, list[str]]]) -> Form:
    columns: dict[tuple[str, ...], int] = {}
    parts: list[str | Place] = [fixed[0]]
    serials = tuple(row.names.get("serial", "") for row, _ in some)
    for after, column in zip(fixed[1:], zip(*(values for _, values in some), strict=True), strict=True):
        if len(set(column)) == 1:
            parts += [column[0], after]
        elif _follows(column, serials):
            parts += [Place(columns.setdefault(serials, len(columns)), octets=True), after]
        else:
            parts += [Place(columns.setdefault(column, len(columns))), after]
    rows = tuple(
        (row.anchor, values)
        for (row, _), values in zip(
            some, zip(*columns, strict=True) if columns else ((),) * len(some), strict=True
        )
    )
    return Form(tuple(_joined(parts)), tuple(_headings(columns, some)), rows)


def _follows(column: tuple[str, ...], serials: tuple[str, ...]) -> bool:
    return all(
        re.fullmatch("[0-9a-f]+", serial) is not None and octets(serial) == value
        for value, serial in zip(column, serials, strict=True)
    )


def _headings(columns: Mapping[tuple[str, ...], int], some: Sequence[tuple[Row, list[str]]]) -> Iterator[str]:
    """Name each column as its values are named, else by a letter."""
    letters = (f"{letter}{number or ''}" for number in range(99) for letter in _LETTERS)
    for column in columns:
        named = (
            name
            for name in some[0][0].names
            if all(
                escape(row.names.get(name, "")) == value for (row, _), value in zip(some, column, strict=True)
            )
        )
        yield next(named, None) or next(letters)


def _joined(parts: Sequence[str | Place]) -> Iterator[str | Place]:
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        if text:
            yield text
        yield part
        text = ""
    if text:
        yield text
