"""The Arrow schema of each kind of fact.

A time is microseconds since the Unix epoch, UTC. Spark from 3.2 on refuses a file with a column of
TIMESTAMP(NANOS), unless it is told to take it for an integer (SPARK-40819), and 64 bits of nanoseconds
end in the year 2262, while certificates are valid until 9999. Microseconds are a timestamp to every
reader and reach further than any calendar. What the time of a packet has beyond them, 0 to 999
nanoseconds, stands in a column of its own, so that nothing is lost; times that documents state need none.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from ocsp_pcap.facts import plan
from ocsp_pcap.facts.plan import KINDS, FieldPlan, Moment, Shape, Structure, plan_of

if TYPE_CHECKING:
    import pyarrow as pa

FINER: Final = "_nanoseconds"
"""Ends the name of the column with what a time has beyond its microseconds."""
FORMAT: Final = "ocsp-pcap-facts/1"
"""Version of the tables; a field that is added with a default does not change it."""
FORMAT_KEY: Final = b"ocsp-pcap"
"""Key of the schema's metadata under which the format stands."""


@cache
def arrow_schema(kind: str) -> pa.Schema:
    """Return the schema of a kind of fact, with the format in its metadata."""
    import pyarrow as pa

    return pa.schema(arrow_fields(plan_of(KINDS[kind])), metadata={FORMAT_KEY: FORMAT.encode()})


@cache
def arrow_fields(record: Structure) -> tuple[pa.Field, ...]:
    """Return the Arrow fields of a class; each time has two where it is exact to the nanosecond."""
    return tuple(field for column in record.members for field in _fields(column))


def _fields(column: FieldPlan) -> list[pa.Field]:
    import pyarrow as pa

    fields = [pa.field(column.name, arrow_type(column.shape), nullable=column.optional)]
    if isinstance(column.shape, Moment) and not column.shape.stated:
        fields.append(pa.field(column.name + FINER, pa.int16(), nullable=column.optional))
    return fields


@cache
def arrow_type(shape: Shape) -> pa.DataType:
    """Return the Arrow type of a shape."""
    import pyarrow as pa

    match shape:
        case plan.Text():
            return pa.string()
        case plan.Integer():
            return pa.int64()
        case plan.Truth():
            return pa.bool_()
        case Moment():
            return pa.timestamp("us", "UTC")
        case plan.Listing(element):
            return pa.list_(pa.field("element", arrow_type(element), nullable=False))
        case plan.Pairs():
            return pa.map_(pa.string(), pa.field("value", pa.string(), nullable=False))
        case Structure():
            return pa.struct(list(arrow_fields(shape)))
