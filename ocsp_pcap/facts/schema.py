"""JSON Schema (2020-12) of facts, derived from their classes: ``python -m ocsp_pcap.facts.schema`` writes it.

A test compares the published file with what this module derives, so that neither can drift.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import MISSING, fields, is_dataclass
from importlib import resources
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from ocsp_pcap.facts import model as facts
from ocsp_pcap.facts.codec import is_time_field

Schema: TypeAlias = dict[str, Any]

_FACTS: Final[dict[Any, str]] = {
    facts.CaptureFact: "capture",
    facts.CertificateFact: "certificate",
    facts.HandshakeFact: "handshake",
    facts.OcspExchangeFact: "ocsp_exchange",
    facts.CrlFetchFact: "crl_fetch",
    facts.DnsLookupFact: "dns_lookup",
    facts.TcpAttemptFact: "tcp_attempt",
}
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
_DIGESTS: Final = frozenset({"sha256", "issuer_sha256", "certificates", "client_certificates"})
_HASHES: Final = frozenset(
    {
        "issuer_name_hash",
        "issuer_key_hash",
        "client_random",
        "server_random",
        "authority_key_id",
        "subject_key_id",
        "nonce",
    }
)
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
    hints = get_type_hints(cls)
    kind = getattr(cls, "kind", None)
    properties: dict[str, Schema] = {"kind": {"const": kind}} if isinstance(kind, str) else {}
    required = list(properties)
    for field in fields(cls):
        properties[field.name] = _field_schema(field.name, hints[field.name])
        if field.default is MISSING and field.default_factory is MISSING:
            required.append(field.name)
    if cls in (facts.HandshakeFrames, facts.ExchangeFrames):
        # The contract writes null for what was not seen; what came later may be left out.
        required = [name for name in properties if name != "client_finished"]
    if cls is facts.ResponseFact:
        properties["sha256"] = {"type": "string", "pattern": "^([0-9a-f]{64})?$"}
    return {"type": "object", "required": required, "properties": properties}


def _field_schema(name: str, hint: Any) -> Schema:
    """Return the schema of a field by its name and type hint."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        (inner,) = (item for item in get_args(hint) if item is not NoneType)
        return or_null(_field_schema(name, inner))
    if origin is Literal:
        return {"enum": list(get_args(hint))}
    if origin is tuple:
        element = get_args(hint)[0]
        if get_origin(element) is tuple:
            return {"type": "object", "additionalProperties": ref("hash")}
        return array(_field_schema(name, element))
    if is_dataclass(hint):
        return ref(CLASSES[hint])
    if hint is bool:
        return {"type": "boolean"}
    return _integer_schema(name) if hint is int else _text_schema(name)


def _integer_schema(name: str) -> Schema:
    """Return the schema of an integer field."""
    if is_time_field(name):
        return ref("time")
    if name == "stream":
        return ref("stream")
    frames = {field.name for cls in (facts.HandshakeFrames, facts.ExchangeFrames) for field in fields(cls)}
    if name == "frame" or name.endswith("_frame") or name in frames:
        return ref("frame")
    if name == "ports_seen" or name.endswith("_port"):
        return {"type": "integer", "minimum": 0, "maximum": 65535}
    return {"type": "integer", "minimum": 0}


def _text_schema(name: str) -> Schema:
    """Return the schema of a text field."""
    if name in _DIGESTS:
        return ref("sha256")
    if name in _HASHES:
        return ref("hash")
    return ref("serial") if name == "serial" else TEXT


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


def words(alias: Any) -> Schema:
    """Return the schema of a Literal."""
    words: Iterable[str] = get_args(alias)
    return {"enum": list(words)}


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
