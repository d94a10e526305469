"""Facts as lines of JSON, written straight from their fields.

A capture of many handshakes has as many lines: what writes a class is compiled once, into one
f-string, and spares the dict between the fact and its text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from json.encoder import encode_basestring_ascii
from typing import Any, Final, TypeAlias, cast

from ocsp_pcap.facts.codec import time_text
from ocsp_pcap.facts.plan import Integer, Listing, Moment, Pairs, Shape, Structure, Text, Truth, plan_of

_Write: TypeAlias = Callable[[Any], str]

_BOOLEANS: Final = {False: "false", True: "true"}


def line_of(value: Any) -> str:
    """Return what ``json.dumps`` makes of :func:`ocsp_pcap.facts.codec.to_json` of a dataclass."""
    cls: Any = type(value)
    return _writer(cls)(value)


@cache
def _writer(cls: Any) -> _Write:
    """Compile what writes a dataclass; facts say their kind first."""
    kind = getattr(cls, "kind", None)
    members = [f'"kind": "{kind}"'] if isinstance(kind, str) else []
    writers: dict[str, _Write] = {}
    for member in plan_of(cls).members:
        name = member.name
        text = f"write_{name}(value.{name})"
        if member.optional:
            text = f"'null' if value.{name} is None else {text}"
        writers[f"write_{name}"] = _write(member.shape)
        members.append(f'"{name}": {{{text}}}')
    # The source is made of the names of our own fields, nothing else.
    source = "lambda value: f'''{{" + ", ".join(members) + "}}'''"
    return cast("_Write", eval(source, cast("dict[str, Any]", writers)))  # noqa: S307


def _write(shape: Shape) -> _Write:
    """Return what writes a value of a shape that is not None."""
    match shape:
        case Structure():
            return _writer(shape.cls)
        case Moment():
            return lambda time: f'"{time_text(time)}"'
        case Integer():
            return int.__repr__
        case Truth():
            return _BOOLEANS.__getitem__
        case Pairs():
            return _write_pairs
        case Listing(element):
            return _list_writer(_write(element))
        case Text():
            return encode_basestring_ascii


def _list_writer(write: _Write) -> _Write:
    def write_list(items: Iterable[Any]) -> str:
        return f"[{', '.join([write(item) for item in items])}]"

    return write_list


def _write_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    quote = encode_basestring_ascii
    return f"{{{', '.join([f'{quote(key)}: {quote(value)}' for key, value in dict(pairs).items()])}}}"
