"""Directories that are not what they should be: one sentence, never another exception."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from ocsp_pcap.facts.plan import KINDS
from ocsp_pcap.tables import TablesError
from ocsp_pcap.tables.read import read_tables
from ocsp_pcap.tables.schema import FORMAT_KEY, arrow_schema
from ocsp_pcap.tables.write import write_tables

from .parts import certificate, sample

Change = Callable[[pa.Table], pa.Table]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good") / "facts"
    write_tables(sample("staples"), folder)
    return folder


@pytest.fixture
def tables(good: Path, tmp_path: Path) -> Path:
    shutil.copytree(good, tmp_path / "facts")
    return tmp_path / "facts"


def part(tables: Path, kind: str) -> Path:
    return tables / kind / "part-00000.parquet"


def change(tables: Path, kind: str, how: Change) -> None:
    parquet.write_table(how(parquet.read_table(part(tables, kind), partitioning=None)), part(tables, kind))


def put(name: str, values: list[Any], kind: Any = None) -> Change:
    """Return a change that gives all rows of a column another value."""

    def how(table: pa.Table) -> pa.Table:
        array = pa.array(values * len(table), kind)
        return table.set_column(table.schema.get_field_index(name), name, array)

    return how


def cast(name: str, kind: Any) -> Change:
    """Return a change that gives a column another type."""
    return lambda table: table.set_column(table.schema.get_field_index(name), name, table[name].cast(kind))


def refused(tables: Path, *words: str) -> None:
    with pytest.raises(TablesError) as error:
        read_tables(tables)
    assert len(str(error.value).splitlines()) == 1
    for word in (str(tables), *words):
        assert word in str(error.value)


@pytest.mark.parametrize("kind", KINDS)
def test_missing_tables(kind: str, tables: Path) -> None:
    part(tables, kind).unlink()
    refused(tables, f"the table {kind} is missing")
    shutil.rmtree(tables / kind)
    refused(tables, f"the table {kind} is missing")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (lambda table: table.drop_columns(["client"]), ("client: the column is missing",)),
        (put("client", [None], pa.string()), ("client: a value is missing",)),
        (put("client", [1]), ("client: the column is of type int64",)),
        (put("stream", [None]), ("stream: the column is of type null",)),
        (put("time", [1]), ("time: the column is of type int64",)),
        (put("time", [1], pa.timestamp("ns", "UTC")), ("time: the column is of type timestamp[ns",)),
        (put("time", [2**62], pa.timestamp("us", "UTC")), ("time: a time is not in the years 1 to 9999",)),
        (put("time_nanoseconds", [1000]), ("time: a time has more nanoseconds",)),
        (put("time_nanoseconds", ["1"]), ("time: the column is of type string",)),
        (put("transport", ["sctp"]), ("transport: expected one of tcp, udp, found 'sctp'",)),
        (put("alpn", ["h2"]), ("alpn: the column is of type string",)),
        (put("alpn", [[None]], pa.list_(pa.string())), ("alpn: a value is missing",)),
        (put("alpn", [[1]]), ("alpn: the column is of type int64",)),
        (put("frames", [1]), ("frames: the column is of type int64",)),
        (put("frames", [{"finished": "1"}]), ("frames.finished: the column is of type string",)),
        (put("staples", [[{"sha256": "x"}]]), ("staples.response_status: the column is missing",)),
        (put("alerts", [[{"frame": 1, "sender": "third"}]]), ("alerts.sender: expected one of client",)),
        (lambda table: table.replace_schema_metadata({}), ("was not written by ocsp-pcap",)),
        (
            lambda table: table.replace_schema_metadata({FORMAT_KEY: b"ocsp-pcap-facts/2"}),
            ("of the format ocsp-pcap-facts/2", "reads ocsp-pcap-facts/1"),
        ),
    ],
)
def test_tables_that_hold_something_else(how: Change, words: tuple[str, ...], tables: Path) -> None:
    change(tables, "handshake", how)
    refused(tables, "handshake", *words)


def test_columns_that_are_not_known_are_passed_over(tables: Path) -> None:
    before = read_tables(tables)
    change(tables, "handshake", lambda table: table.append_column("remark", pa.array(["?"] * len(table))))
    change(tables, "handshake", lambda table: table.select(table.column_names[::-1]))
    assert read_tables(tables) == before


def test_optional_columns_that_are_missing_have_their_default(tables: Path) -> None:
    before = read_tables(tables)
    change(
        tables, "handshake", lambda table: table.drop_columns(["client_port", "tunnel", "time_nanoseconds"])
    )
    after = read_tables(tables)
    assert {handshake.client_port for handshake in after.handshakes} == {0}
    assert {handshake.tunnel for handshake in after.handshakes} == {None}
    assert [h.time for h in after.handshakes] == [h.time // 1000 * 1000 for h in before.handshakes]


def test_other_widths_of_the_same_kind_are_read(tables: Path) -> None:
    before = read_tables(tables)
    change(tables, "handshake", cast("stream", pa.int32()))
    change(tables, "handshake", cast("client", pa.large_string()))
    assert read_tables(tables) == before


def test_parts_follow_each_other_and_certificates_count_once(tables: Path) -> None:
    before = read_tables(tables)
    shutil.copy(part(tables, "certificate"), tables / "certificate" / "part-00001.parquet")
    shutil.copy(part(tables, "handshake"), tables / "handshake" / "part-00001.parquet")
    (tables / "handshake" / "_SUCCESS").touch()
    (tables / "handshake" / ".part-00002.parquet").write_bytes(b"PAR1")
    after = read_tables(tables)
    assert after.certificates == before.certificates
    assert after.handshakes == before.handshakes * 2


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 10, b"{}", bytes(5000)])
def test_files_that_are_no_parquet(content: bytes, tables: Path) -> None:
    part(tables, "dns_lookup").write_bytes(content)
    refused(tables, "dns_lookup/part-00000.parquet: is no readable Parquet file")


def test_a_directory_in_place_of_a_part(tables: Path) -> None:
    part(tables, "dns_lookup").unlink()
    part(tables, "dns_lookup").mkdir()
    refused(tables, "dns_lookup/part-00000.parquet: cannot be read")


def test_damage_never_raises_anything_else(tables: Path) -> None:
    chance = random.Random(6960)
    whole = part(tables, "ocsp_exchange").read_bytes()
    for _ in range(12):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 3, 30))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        part(tables, "ocsp_exchange").write_bytes(
            data[: chance.choice((len(data), chance.randrange(len(data))))]
        )
        with suppress(TablesError):
            read_tables(tables)


def test_a_small_file_that_claims_many_rows(tables: Path) -> None:
    schema = arrow_schema("certificate")
    row = certificate()
    count = 400_000
    columns = [
        pa.array([getattr(row, field.name)] * count, field.type)
        if not pa.types.is_nested(field.type)
        else pa.array([[]] * count, field.type)
        for field in schema
    ]
    parquet.write_table(pa.Table.from_arrays(columns, schema=schema), part(tables, "certificate"))
    assert part(tables, "certificate").stat().st_size < count / 8
    refused(tables, "certificate", f"claims {count} values")
