"""Derive the published schemas from the classes: ``python -m ocsp_pcap.report.schema.build`` writes them.

A test compares the published files with what this module derives, so that neither can drift.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

from ocsp_pcap import facts
from ocsp_pcap.explain import forecast_model, lifetimes, model
from ocsp_pcap.facts.schema import (
    CLASSES,
    SCALARS,
    TEXT,
    Schema,
    array,
    class_schema,
    closed,
    or_null,
    ref,
    words,
)
from ocsp_pcap.report.schema import CODES, NAMES, SchemaName


def build(name: SchemaName) -> Schema:
    """Return a schema as it should be published."""
    builders = {"explanation": _explanation_schema, "forecast": _forecast_schema}
    return builders[name]()


def write(folder: Path) -> None:
    """Write all schemas into a folder."""
    for name in NAMES:
        text = json.dumps(build(name), indent=2) + "\n"
        (folder / f"{name}.schema.json").write_text(text, encoding="utf-8")


def _explanation_schema() -> Schema:
    """Return the schema of an explanation, which is closed but for the facts in it."""
    own: dict[str, Schema] = {
        "presence": words(model.Presence),
        "confidence": words(model.Confidence),
        **{name: {"description": "one of those that ocsp-pcap cause lists"} for name in CODES},
        "evidence": closed(
            capture=TEXT,
            frame=or_null(ref("frame")),
            stream=or_null(ref("stream")),
            note=TEXT,
            transport=words(facts.Transport),
        ),
        "doubt": closed(code=TEXT, why=TEXT, evidence=array(ref("evidence"))),
        "alternative": closed(cause=ref("cause"), why=TEXT),
        "sighting": closed(
            capture=TEXT,
            stream=ref("stream"),
            frame=ref("frame"),
            time=ref("time"),
            presence=ref("presence"),
            cause=ref("cause"),
            confidence=ref("confidence"),
            evidence=array(ref("evidence")),
        )
        | {"allOf": [ref("presence_and_cause")]},
        "verdict": closed(
            validator=closed(address=TEXT, role=words(model.Role)),
            host={"type": ["string", "null"]},
            certificate=or_null(ref("certificate")),
            chain_role=words(model.ChainRole),
            presence=ref("presence"),
            cause=ref("cause"),
            status={"enum": [*get_args(model.Status), None]},
            confidence=ref("confidence"),
            summary=TEXT,
            alternatives=array(ref("alternative")),
            evidence=array(ref("evidence")),
            next_steps=array(TEXT),
            sightings=array(ref("sighting")),
            doubts=array(ref("doubt")),
            presented_by=words(model.Presenter),
        )
        | {"allOf": [ref("presence_and_cause")]},
        "leg": closed(
            validator=closed(address=TEXT, role=words(model.Role)),
            capture=TEXT,
            frame=ref("frame"),
            stream=ref("stream"),
            certificate=or_null(ref("sha256")),
            subject={"type": ["string", "null"]},
            issuer={"type": ["string", "null"]},
            serial=or_null(ref("serial")),
            ocsp_url={"type": ["string", "null"]},
            tunnelled={"type": "boolean"},
        ),
        "chain": closed(host=TEXT, legs=array(ref("leg"))),
        "finding": closed(
            code=ref("finding_code"),
            severity=words(model.Severity),
            summary=TEXT,
            evidence=array(ref("evidence")),
            next_steps=array(TEXT),
        ),
    }
    shared = (
        *("capture", "capture_file", "file_stream", "undecoded", "ambiguous_stream", "certificate"),
        *("ocsp_exchange", "response", "single", "exchange_frames", "cert_id"),
    )
    by_name = {name: cls for cls, name in CLASSES.items()}
    head: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:ocsp-pcap:schema:explanation:1",
        "title": "An explanation of ocsp-pcap",
        "description": "For every certificate: was OCSP traffic for it seen, and if not, why not.",
    }
    body = closed(
        schema={"const": model.SCHEMA},
        headline=TEXT,
        captures=array(ref("capture")),
        chain=array(ref("chain")),
        verdicts=array(ref("verdict")),
        findings=array(ref("finding")),
        unmatched_exchanges=array(ref("ocsp_exchange")),
    )
    return head | body | {"$defs": own | {name: class_schema(by_name[name]) for name in shared} | SCALARS}


def _forecast_schema() -> Schema:
    """Return the schema of a forecast, which is closed but for the facts about captures in it."""
    scheme = words(forecast_model.Scheme)
    own: dict[str, Schema] = {
        "count": {"type": "integer", "minimum": 0},
        "port": {"type": "integer", "minimum": 0, "maximum": 65535},
        "lifetime": closed(basis=words(lifetimes.Basis), seconds=ref("count"), reason=TEXT),
        "responder": closed(
            scheme=scheme,
            host=TEXT,
            port=ref("port"),
            urls=array(TEXT),
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
            lifetimes=array(ref("lifetime")),
        ),
        "unasked": closed(
            reason=words(forecast_model.Reason),
            why=TEXT,
            **_counts("handshakes", "certificates", "occasions"),
            hosts=array(TEXT),
        ),
        "validator": closed(
            validator=closed(address=TEXT, role=words(model.Role)),
            **_counts("handshakes", "occasions"),
            responders=array(ref("responder")),
            unasked=array(ref("unasked")),
            **_counts("queries_without_cache", "queries_with_cache", "stapled", "queries_seen"),
            forwarding_host={"type": ["string", "null"]},
        ),
        "opening": closed(
            source=TEXT,
            scheme=scheme,
            host=TEXT,
            port=ref("port"),
            addresses=array(TEXT),
            queries=ref("count"),
        ),
    }
    head: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:ocsp-pcap:schema:forecast:1",
        "title": "A forecast of ocsp-pcap",
        "description": "Were OCSP on, which queries to which responders would this traffic have caused.",
    }
    body = closed(
        schema={"const": forecast_model.FORECAST_SCHEMA},
        captures=array(ref("capture")),
        validators=array(ref("validator")),
        openings=array(ref("opening")),
        assumptions=array(TEXT),
    )
    by_name = {name: cls for cls, name in CLASSES.items()}
    shared = ("capture", "capture_file", "file_stream", "undecoded", "ambiguous_stream")
    return head | body | {"$defs": own | {name: class_schema(by_name[name]) for name in shared} | SCALARS}


def _counts(*names: str) -> dict[str, Schema]:
    """Return properties that are counts."""
    return {name: ref("count") for name in names}


if __name__ == "__main__":
    write(Path(__file__).parent)
