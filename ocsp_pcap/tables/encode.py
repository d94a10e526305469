"""From facts to Arrow arrays, column by column."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, Final

from ocsp_pcap.facts.codec import FormatError
from ocsp_pcap.facts.plan import FieldPlan, Integer, Listing, Moment, Pairs, Shape, Structure, Text, Truth
from ocsp_pcap.tables.schema import arrow_fields, arrow_type
from ocsp_pcap.tables.text import fitting

if TYPE_CHECKING:
    import pyarrow as pa

_NANOSECONDS: Final = 1000
"""In a microsecond."""
_FILLERS: Final[dict[type[Any], Any]] = {
    Text: "",
    Integer: 0,
    Truth: False,
    Moment: 0,
    Listing: (),
    Pairs: (),
}


def arrays(record: Structure, items: Sequence[Any]) -> list[pa.Array]:
    """Return the columns of objects of one class, in the order of :func:`arrow_fields`.

    Raises:
        FormatError: a value does not fit its column, such as an integer of more than 64 bits.
    """
    found: list[pa.Array] = []
    for column in record.members:
        try:
            found += _column(column, [getattr(item, column.name) for item in items])
        except (ValueError, OverflowError) as error:
            # pyarrow's own errors about values are ValueErrors, too.
            problem = error if isinstance(error, FormatError) else FormatError(str(error))
            problem.path.append(column.name)
            raise problem from None
    return found


def _column(column: FieldPlan, values: list[Any]) -> list[pa.Array]:
    if not isinstance(column.shape, Moment):
        return [_array(column.shape, values)]
    import pyarrow as pa

    whole = pa.array([None if time is None else time // _NANOSECONDS for time in values], pa.int64())
    rest = [None if time is None else time % _NANOSECONDS for time in values]
    times = whole.cast(arrow_type(column.shape))
    if not column.shape.stated:
        return [times, pa.array(rest, pa.int16())]
    if any(rest):
        raise FormatError(
            "a time that is no whole number of microseconds; only those of packets may be finer"
        )
    return [times]


def _array(shape: Shape, values: list[Any]) -> pa.Array:
    import pyarrow as pa

    match shape:
        case Text():
            return pa.array([text and fitting(text) for text in values], pa.string())
        case Listing(element):
            flat = list(chain.from_iterable(values))
            return pa.ListArray.from_arrays(_offsets(values), _array(element, flat), arrow_type(shape))
        case Pairs():
            keys, items = ([fitting(pair[end]) for pairs in values for pair in pairs] for end in (0, 1))
            return pa.MapArray.from_arrays(
                _offsets(values), pa.array(keys, pa.string()), pa.array(items, pa.string())
            ).cast(arrow_type(shape))
        case Structure():
            return _struct(shape, values)
        case _:
            return pa.array(values, arrow_type(shape))


def _offsets(values: list[Any]) -> pa.Array:
    import pyarrow as pa

    return pa.array([0, *accumulate(map(len, values))], pa.int32())


def _struct(record: Structure, values: list[Any]) -> pa.Array:
    import pyarrow as pa

    missing = [value is None for value in values]
    if any(missing):
        # What stands below a missing object is never read, but has to be there.
        filler = _filler(record)
        values = [filler if value is None else value for value in values]
    return pa.StructArray.from_arrays(
        arrays(record, values), fields=list(arrow_fields(record)), mask=pa.array(missing, pa.bool_())
    )


def _filler(record: Structure) -> Any:
    values = {
        column.name: None
        if column.optional
        else _filler(column.shape)
        if isinstance(column.shape, Structure)
        else _FILLERS[type(column.shape)]
        for column in record.members
    }
    return record.cls(**values)
