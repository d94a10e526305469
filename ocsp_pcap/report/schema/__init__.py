"""The published JSON Schemas (2020-12) of explanations and of forecasts."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Final, Literal, TypeAlias

SchemaName: TypeAlias = Literal["explanation", "forecast"]

NAMES: Final[tuple[SchemaName, ...]] = ("explanation", "forecast")
"""``explanation``: what ``explain --format json`` prints; ``forecast``: the same with ``--forecast``."""


def load(name: SchemaName) -> dict[str, Any]:
    """Return a schema. Raise KeyError for a name that is not in :data:`NAMES`."""
    if name not in NAMES:
        raise KeyError(name)
    text = resources.files(__name__).joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
