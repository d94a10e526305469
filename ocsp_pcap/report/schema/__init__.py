"""The published JSON Schemas (2020-12) of explanations and of forecasts.

They follow from the classes of the results (:mod:`ocsp_pcap.report.schema.build`), and from those of the
facts in them: a field says by its type what it means. The published files name no codes of causes and
findings, for more of them may come; :func:`load` fills in those that this version knows, and is as strict as
the program.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Final, Literal, TypeAlias, get_args

from ocsp_pcap.explain.causes import CAUSES
from ocsp_pcap.explain.model import Presence

SchemaName: TypeAlias = Literal["explanation", "forecast"]

NAMES: Final[tuple[SchemaName, ...]] = ("explanation", "forecast")
"""``explanation``: what ``explain --format json`` prints; ``forecast``: the same with ``--forecast``."""


CODES: Final = ("cause", "presence_and_cause", "finding_code")
"""Definitions that name every code: they follow from the causes and findings that there are."""


def load(name: SchemaName) -> dict[str, Any]:
    """Return a schema. Raise KeyError for a name that is not in :data:`NAMES`."""
    if name not in NAMES:
        raise KeyError(name)
    text = resources.files(__name__).joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    definitions = schema["$defs"]
    definitions |= {key: value for key, value in _codes().items() if key in definitions}
    return schema


def _codes() -> dict[str, Any]:
    """Return the definitions that name every code, and which causes explain which presence."""
    causes: dict[str, list[str]] = {presence: [] for presence in get_args(Presence)}
    findings: list[str] = []
    for entry in CAUSES.values():
        (findings if entry.presence is None else causes[entry.presence]).append(entry.code)
    together = [
        {
            "if": {"properties": {"presence": {"const": presence}}, "required": ["presence"]},
            "then": {"properties": {"cause": {"enum": codes}}},
        }
        for presence, codes in causes.items()
    ]
    return {
        "cause": {"enum": [entry.code for entry in CAUSES.values() if entry.kind == "cause"]},
        "presence_and_cause": {"description": "which causes explain which presence", "allOf": together},
        "finding_code": {"enum": findings},
    }
