"""Facts as lines of JSON, written straight from their fields.

A capture of many handshakes has as many lines: what writes a class is compiled once, into one
f-string, and spares the dict between the fact and its text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import is_dataclass
from functools import cache
from json.encoder import encode_basestring_ascii
from types import NoneType, UnionType
from typing import Any, Final, TypeAlias, Union, cast, get_args, get_origin

from ocsp_pcap.facts.codec import field_hints, is_time_field, time_text

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
    for name, hint in field_hints(cls).items():
        text = f"write_{name}(value.{name})"
        if get_origin(hint) in (Union, UnionType):
            (hint,) = (item for item in get_args(hint) if item is not NoneType)
            text = f"'null' if value.{name} is None else {text}"
        writers[f"write_{name}"] = _write(hint, name)
        members.append(f'"{name}": {{{text}}}')
    # The source is made of the names of our own fields, nothing else.
    source = "lambda value: f'''{{" + ", ".join(members) + "}}'''"
    return cast("_Write", eval(source, cast("dict[str, Any]", writers)))  # noqa: S307


def _write(hint: Any, name: str) -> _Write:
    """Return what writes a value of a type that is not None."""
    if is_dataclass(hint):
        return _writer(cast("Any", hint))
    if hint is int:
        return (lambda time: f'"{time_text(time)}"') if is_time_field(name) else int.__repr__
    if hint is bool:
        return _BOOLEANS.__getitem__
    if get_origin(hint) is tuple:
        (element, *_) = get_args(hint)
        return _write_pairs if get_origin(element) is tuple else _list_writer(_write(element, name))
    return encode_basestring_ascii


def _list_writer(write: _Write) -> _Write:
    def write_list(items: Iterable[Any]) -> str:
        return f"[{', '.join([write(item) for item in items])}]"

    return write_list


def _write_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    quote = encode_basestring_ascii
    return f"{{{', '.join([f'{quote(key)}: {quote(value)}' for key, value in dict(pairs).items()])}}}"
