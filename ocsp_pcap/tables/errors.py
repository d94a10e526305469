"""What goes wrong with stored facts."""

from __future__ import annotations

import importlib
from typing import Any


class TablesError(Exception):
    """Stored facts cannot be read or written; the message is one sentence that says which and why."""


def need(module: str, place: str) -> Any:
    """Import a module of the extra ``parquet``. Raise TablesError where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise TablesError(f"{place}: needs {package}: pip install 'ocsp-pcap[parquet]'") from error
