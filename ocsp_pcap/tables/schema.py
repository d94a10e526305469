"""The Arrow schema of each kind of fact."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from ocsp_pcap.tables.shapes import (
    FINER,
    KINDS,
    Column,
    Integer,
    Listing,
    Pairs,
    Record,
    Shape,
    Text,
    Time,
    Truth,
    record_of,
)

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT: Final = "ocsp-pcap-facts/1"
"""Version of the tables; a field that is added with a default does not change it."""
FORMAT_KEY: Final = b"ocsp-pcap"
"""Key of the schema's metadata under which the format stands."""


@cache
def arrow_schema(kind: str) -> pa.Schema:
    """Return the schema of a kind of fact, with the format in its metadata."""
    import pyarrow as pa

    return pa.schema(arrow_fields(record_of(KINDS[kind])), metadata={FORMAT_KEY: FORMAT.encode()})


@cache
def arrow_fields(record: Record) -> tuple[pa.Field, ...]:
    """Return the Arrow fields of a class; each time has two where it is exact to the nanosecond."""
    return tuple(field for column in record.columns for field in _fields(column))


def _fields(column: Column) -> list[pa.Field]:
    import pyarrow as pa

    fields = [pa.field(column.name, arrow_type(column.shape), nullable=column.optional)]
    if isinstance(column.shape, Time) and column.shape.finer:
        fields.append(pa.field(column.name + FINER, pa.int16(), nullable=column.optional))
    return fields


@cache
def arrow_type(shape: Shape) -> pa.DataType:
    """Return the Arrow type of a shape."""
    import pyarrow as pa

    match shape:
        case Text():
            return pa.string()
        case Integer():
            return pa.int64()
        case Truth():
            return pa.bool_()
        case Time():
            return pa.timestamp("us", "UTC")
        case Listing(element):
            return pa.list_(pa.field("element", arrow_type(element), nullable=False))
        case Pairs():
            return pa.map_(pa.string(), pa.field("value", pa.string(), nullable=False))
        case Record():
            return pa.struct(list(arrow_fields(shape)))
