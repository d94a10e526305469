"""The plan of the tables follows from the classes of facts."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import Literal, get_args

import pyarrow as pa

from ocsp_pcap.facts import Fact, Facts, HandshakeFact
from ocsp_pcap.facts.codec import is_time_field
from ocsp_pcap.tables.schema import arrow_fields, arrow_schema
from ocsp_pcap.tables.shapes import KINDS, Integer, Listing, Pairs, Record, Text, Time, Truth, record_of


@dataclass(frozen=True, slots=True)
class Inner:
    first_time: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outer:
    word: Literal["a", "b"]
    inner: tuple[Inner, ...]
    hashes: tuple[tuple[str, str], ...] = ()
    not_after: int | None = None
    truth: bool = False
    other: Inner | None = None


def test_kinds_are_those_of_the_facts_in_their_order() -> None:
    assert tuple(KINDS.values()) == get_args(Fact)
    assert len(KINDS) == len(fields(Facts))


def test_a_plan() -> None:
    inner = record_of(Inner)
    assert [(column.name, column.shape) for column in inner.columns] == [
        ("first_time", Time(True)),
        ("names", Listing(Text())),
    ]
    outer = {column.name: column for column in record_of(Outer).columns}
    assert [column.shape for column in outer.values()] == [
        Text(("a", "b")),
        Listing(inner),
        Pairs(),
        Time(False),
        Truth(),
        inner,
    ]
    assert [column.optional for column in outer.values()] == [False, False, False, True, False, True]
    assert [column.default for column in outer.values()] == [MISSING, MISSING, (), None, False, None]


def test_fields_of_a_plan() -> None:
    time, rest, names = arrow_fields(record_of(Inner))
    assert (time.name, time.type, time.nullable) == ("first_time", pa.timestamp("us", "UTC"), False)
    assert (rest.name, rest.type, rest.nullable) == ("first_time_nanoseconds", pa.int16(), False)
    assert pa.types.is_list(names.type)
    assert names.type.value_type == pa.string()


def test_every_field_of_every_fact_has_its_column() -> None:
    for kind, cls in KINDS.items():
        columns = arrow_schema(kind).names
        assert [name for name in columns if not name.endswith("_nanoseconds")] == [
            f.name for f in fields(cls)
        ]


def test_every_time_is_a_timestamp_and_those_of_packets_are_exact() -> None:
    for cls in KINDS.values():
        for column in record_of(cls).columns:
            assert isinstance(column.shape, Time) == is_time_field(column.name)
    exact = {c.name for c in record_of(HandshakeFact).columns if isinstance(c.shape, Time) and c.shape.finer}
    assert exact == {
        "time",
        "end_time",
        "application_data_time",
        "client_data_time",
        "client_data_last_time",
        "closed_time",
    }


def test_shapes_of_a_fact() -> None:
    shapes = {column.name: column.shape for column in record_of(HandshakeFact).columns}
    assert shapes["stream"] == Integer()
    assert shapes["transport"] == Text(("tcp", "udp"))
    assert isinstance(shapes["frames"], Record)
    assert isinstance(shapes["staples"], Listing)
