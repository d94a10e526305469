"""Errors of stored facts."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any


class TablesError(Exception):
    """Stored facts cannot be read or written; the message is one sentence that says which and why."""


def need(module: str, place: str) -> Any:
    """Import a module of the extra ``parquet``. Raise TablesError where it is not installed."""
    require(module, place)
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise TablesError(f"{place}: {module} cannot be loaded: {error}") from error


def require(module: str, place: str) -> None:
    """Raise TablesError where a module of the extra ``parquet`` is not installed, without loading it."""
    package = module.partition(".")[0]
    if importlib.util.find_spec(package) is None:
        raise TablesError(f"{place}: needs {package}: pip install 'ocsp-pcap[parquet]'")
