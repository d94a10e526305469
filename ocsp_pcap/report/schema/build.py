"""Derive the published schemas from the classes: ``python -m ocsp_pcap.report.schema.build`` writes them.

A test compares the published files with what this module derives, so that neither can drift.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from ocsp_pcap import facts
from ocsp_pcap.explain import forecast_model, lifetimes, model
from ocsp_pcap.explain.causes import CAUSES
from ocsp_pcap.report.codec import is_time_field
from ocsp_pcap.report.schema import NAMES, SchemaName

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
    facts.ResponseFact: "response",
    facts.SingleFact: "single",
    facts.HandshakeFrames: "handshake_frames",
    facts.ExchangeFrames: "exchange_frames",
    facts.AlertFact: "alert",
    facts.CertIdFact: "cert_id",
}
_CLASSES: Final = _FACTS | _PARTS
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
_TEXT: Final[Schema] = {"type": "string"}
_SCALARS: Final[dict[str, Schema]] = {
    "time": {
        "description": "RFC 3339, UTC, with nanoseconds",
        "type": "string",
        "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}Z$",
    },
    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    "serial": {
        "description": "lower-case hex without leading zeros",
        "type": "string",
        "pattern": "^(0|[1-9a-f][0-9a-f]*)$",
    },
    "hash": {"description": "lower-case hex", "type": "string", "pattern": "^([0-9a-f]{2})*$"},
    "frame": {"description": "1-based, as Wireshark's frame.number", "type": "integer", "minimum": 1},
    "stream": {
        "description": "as Wireshark's tcp.stream, or udp.stream for QUIC",
        "type": "integer",
        "minimum": 0,
    },
}


def build(name: SchemaName) -> Schema:
    """Return a schema as it should be published."""
    builders = {"facts": _facts_schema, "explanation": _explanation_schema, "forecast": _forecast_schema}
    return builders[name]()


def write(folder: Path) -> None:
    """Write all schemas into a folder."""
    for name in NAMES:
        text = json.dumps(build(name), indent=2) + "\n"
        (folder / f"{name}.schema.json").write_text(text, encoding="utf-8")


def _facts_schema() -> Schema:
    """Return the schema of one line of stored facts."""
    definitions = _SCALARS | {name: _class_schema(cls) for cls, name in _CLASSES.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:ocsp-pcap:schema:facts:1",
        "title": "A fact of ocsp-pcap",
        "description": "One line of stored facts. More keys than those named here may be present.",
        "oneOf": [_ref(name) for name in _FACTS.values()],
        "$defs": definitions,
    }


def _explanation_schema() -> Schema:
    """Return the schema of an explanation, which is closed but for the facts in it."""
    causes = [entry for entry in CAUSES.values() if entry.kind == "cause"]
    own: dict[str, Schema] = {
        "presence": _words(model.Presence),
        "confidence": _words(model.Confidence),
        "cause": {"enum": [entry.code for entry in causes]},
        "presence_and_cause": {
            "description": "which causes explain which presence",
            "allOf": [
                {
                    "if": {"properties": {"presence": {"const": presence}}, "required": ["presence"]},
                    "then": {
                        "properties": {
                            "cause": {"enum": [entry.code for entry in causes if entry.presence == presence]}
                        }
                    },
                }
                for presence in get_args(model.Presence)
            ],
        },
        "evidence": _closed(
            capture=_TEXT,
            frame=_or_null(_ref("frame")),
            stream=_or_null(_ref("stream")),
            note=_TEXT,
            transport=_words(facts.Transport),
        ),
        "doubt": _closed(code=_TEXT, why=_TEXT, evidence=_array(_ref("evidence"))),
        "alternative": _closed(cause=_ref("cause"), why=_TEXT),
        "sighting": _closed(
            capture=_TEXT,
            stream=_ref("stream"),
            frame=_ref("frame"),
            time=_ref("time"),
            presence=_ref("presence"),
            cause=_ref("cause"),
            confidence=_ref("confidence"),
            evidence=_array(_ref("evidence")),
        )
        | {"allOf": [_ref("presence_and_cause")]},
        "verdict": _closed(
            validator=_closed(address=_TEXT, role=_words(model.Role)),
            host={"type": ["string", "null"]},
            certificate=_or_null(_ref("certificate")),
            chain_role=_words(model.ChainRole),
            presence=_ref("presence"),
            cause=_ref("cause"),
            status={"enum": [*get_args(model.Status), None]},
            confidence=_ref("confidence"),
            summary=_TEXT,
            alternatives=_array(_ref("alternative")),
            evidence=_array(_ref("evidence")),
            next_steps=_array(_TEXT),
            sightings=_array(_ref("sighting")),
            doubts=_array(_ref("doubt")),
            presented_by=_words(model.Presenter),
        )
        | {"allOf": [_ref("presence_and_cause")]},
        "finding": _closed(
            code={"enum": [entry.code for entry in CAUSES.values() if entry.kind == "finding"]},
            severity=_words(model.Severity),
            summary=_TEXT,
            evidence=_array(_ref("evidence")),
            next_steps=_array(_TEXT),
        ),
    }
    shared = ("capture", "certificate", "ocsp_exchange", "response", "single", "exchange_frames", "cert_id")
    by_name = {name: cls for cls, name in _CLASSES.items()}
    head: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:ocsp-pcap:schema:explanation:1",
        "title": "An explanation of ocsp-pcap",
        "description": "For every certificate: was OCSP traffic for it seen, and if not, why not.",
    }
    body = _closed(
        schema={"const": model.SCHEMA},
        captures=_array(_ref("capture")),
        verdicts=_array(_ref("verdict")),
        findings=_array(_ref("finding")),
        unmatched_exchanges=_array(_ref("ocsp_exchange")),
    )
    return head | body | {"$defs": own | {name: _class_schema(by_name[name]) for name in shared} | _SCALARS}


def _forecast_schema() -> Schema:
    """Return the schema of a forecast, which is closed but for the facts about captures in it."""
    scheme = _words(forecast_model.Scheme)
    own: dict[str, Schema] = {
        "count": {"type": "integer", "minimum": 0},
        "port": {"type": "integer", "minimum": 0, "maximum": 65535},
        "lifetime": _closed(basis=_words(lifetimes.Basis), seconds=_ref("count"), reason=_TEXT),
        "responder": _closed(
            scheme=scheme,
            host=_TEXT,
            port=_ref("port"),
            urls=_array(_TEXT),
            **_counts(
                "certificates",
                "intermediates",
                "handshakes",
                "occasions",
                "stapled",
                "queries_without_cache",
                "queries_with_cache",
                "intermediate_queries_without_cache",
                "intermediate_queries_with_cache",
                "queries_seen",
                "fallback_certificates",
            ),
            lifetimes=_array(_ref("lifetime")),
        ),
        "unasked": _closed(
            reason=_words(forecast_model.Reason),
            why=_TEXT,
            **_counts("handshakes", "certificates", "occasions"),
            hosts=_array(_TEXT),
        ),
        "validator": _closed(
            validator=_closed(address=_TEXT, role=_words(model.Role)),
            **_counts("handshakes", "occasions"),
            responders=_array(_ref("responder")),
            unasked=_array(_ref("unasked")),
            **_counts("queries_without_cache", "queries_with_cache", "stapled", "queries_seen"),
            forwarding_host={"type": ["string", "null"]},
        ),
        "opening": _closed(
            source=_TEXT,
            scheme=scheme,
            host=_TEXT,
            port=_ref("port"),
            addresses=_array(_TEXT),
            queries=_ref("count"),
        ),
    }
    head: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:ocsp-pcap:schema:forecast:1",
        "title": "A forecast of ocsp-pcap",
        "description": "Were OCSP on, which queries to which responders would this traffic have caused.",
    }
    body = _closed(
        schema={"const": forecast_model.FORECAST_SCHEMA},
        captures=_array(_ref("capture")),
        validators=_array(_ref("validator")),
        openings=_array(_ref("opening")),
        assumptions=_array(_TEXT),
    )
    return head | body | {"$defs": own | {"capture": _class_schema(facts.CaptureFact)} | _SCALARS}


def _counts(*names: str) -> dict[str, Schema]:
    """Return properties that are counts."""
    return {name: _ref("count") for name in names}


def _class_schema(cls: Any) -> Schema:
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
        required = list(properties)
    if cls is facts.ResponseFact:
        properties["sha256"] = {"type": "string", "pattern": "^([0-9a-f]{64})?$"}
    return {"type": "object", "required": required, "properties": properties}


def _field_schema(name: str, hint: Any) -> Schema:
    """Return the schema of a field by its name and type hint."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        (inner,) = (item for item in get_args(hint) if item is not NoneType)
        return _or_null(_field_schema(name, inner))
    if origin is Literal:
        return {"enum": list(get_args(hint))}
    if origin is tuple:
        element = get_args(hint)[0]
        if get_origin(element) is tuple:
            return {"type": "object", "additionalProperties": _ref("hash")}
        return _array(_field_schema(name, element))
    if is_dataclass(hint):
        return _ref(_CLASSES[hint])
    if hint is bool:
        return {"type": "boolean"}
    return _integer_schema(name) if hint is int else _text_schema(name)


