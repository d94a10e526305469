"""From Arrow arrays to facts, column by column; nothing that a table holds is taken on trust."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import MISSING
from datetime import UTC, datetime, timedelta
from itertools import pairwise, repeat
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from ocsp_pcap.facts.alike import maker_of
from ocsp_pcap.facts.codec import FormatError
from ocsp_pcap.facts.plan import FieldPlan, Integer, Listing, Moment, Pairs, Shape, Structure, Text, Truth
from ocsp_pcap.tables.schema import FINER
from ocsp_pcap.tables.text import original

if TYPE_CHECKING:
    import pyarrow as pa

_NANOSECONDS: Final = 1000
"""In a microsecond."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LAST: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def objects(record: Structure, length: int, column_of: Callable[[str], pa.Array | None]) -> list[Any]:
    """Return ``length`` objects of a class; ``column_of`` gives a column by its name, None where it is not.

    Columns that the class does not know are not asked for; for one that is missing the default counts.

    Raises:
        FormatError: a column is missing or of another type, or a value is missing or impossible.
    """
    arguments: list[Iterable[Any]] = []
    for column in record.members:
        array = column_of(column.name)
        try:
            if array is not None:
                arguments.append(_column(column, array, column_of(column.name + FINER)))
            elif column.default is MISSING:
                raise FormatError("the column is missing")
            else:
                arguments.append(repeat(column.default, length))
        except FormatError as error:
            error.path.append(column.name)
            raise
    make = maker_of(record.cls, tuple(column.name for column in record.members))
    return list(map(make, repeat(None), *arguments))


def _column(column: FieldPlan, array: pa.Array, finer: pa.Array | None) -> list[Any]:
    """Return the values of one column; ``finer`` is its second column, where it is a time that has one."""
    _check(column.shape, array.type)
    there = array.is_valid() if array.null_count else None
    if there is not None:
        if not column.optional:
            raise _null()
        array = array.filter(there)
    values = _values(column.shape, array)
    if finer is not None and isinstance(column.shape, Moment):
        rest = _rest(finer if there is None else finer.filter(there))
        values = [time + more for time, more in zip(values, rest, strict=True)]
    if there is None:
        return values
    remaining = iter(values)
    return [next(remaining) if here else None for here in _scalars(there)]


def _times(microseconds: list[int]) -> list[int]:
    """Return nanoseconds of microseconds; the years are those that a time has anywhere in facts."""
    if microseconds and not _FIRST <= min(microseconds) <= max(microseconds) <= _LAST:
        raise FormatError("a time is not in the years 1 to 9999")
    return [time * _NANOSECONDS for time in microseconds]


def _rest(finer: pa.Array) -> list[int]:
    """Return what times have beyond their microseconds; none where the column says nothing."""
    _check(Integer(), finer.type)
    rest = cast("list[int]", _scalars(finer))
    if finer.null_count:
        rest = [more if there else 0 for more, there in zip(rest, _scalars(finer.is_valid()), strict=True)]
    if rest and not 0 <= min(rest) <= max(rest) < _NANOSECONDS:
        raise FormatError("a time has more nanoseconds than a microsecond has")
    return rest


def _check(shape: Shape, found: pa.DataType) -> None:
    """Raise FormatError for the type of a column that is none of those that fit its shape."""
    from pyarrow import types

    match shape:
        case Text():
            fits = types.is_string(found) or types.is_large_string(found)
        case Integer():
            fits = types.is_integer(found)
        case Truth():
            fits = types.is_boolean(found)
        case Moment():
            fits = types.is_timestamp(found) and found.unit == "us" and found.tz is not None
        case Listing():
            fits = types.is_list(found) or types.is_large_list(found)
        case Pairs():
            fits = types.is_map(found)
        case Structure():
            fits = types.is_struct(found)
    if not fits:
        raise FormatError(f"the column is of type {str(found)[:60]}")


def _values(shape: Shape, array: pa.Array) -> list[Any]:
    """Return the values of an array without nulls, the type of which was checked."""
    match shape:
        case Text(choices):
            return _texts(array, choices)
        case Moment():
            return _times(_scalars(array.cast("int64")))
        case Listing(element):
            flat, bounds = _below(array)
            values = _elements(element, flat(array.values))
            return [tuple(values[start:end]) for start, end in pairwise(bounds)]
        case Pairs():
            flat, bounds = _below(array)
            pairs = list(
                zip(*(_elements(Text(), flat(each)) for each in (array.keys, array.items)), strict=True)
            )
            return [tuple(pairs[start:end]) for start, end in pairwise(bounds)]
        case Structure():
            names = {field.name for field in array.type}
            return objects(shape, len(array), lambda name: array.field(name) if name in names else None)
        case _:
            return _scalars(array)


def _below(array: pa.Array) -> tuple[Callable[[pa.Array], pa.Array], list[int]]:
    """Return what cuts out the elements below a list array, and where among them each list begins."""
    if not len(array):
        return (lambda elements: elements.slice(0, 0)), []
    offsets = _scalars(array.offsets)
    first, last = offsets[0], offsets[-1]
    return (lambda elements: elements.slice(first, last - first)), [offset - first for offset in offsets]


def _elements(shape: Shape, array: pa.Array) -> list[Any]:
    _check(shape, array.type)
    if array.null_count:
        raise _null()
    return _values(shape, array)


def _texts(array: pa.Array, choices: tuple[str, ...]) -> list[str]:
    """Return strings, each distinct one once in memory."""
    encoded = array.dictionary_encode()
    texts = [original(text) for text in encoded.dictionary.to_pylist()]
    if choices and not set(choices).issuperset(texts):
        found = next(ascii(text) for text in texts if text not in choices)
        raise FormatError(f"expected one of {', '.join(choices)}, found {found[:40]}")
    return [texts[index] for index in _scalars(encoded.indices)]


def _scalars(array: pa.Array) -> list[Any]:
    """Return integers, or true and false; anything in place of nulls.

    Taken from their buffer: pyarrow's own way to numpy loads pandas where it is installed.
    """
    if not len(array):
        return []
    truth = str(array.type) == "bool"
    if truth:
        array = array.cast("uint8")
    kind = np.dtype(str(array.type))
    start = array.offset * kind.itemsize
    values = np.frombuffer(array.buffers()[1], kind, len(array), start)
    return cast("list[Any]", (values.view(np.bool_) if truth else values).tolist())


def _null() -> FormatError:
    return FormatError("a value is missing where there must be one")
