"""The make-up of the fields of facts, read from their type hints once, for every form that facts have.

JSON reading and writing, the columns of tables and the JSON Schema follow from this plan alone: a field
that is added to a fact is a key, a column and a property without more ado. What an integer or a string
means follows from its type (:mod:`ocsp_pcap.facts.types`), never by its name.
"""

from __future__ import annotations

import sys
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    TypeAlias,
    Union,
    cast,
    get_args,
    get_origin,
)

from ocsp_pcap.facts.model import Fact
from ocsp_pcap.facts.types import STATED, TIME

KINDS: Final[dict[str, Any]] = {cls.kind: cls for cls in get_args(Fact)}
"""The class of each kind of fact, in the order of :class:`ocsp_pcap.facts.Facts`."""


class Text(NamedTuple):
    """A string, of these words only where there are any."""

    choices: tuple[str, ...] = ()
    meaning: str = ""
    """One of those in :mod:`ocsp_pcap.facts.types`."""


class Integer(NamedTuple):
    """An integer."""

    meaning: str = ""


class Truth(NamedTuple):
    """True or false."""


class Moment(NamedTuple):
    """A time in nanoseconds since the Unix epoch; one that is ``stated`` is a whole second."""

    stated: bool


class Listing(NamedTuple):
    """A sequence."""

    element: Shape


class Pairs(NamedTuple):
    """A sequence of pairs of strings, the first of each pair different: a map."""

    key: Text = Text()
    value: Text = Text()


class FieldPlan(NamedTuple):
    """One field of a class."""

    name: str
    shape: Shape
    optional: bool
    """None is allowed."""
    default: Any
    """What it means that it is not there; MISSING where it must be."""


class Structure(NamedTuple):
    """An object of a dataclass."""

    cls: Any
    members: tuple[FieldPlan, ...]


Shape: TypeAlias = Text | Integer | Truth | Moment | Listing | Pairs | Structure


@cache
def plan_of(cls: Any) -> Structure:
    """Return the plan of a dataclass."""
    return Structure(cls, tuple(_member(cls.__module__, field) for field in fields(cls)))


def _member(module: str, field: Any) -> FieldPlan:
    hint = _hint(module, str(field.type))
    default = field.default if field.default_factory is MISSING else field.default_factory()
    optional = get_origin(hint) in (Union, UnionType)
    if optional:
        (hint,) = (item for item in get_args(hint) if item is not NoneType)
    return FieldPlan(field.name, _shape(hint), optional, default)


@cache
def _hint(module: str, annotation: str) -> Any:
    """Return the type that an annotation of a module means: few annotations, on many fields."""
    # What get_type_hints does takes twice as long. The source is that of our own classes.
    return eval(annotation, vars(sys.modules[module]))  # noqa: S307


def _shape(hint: Any) -> Shape:
    meaning = ""
    if get_origin(hint) is Annotated:
        hint, meaning = get_args(hint)
    if meaning in (TIME, STATED):
        return Moment(meaning == STATED)
    if is_dataclass(hint):
        return plan_of(cast("Any", hint))
    if get_origin(hint) is Literal:
        return Text(get_args(hint))
    if get_origin(hint) is tuple:
        element = get_args(hint)[0]
        return Pairs() if get_origin(element) is tuple else Listing(_shape(element))
    shapes: dict[Any, Shape] = {str: Text(meaning=meaning), int: Integer(meaning), bool: Truth()}
    return shapes[hint]
