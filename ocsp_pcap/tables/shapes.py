"""What the fields of facts are made of, from their type hints: the plan of every table.

Schema, writing and reading follow from the same plan, as JSON follows from the type hints in
:mod:`ocsp_pcap.facts.codec`: a field that is added to a fact is a column without more ado.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeAlias, Union, cast, get_args, get_origin, get_type_hints

from ocsp_pcap.facts import Fact
from ocsp_pcap.facts.codec import is_time_field

KINDS: Final[dict[str, Any]] = {cls.kind: cls for cls in get_args(Fact)}
"""The class of each kind of fact, in the order of :class:`ocsp_pcap.facts.Facts`."""
FINER: Final = "_nanoseconds"
"""Ends the name of the column with what a time has beyond its microseconds."""
_STATED: Final = frozenset(
    {
        "not_before",
        "not_after",
        "produced_at",
        "this_update",
        "next_update",
        "revocation_time",
        "expires",
        "date",
    }
)


@dataclass(frozen=True, slots=True)
class Text:
    """A string, of these words only where there are any."""

    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer of 64 bits with sign."""


@dataclass(frozen=True, slots=True)
class Truth:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Time:
    """A time: microseconds since the Unix epoch, UTC; with a second column where ``finer``.

    Spark from 3.2 on refuses a file with a column of TIMESTAMP(NANOS), unless it is told to take it for
    an integer (SPARK-40819), and 64 bits of nanoseconds end in the year 2262, while certificates are
    valid until 9999. Microseconds are a timestamp to every reader and reach further than any calendar.
    What the time of a packet has beyond them, 0 to 999 nanoseconds, stands in a column of its own, so
    that nothing is lost. Times that documents state (RFC 5280 4.1.2.5, RFC 6960 4.2.2.1, RFC 9110
    5.6.7) are whole seconds and need none.
    """

    finer: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """A sequence."""

    element: Shape


@dataclass(frozen=True, slots=True)
class Pairs:
    """A sequence of pairs of strings, the first of each pair different: a map."""


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a class."""

    name: str
    shape: Shape
    optional: bool
    """None is allowed."""
    default: Any
    """What a table without this column means; MISSING where it must be there."""


@dataclass(frozen=True, slots=True)
class Record:
    """An object of a dataclass."""

    cls: Any
    columns: tuple[Column, ...]


Shape: TypeAlias = Text | Integer | Truth | Time | Listing | Pairs | Record


@cache
def record_of(cls: Any) -> Record:
    """Return the plan of a dataclass of facts."""
    hints = get_type_hints(cls)
    return Record(cls, tuple(_column(field, hints[field.name]) for field in fields(cls)))


def _column(field: Any, hint: Any) -> Column:
    default = field.default if field.default_factory is MISSING else field.default_factory()
    optional = get_origin(hint) in (Union, UnionType)
    if optional:
        (hint,) = (item for item in get_args(hint) if item is not NoneType)
    if hint is int and is_time_field(field.name):
        return Column(field.name, Time(field.name not in _STATED), optional, default)
    return Column(field.name, _shape(hint), optional, default)


def _shape(hint: Any) -> Shape:
    if is_dataclass(hint):
        return record_of(cast("Any", hint))
    if get_origin(hint) is Literal:
        return Text(get_args(hint))
    if get_origin(hint) is tuple:
        element = get_args(hint)[0]
        return Pairs() if get_origin(element) is tuple else Listing(_shape(element))
    shapes: dict[Any, Shape] = {str: Text(), int: Integer(), bool: Truth()}
    return shapes[hint]