def _integer_schema(name: str) -> Schema:
    """Return the schema of an integer field."""
    if is_time_field(name):
        return _ref("time")
    if name == "stream":
        return _ref("stream")
    frames = {field.name for cls in (facts.HandshakeFrames, facts.ExchangeFrames) for field in fields(cls)}
    if name == "frame" or name.endswith("_frame") or name in frames:
        return _ref("frame")
    if name == "ports_seen" or name.endswith("_port"):
        return {"type": "integer", "minimum": 0, "maximum": 65535}
    return {"type": "integer", "minimum": 0}


def _text_schema(name: str) -> Schema:
    """Return the schema of a text field."""
    if name in _DIGESTS:
        return _ref("sha256")
    if name in _HASHES:
        return _ref("hash")
    return _ref("serial") if name == "serial" else _TEXT


def _ref(name: str) -> Schema:
    """Return a reference to a definition."""
    return {"$ref": f"#/$defs/{name}"}


def _or_null(schema: Schema) -> Schema:
    """Return a schema that lets null pass too."""
    if "enum" in schema:
        return schema | {"enum": [*schema["enum"], None]}
    return {"anyOf": [schema, {"type": "null"}]}


def _array(items: Schema) -> Schema:
    """Return the schema of an array."""
    return {"type": "array", "items": items}


def _words(alias: Any) -> Schema:
    """Return the schema of a Literal."""
    words: Iterable[str] = get_args(alias)
    return {"enum": list(words)}


def _closed(**properties: Schema) -> Schema:
    """Return the schema of an object with exactly these keys."""
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


if __name__ == "__main__":
    write(Path(__file__).parent)
