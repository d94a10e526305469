"""From a directory of tables to facts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from ocsp_pcap.facts import Facts
from ocsp_pcap.facts.codec import FormatError
from ocsp_pcap.facts.model import collected
from ocsp_pcap.facts.plan import KINDS, Structure, plan_of
from ocsp_pcap.tables.decode import objects
from ocsp_pcap.tables.errors import TablesError, need
from ocsp_pcap.tables.merge import better
from ocsp_pcap.tables.schema import FINER, FORMAT, FORMAT_KEY
from ocsp_pcap.tables.storage import Storage, failures, one_line, storage

if TYPE_CHECKING:
    import pyarrow.parquet as parquet

_ROWS: Final = 10_000
"""Rows that are converted at a time."""
_MOST_VALUES: Final = 8
"""Values of one column for each byte of a file: no table of facts makes do with one bit for each."""


def read_tables(directory: str | Path) -> Facts:
    """Read the tables that :func:`ocsp_pcap.tables.write.write_tables` wrote, all parts of each.

    Columns that are not known are passed over; of several facts about one certificate the one that
    knows more counts.

    Raises:
        TablesError: pyarrow is not installed, a table is missing, damaged or of another version, or a
            column or value is not what a fact has.
    """
    place = str(directory).rstrip("/") or "/"
    need("pyarrow.parquet", place)
    tables = storage(str(directory))
    parts = [(kind, name) for kind in KINDS for name in _parts(tables, place, kind)]
    with tables.files([name for _, name in parts]) as files:
        found = (
            fact
            for (kind, name), file in zip(parts, files, strict=True)
            for fact in _facts(file, f"{place}/{name}", plan_of(KINDS[kind]))
        )
        return collected(found, better)


def _parts(tables: Storage, place: str, kind: str) -> list[str]:
    """Return the names of the part files of a kind. Raise TablesError where there is none."""
    with failures(place, "read"):
        parts = tables.parts(kind)
    if not parts:
        raise TablesError(f"{place}: these facts are not whole: the table {kind} is missing")
    return parts


def _facts(path: Path, name: str, record: Structure) -> Iterator[Any]:
    """Yield the facts of one part file, which messages call by ``name``."""
    with failures(name, "read"):
        try:
            with path.open("rb") as file:
                yield from _rows(file, record)
        except FormatError as error:
            raise TablesError(f"{name}: is no table of facts: {error}") from error
        except (ValueError, TypeError, LookupError, NotImplementedError, MemoryError) as error:
            # What pyarrow raises for damage is among them, or an OSError.
            raise TablesError(f"{name}: is no readable Parquet file: {one_line(error)}") from error


def _rows(file: BinaryIO, record: Structure) -> Iterator[Any]:
    import pyarrow.parquet as parquet

    size = file.seek(0, 2)
    table = parquet.ParquetFile(file, page_checksum_verification=True)
    _refuse_other_formats(table.schema_arrow.metadata or {})
    _refuse_bombs(table.metadata, size)
    known = {name for column in record.members for name in (column.name, column.name + FINER)}
    wanted = [name for name in table.schema_arrow.names if name in known]
    for batch in table.iter_batches(_ROWS, columns=wanted):
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        yield from objects(record, batch.num_rows, columns.get)


def _refuse_other_formats(metadata: dict[bytes, bytes]) -> None:
    found = metadata.get(FORMAT_KEY)
    if found is None:
        raise FormatError("it was not written by ocsp-pcap")
    if found != FORMAT.encode():
        shown = found[:40].decode("ascii", "backslashreplace")
        raise FormatError(f"it is of the format {shown}, and this version of ocsp-pcap reads {FORMAT}")


def _refuse_bombs(metadata: parquet.FileMetaData, size: int) -> None:
    """Raise FormatError for a small file that would fill the memory: Parquet counts equal values only."""
    most = _MOST_VALUES * size
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        values = max((group.column(each).num_values for each in range(group.num_columns)), default=0)
        if max(values, group.num_rows) > most:
            raise FormatError(f"it claims {values} values of a column in {size} bytes")
