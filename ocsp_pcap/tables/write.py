"""From facts to a directory of tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from ocsp_pcap.facts.codec import FormatError
from ocsp_pcap.facts.plan import KINDS, plan_of
from ocsp_pcap.tables.encode import arrays
from ocsp_pcap.tables.errors import TablesError, need, require
from ocsp_pcap.tables.merge import by_kind
from ocsp_pcap.tables.schema import arrow_schema
from ocsp_pcap.tables.storage import SUFFIX, storage

if TYPE_CHECKING:
    from ocsp_pcap.facts import Fact, Facts

ROWS: Final = 10_000
"""Rows of a row group: as many are in memory twice at a time."""


def refuse_directory(directory: str | Path) -> None:
    """Tell before the work begins that :func:`write_tables` would fail.

    Raises:
        TablesError: pyarrow is not installed, the directory cannot be made, or it holds anything but
            tables of facts.
    """
    require("pyarrow", str(directory))
    storage(str(directory)).refuse()


def write_tables(facts: Facts, directory: str | Path) -> None:
    """Write one table a kind into a directory, which is named by a path or a URL of fsspec.

    The directory appears when it is whole. One that holds tables is replaced; on an object store, where
    nothing can be renamed, the table of captures comes last, and without it the others are not read.

    Raises:
        TablesError: as for :func:`refuse_directory`, or a fact does not fit its table.
    """
    need("pyarrow", str(directory))
    rows = by_kind(facts)

    def write(create: Callable[[str], BinaryIO]) -> None:
        for kind in reversed(KINDS):
            with create(f"{kind}/part-00000{SUFFIX}") as file:
                _write(kind, rows[kind], file)

    try:
        storage(str(directory)).replace(write)
    except FormatError as error:
        raise TablesError(f"{directory}: cannot hold a fact: {error}") from error


def _write(kind: str, facts: Iterable[Fact], file: BinaryIO) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    schema, record = arrow_schema(kind), plan_of(KINDS[kind])
    with parquet.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True) as writer:
        left = iter(facts)
        while some := tuple(islice(left, ROWS)):
            try:
                columns = arrays(record, some)
            except FormatError as error:
                error.path.append(kind)
                raise
            writer.write_table(pa.Table.from_arrays(columns, schema=schema), ROWS)
