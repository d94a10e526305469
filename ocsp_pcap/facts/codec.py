"""JSON values to frozen dataclasses, as their plan says: what :mod:`ocsp_pcap.facts.lines` wrote, read back.

Tuples are lists in JSON, tuples of pairs objects, times (integers, nanoseconds since the Unix epoch) RFC
3339 text in UTC with nanoseconds. A decoder is compiled once for each class. It checks every type, because
stored facts may come from anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING
from datetime import UTC, datetime, timedelta
from functools import cache
from sys import intern
from typing import Any, Final, TypeAlias

from ocsp_pcap.facts.plan import Integer, Listing, Moment, Pairs, Shape, Structure, Text, Truth, plan_of

_Decode: TypeAlias = Callable[[Any], Any]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIME: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?Z", re.ASCII
)


class FormatError(ValueError):
    """A JSON value has not the form that the contract gives it; says where and why."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path: list[str] = []

    def __str__(self) -> str:
        """Return the path of the bad value and the problem."""
        place = ".".join(reversed(self.path))
        return f"{place}: {self.problem}" if place else self.problem


def time_from_text(text: str) -> int:
    """Return RFC 3339 text in UTC as nanoseconds since the Unix epoch. Raise FormatError otherwise."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise FormatError("expected a time such as 2026-01-02T03:04:05.123456789Z")
    year, month, day, hour, minute, second, fraction = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError as error:
        raise FormatError(f"expected a time: {error}") from None
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return seconds * 1_000_000_000 + int((fraction or "").ljust(9, "0"))


def from_json(cls: Any, value: object) -> Any:
    """Return the object of a class that a JSON value describes. Raise FormatError where it describes none."""
    return _object_decoder(cls)(value)


@cache
def _object_decoder(cls: Any) -> _Decode:
    """Return the decoder of a dataclass; keys that it does not know are passed over."""
    members = tuple(
        (member.name, member.default is MISSING, _decoder(member.shape, optional=member.optional))
        for member in plan_of(cls).members
    )

    def decode(value: object) -> Any:
        if type(value) is not dict:
            raise _expected("an object", value)
        arguments: dict[str, Any] = {}
        for name, required, convert in members:
            if name not in value:
                if required:
                    raise FormatError(f"the key {name!r} is missing")
                continue
            try:
                arguments[name] = convert(value[name])
            except FormatError as error:
                error.path.append(name)
                raise
        return cls(**arguments)

    return decode


def _decoder(shape: Shape, *, optional: bool = False) -> _Decode:
    """Return the decoder for a shape, which raises FormatError for anything else."""
    if optional:
        return _optional(_decoder(shape))
    match shape:
        case Structure():
            return _object_decoder(shape.cls)
        case Moment():
            return _time
        case Pairs():
            return _pairs
        case Listing(element):
            return _list(_decoder(element))
        case Text(choices) if choices:
            return _choice(choices)
        case Text():
            return _text
        case Integer():
            return _plain(int)
        case Truth():
            return _plain(bool)


def _plain(expected: type[Any]) -> _Decode:
    """Return a decoder that lets pass exactly one of JSON's own types."""
    words = {int: "an integer", bool: "true or false"}[expected]

    def decode(value: object) -> Any:
        if type(value) is not expected:
            raise _expected(words, value)
        return value

    return decode


def _text(value: object) -> str:
    """Decode a string; of addresses, names and hashes, which come again and again, one copy is kept."""
    if type(value) is not str:
        raise _expected("a string", value)
    return intern(value)


def _optional(inner: _Decode) -> _Decode:
    """Return a decoder that also lets null pass."""
    return lambda value: None if value is None else inner(value)


def _choice(choices: tuple[str, ...]) -> _Decode:
    """Return a decoder that lets one of several words pass."""

    def decode(value: object) -> str:
        if type(value) is not str or value not in choices:
            raise _expected("one of " + ", ".join(choices), value)
        return intern(value)

    return decode


def _list(element: _Decode) -> _Decode:
    """Return a decoder of an array into a tuple."""

    def decode(value: object) -> tuple[Any, ...]:
        if type(value) is not list:
            raise _expected("an array", value)
        try:
            return tuple([element(item) for item in value])
        except FormatError as error:
            error.path.append("[]")
            raise

    return decode


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    """Decode an object of strings into pairs."""
    if type(value) is not dict or not all(type(item) is str for item in value.values()):
        raise _expected("an object of strings", value)
    return tuple(value.items())


def _time(value: object) -> int:
    """Decode a time."""
    if type(value) is not str:
        raise _expected("a time", value)
    return time_from_text(value)


def _expected(words: str, value: object) -> FormatError:
    """Say what was expected and, shortly, what was there."""
    found = ascii(value)
    return FormatError(f"expected {words}, found {found if len(found) <= 40 else found[:37] + '...'}")
