"""Facts on disk as Apache Parquet: one table a kind, for DuckDB, pandas, Spark, and for explaining later.

A directory of tables holds one sub-directory a kind of fact, with part files in it
(``handshake/part-00000.parquet``), so that readers can use globs, and parts of several writers can lie
side by side. Columns follow from the plan of the facts' types (:mod:`ocsp_pcap.facts.plan`). Three rules
hold: a directory is replaced whole or not at all, and only one that holds nothing but tables; nothing that a
table holds is taken on trust, for it may come from anywhere; and reading what was written gives the same
facts, to the nanosecond. pyarrow, and fsspec for URLs such as ``s3://bucket/facts``, come with
``ocsp-pcap[parquet]``.
"""

from __future__ import annotations

from ocsp_pcap.tables.errors import TablesError
from ocsp_pcap.tables.stored import is_stored, stored_facts, take_stored

__all__ = ["TablesError", "is_stored", "stored_facts", "take_stored"]
