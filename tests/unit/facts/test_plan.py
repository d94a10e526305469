"""The plan of what facts are made of follows from their classes."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import Literal, get_args

import pyarrow as pa

from ocsp_pcap.explain.model import Sighting
from ocsp_pcap.facts import CaptureFile, Fact, Facts, HandshakeFact, ResponseFact, SingleFact
from ocsp_pcap.facts.plan import KINDS, Integer, Listing, Moment, Pairs, Structure, Text, Truth, plan_of
from ocsp_pcap.facts.types import Hex, StatedTime, Time
from ocsp_pcap.tables.schema import arrow_fields, arrow_schema


@dataclass(frozen=True, slots=True)
class Inner:
    first_time: Time
    names: tuple[Hex, ...] = ()


@dataclass(frozen=True, slots=True)
class Outer:
    word: Literal["a", "b"]
    inner: tuple[Inner, ...]
    hashes: tuple[tuple[str, str], ...] = ()
    not_after: StatedTime | None = None
    truth: bool = False
    other: Inner | None = None


def test_kinds_are_those_of_the_facts_in_their_order() -> None:
    assert tuple(KINDS.values()) == get_args(Fact)
    assert len(KINDS) == len(fields(Facts))


def test_no_shape_equals_one_of_another_kind() -> None:
    """What is made once for each shape would be that of the other one."""
    shapes = [Text(), Integer(), Truth(), Moment(stated=False), Listing(Text()), Pairs()]
    assert len(set(shapes)) == len(shapes)


def test_a_plan() -> None:
    inner = plan_of(Inner)
    assert [(column.name, column.shape) for column in inner.members] == [
        ("first_time", Moment(stated=False)),
        ("names", Listing(Text(meaning="hash"))),
    ]
    outer = {column.name: column for column in plan_of(Outer).members}
    assert [column.shape for column in outer.values()] == [
        Text(("a", "b")),
        Listing(inner),
        Pairs(),
        Moment(stated=True),
        Truth(),
        inner,
    ]
    assert [column.optional for column in outer.values()] == [False, False, False, True, False, True]
    assert [column.default for column in outer.values()] == [MISSING, MISSING, (), None, False, None]


def test_fields_of_a_plan() -> None:
    time, rest, names = arrow_fields(plan_of(Inner))
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


def test_what_is_called_a_time_is_one() -> None:
    """A time that its class calls a plain integer would be written as one."""
    for cls in (*KINDS.values(), ResponseFact, SingleFact, CaptureFile, Sighting):
        for member in plan_of(cls).members:
            called = member.name.endswith(
                ("time", "_at", "_update", "not_before", "not_after", "expires", "date")
            )
            assert called == isinstance(member.shape, Moment), (cls, member.name)


def test_times_of_packets_are_exact() -> None:
    exact = {
        member.name
        for member in plan_of(HandshakeFact).members
        if isinstance(member.shape, Moment) and not member.shape.stated
    }
    assert {"time", "end_time", "application_data_time"} <= exact
    assert not exact & {member.name for member in plan_of(SingleFact).members}


def test_shapes_of_a_fact() -> None:
    shapes = {column.name: column.shape for column in plan_of(HandshakeFact).members}
    assert shapes["stream"] == Integer("stream")
    assert shapes["transport"] == Text(("tcp", "udp"))
    assert isinstance(shapes["frames"], Structure)
    assert isinstance(shapes["staples"], Listing)
