"""Facts on disk as Apache Parquet: one table a kind, for DuckDB, pandas, Spark, and for explaining later.

A directory of tables holds one sub-directory a kind of fact, with part files in it
(``handshake/part-00000.parquet``), so that readers can use globs, and parts of several writers can lie
side by side. pyarrow, and fsspec for URLs such as ``s3://bucket/facts``, come with
``ocsp-pcap[parquet]``.
"""

from __future__ import annotations

from ocsp_pcap.tables.errors import TablesError
from ocsp_pcap.tables.stored import is_stored, stored_facts, take_stored

__all__ = ["TablesError", "is_stored", "stored_facts", "take_stored"]
