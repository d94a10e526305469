"""Dataclasses of facts and results as JSON, written straight from their fields.

A capture of many handshakes has as many lines and verdicts: what writes a class is compiled once, into one
f-string, and spares the dict between the object and its text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cache
from json.encoder import encode_basestring_ascii
from typing import Any, Final, NamedTuple, TypeAlias, cast

from ocsp_pcap.facts.plan import Integer, Listing, Moment, Pairs, Shape, Structure, Text, Truth, plan_of
from ocsp_pcap.facts.times import time_text

_Write: TypeAlias = Callable[..., str]
"""Takes a value; where it is made of others and indented, also what stands before each of its lines."""

_BOOLEANS: Final = {False: "false", True: "true"}


class _Form(NamedTuple):
    indented: bool
    """Each member stands on a line of its own, further to the right by 2."""
    only: tuple[tuple[type, tuple[str, ...]], ...] = ()
    """Of some classes, the members that are written, in their order."""
    left_out: tuple[str, ...] = ()
    """Members in place of which ``_PLACE`` is written, those of a structure behind its name and a dot."""

    @property
    def pad(self) -> str:
        """What calls hand on, as source."""
        return ", deeper" if self.indented else ""

    def inside(self, member: str) -> _Form:
        """Return the form of what a member is made of."""
        start = f"{member}."
        left_out = [name.removeprefix(start) for name in self.left_out if name.startswith(start)]
        return self._replace(left_out=tuple(left_out))


_LINE: Final = _Form(indented=False)
_PLACE: Final = "\n"
"""What is in no line."""


def line_of(value: Any) -> str:
    """Return a dataclass of facts or results as one line of JSON, spaced as ``json.dumps`` does."""
    cls: Any = type(value)
    return _writer(cls, _LINE)(value)


def pieces(value: Any, left_out: tuple[str, ...]) -> list[str]:
    """Return that line in pieces: every second one is empty, in the place of a member that is left out."""
    cls: Any = type(value)
    line = _writer(cls, _Form(indented=False, left_out=left_out))(value)
    return line.replace(_PLACE, f"{_PLACE}{_PLACE}").split(_PLACE)


def writer_of(shape: Shape) -> Callable[[Any], str]:
    """Return what writes a value of a shape that is not None, in a line."""
    return _write(shape, _LINE)


def to_json(value: Any) -> dict[str, Any]:
    """Return the JSON object of that line, for those who add to it."""
    document: dict[str, Any] = json.loads(line_of(value))
    return document


def indented(value: Any, margin: str, only: tuple[tuple[type, tuple[str, ...]], ...] = ()) -> str:
    """Return the same as ``json.dumps`` with ``indent=2``, a margin before all lines but the first.

    Args:
        value: a dataclass.
        margin: spaces.
        only: of some classes, the members that are written, in this order.
    """
    cls: Any = type(value)
    return _writer(cls, _Form(indented=True, only=only))(value, "\n" + margin)


@cache
def _writer(cls: Any, form: _Form) -> _Write:
    """Compile what writes a dataclass; facts say their kind first."""
    kind = getattr(cls, "kind", None)
    members = [f'"kind": "{kind}"'] if isinstance(kind, str) else []
    writers: dict[str, _Write] = {}
    known = {member.name: member for member in plan_of(cls).members}
    for name in dict(form.only).get(cls, known):
        if name in form.left_out:
            members.append(f'"{name}": {_PLACE!r}'.replace("'", ""))
            continue
        text = _source(known[name].shape, name, form)
        if known[name].optional:
            text = f"'null' if value.{name} is None else {text}"
        writers[f"write_{name}"] = _write(known[name].shape, form.inside(name))
        members.append(f'"{name}": {{{text}}}')
    # The source is made of the names of our own fields, nothing else.
    if form.indented:
        body = '{(deeper := pad + "  ")}' + ",{deeper}".join(members) + "{pad}"
        source = f"lambda value, pad: f'''{{{{{body}}}}}'''"
    else:
        source = f"lambda value: f'''{{{{{', '.join(members)}}}}}'''"
    return cast("_Write", eval(source, cast("dict[str, Any]", writers)))  # noqa: S307


def _source(shape: Shape, name: str, form: _Form) -> str:
    """Return the source of what writes a member that is not None: what is simple needs no call."""
    match shape:
        case Integer():
            return f"value.{name}"
        case Truth():
            return f"'true' if value.{name} else 'false'"
        case Moment() | Text():
            return f"write_{name}(value.{name})"
        case Listing():
            return f"write_{name}(value.{name}{form.pad}) if value.{name} else '[]'"
        case Structure() | Pairs():
            return f"write_{name}(value.{name}{form.pad})"


def _write(shape: Shape, form: _Form) -> _Write:
    """Return what writes a value of a shape that is not None."""
    match shape:
        case Structure():
            return _writer(shape.cls, form)
        case Moment():
            return _write_time
        case Integer():
            return int.__repr__
        case Truth():
            return _BOOLEANS.__getitem__
        case Pairs():
            return _indented_pairs if form.indented else _write_pairs
        case Listing(element):
            write = _write(element, form)
            if not form.indented:
                return _list_writer(write)
            return _indented_list(write, deep=isinstance(element, Structure | Pairs | Listing))
        case Text():
            return encode_basestring_ascii


def _write_time(time: int) -> str:
    return f'"{time_text(time)}"'


def _list_writer(write: _Write) -> _Write:
    def write_list(items: Iterable[Any]) -> str:
        return f"[{', '.join(map(write, items))}]"

    return write_list


def _indented_list(write: _Write, *, deep: bool) -> _Write:
    def write_list(items: Iterable[Any], pad: str) -> str:
        if not items:
            return "[]"
        deeper = pad + "  "
        texts = [write(item, deeper) for item in items] if deep else [write(item) for item in items]
        return f"[{deeper}{f',{deeper}'.join(texts)}{pad}]"

    return write_list


def _texts(pairs: Iterable[tuple[str, str]]) -> list[str]:
    quote = encode_basestring_ascii
    return [f"{quote(key)}: {quote(value)}" for key, value in dict(pairs).items()]


def _write_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return f"{{{', '.join(_texts(pairs))}}}"


def _indented_pairs(pairs: Iterable[tuple[str, str]], pad: str) -> str:
    deeper = pad + "  "
    return f"{{{deeper}{f',{deeper}'.join(_texts(pairs))}{pad}}}" if pairs else "{}"
