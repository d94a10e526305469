"""JSON Schema (2020-12) of facts, derived from their classes: ``python -m ocsp_pcap.facts.schema`` writes it.

A test compares the published file with what this module derives, so that neither can drift.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING
from importlib import resources
from pathlib import Path
from typing import Any, Final, TypeAlias

from ocsp_pcap import facts
from ocsp_pcap.facts import plan
from ocsp_pcap.facts.plan import KINDS, Shape, plan_of
from ocsp_pcap.facts.types import HEX, PORT, TIME

Schema: TypeAlias = dict[str, Any]

_FACTS: Final[dict[Any, str]] = {cls: kind for kind, cls in KINDS.items()}
_PARTS: Final[dict[Any, str]] = {
    facts.CaptureFile: "capture_file",
    facts.FileStream: "file_stream",
    facts.UndecodedFact: "undecoded",
    facts.AmbiguousStream: "ambiguous_stream",
    facts.ResponseFact: "response",
    facts.SingleFact: "single",
    facts.HandshakeFrames: "handshake_frames",
    facts.ExchangeFrames: "exchange_frames",
    facts.AlertFact: "alert",
    facts.CertIdFact: "cert_id",
}
CLASSES: Final = _FACTS | _PARTS
TEXT: Final[Schema] = {"type": "string"}
SCALARS: Final[dict[str, Schema]] = {
    "time": {
        "description": "RFC 3339, UTC, with nanoseconds",
        "type": "string",
        "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}Z$",
    },
    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    "serial": {
        "description": "lower-case hex without leading zeros; empty where it cannot be read",
        "type": "string",
        "pattern": "^(0|[1-9a-f][0-9a-f]*)?$",
    },
    "hash": {"description": "lower-case hex", "type": "string", "pattern": "^([0-9a-f]{2})*$"},
    "frame": {"description": "1-based, as Wireshark's frame.number", "type": "integer", "minimum": 1},
    "stream": {
        "description": "as Wireshark's tcp.stream, or udp.stream for QUIC",
        "type": "integer",
        "minimum": 0,
    },
}
FILE: Final = "facts.schema.json"


def load() -> Schema:
    """Return the schema of a line of stored facts (``facts --format jsonl``), as published."""
    text = resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8")
    schema: Schema = json.loads(text)
    return schema


def build() -> Schema:
    """Return the schema of a line of stored facts as it should be published."""
    definitions = SCALARS | {name: class_schema(cls) for cls, name in CLASSES.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:ocsp-pcap:schema:facts:1",
        "title": "A fact of ocsp-pcap",
        "description": "One line of stored facts. More keys than those named here may be present.",
        "oneOf": [ref(name) for name in _FACTS.values()],
        "$defs": definitions,
    }


def class_schema(cls: Any) -> Schema:
    """Return the schema of a class of facts; keys without a default are required, more keys allowed."""
    kind = getattr(cls, "kind", None)
    properties: dict[str, Schema] = {"kind": {"const": kind}} if isinstance(kind, str) else {}
    properties |= member_schemas(cls)
    optional = {member.name for member in plan_of(cls).members if member.default is not MISSING}
    required = [name for name in properties if name not in optional]
    if cls in (facts.HandshakeFrames, facts.ExchangeFrames):
        required = list(properties)
    if cls is facts.ResponseFact:
        properties["sha256"] = {"type": "string", "pattern": "^([0-9a-f]{64})?$"}
    return {"type": "object", "required": required, "properties": properties}


def member_schemas(cls: Any, names: Mapping[Any, str] = CLASSES) -> dict[str, Schema]:
    """Return the schema of each field of a class; ``names`` are the definitions of other classes."""
    schemas = {}
    for member in plan_of(cls).members:
        schema = _shape_schema(member.shape, names)
        schemas[member.name] = or_null(schema) if member.optional else schema
    return schemas


def _shape_schema(shape: Shape, names: Mapping[Any, str]) -> Schema:
    """Return the schema of a shape."""
    match shape:
        case plan.Structure():
            return ref(names[shape.cls])
        case plan.Moment():
            return ref(TIME)
        case plan.Pairs():
            return {"type": "object", "additionalProperties": ref(HEX)}
        case plan.Listing(element):
            return array(_shape_schema(element, names))
        case plan.Truth():
            return {"type": "boolean"}
        case plan.Integer(meaning):
            if meaning == PORT:
                return {"type": "integer", "minimum": 0, "maximum": 65535}
            return ref(meaning) if meaning else {"type": "integer", "minimum": 0}
        case plan.Text(choices, meaning):
            if choices:
                return {"enum": list(choices)}
            return ref(meaning) if meaning else TEXT


def ref(name: str) -> Schema:
    """Return a reference to a definition."""
    return {"$ref": f"#/$defs/{name}"}


def or_null(schema: Schema) -> Schema:
    """Return a schema that lets null pass too."""
    if "enum" in schema:
        return schema | {"enum": [*schema["enum"], None]}
    return {"anyOf": [schema, {"type": "null"}]}


def array(items: Schema) -> Schema:
    """Return the schema of an array."""
    return {"type": "array", "items": items}


def closed(**properties: Schema) -> Schema:
    """Return the schema of an object with exactly these keys."""
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


if __name__ == "__main__":
    text = json.dumps(build(), indent=2) + "\n"
    (Path(__file__).parent / FILE).write_text(text, encoding="utf-8")
