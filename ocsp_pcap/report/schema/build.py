"""Derive the published schemas from the classes: ``python -m ocsp_pcap.report.schema.build`` writes them.

A test compares the published files with what this module derives, so that neither can drift.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from ocsp_pcap.explain import forecast_model, lifetimes, model
from ocsp_pcap.facts.schema import (
    CLASSES,
    SCALARS,
    TEXT,
    Schema,
    array,
    class_schema,
    closed,
    member_schemas,
    ref,
)
from ocsp_pcap.report.json import SIGHTING_KEYS
from ocsp_pcap.report.schema import CODES, NAMES, SchemaName

_OF_AN_EXPLANATION: Final[dict[Any, str]] = {
    model.Validator: "validator",
    model.Evidence: "evidence",
    model.Doubt: "doubt",
    model.Alternative: "alternative",
    model.Sighting: "sighting",
    model.Verdict: "verdict",
    model.Leg: "leg",
    model.Chain: "chain",
    model.Finding: "finding",
}
_OF_A_FORECAST: Final[dict[Any, str]] = {
    model.Validator: "validator",
    lifetimes.Lifetime: "lifetime",
    forecast_model.ResponderForecast: "responder",
    forecast_model.Unasked: "unasked",
    forecast_model.ValidatorForecast: "validator_forecast",
    forecast_model.Opening: "opening",
}
_CAPTURE: Final = ("capture", "capture_file", "file_stream", "undecoded", "ambiguous_stream")
_EXCHANGE: Final = ("ocsp_exchange", "response", "single", "exchange_frames", "cert_id")


def build(name: SchemaName) -> Schema:
    """Return a schema as it should be published: closed but for the facts in it."""
    builders = {"explanation": _explanation_schema, "forecast": _forecast_schema}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | builders[name]()


def write(folder: Path) -> None:
    """Write all schemas into a folder."""
    for name in NAMES:
        text = json.dumps(build(name), indent=2) + "\n"
        (folder / f"{name}.schema.json").write_text(text, encoding="utf-8")


def _explanation_schema() -> Schema:
    definitions = _definitions(_OF_AN_EXPLANATION, (*_CAPTURE, "certificate", *_EXCHANGE))
    definitions |= {name: {"description": "one of those that ocsp-pcap cause lists"} for name in CODES}
    sighting = definitions["sighting"]["properties"]
    definitions["sighting"] = closed(**{key: sighting[key] for key in SIGHTING_KEYS})
    for name in ("sighting", "verdict"):
        definitions[name]["allOf"] = [ref("presence_and_cause")]
    head: Schema = {
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
    # Only there where a bound was reached.
    body["properties"]["bounds_reached"] = array(TEXT)
    return head | body | {"$defs": definitions}


def _forecast_schema() -> Schema:
    head: Schema = {
        "$id": "urn:ocsp-pcap:schema:forecast:1",
        "title": "A forecast of ocsp-pcap",
        "description": "Were OCSP on, which queries to which responders would this traffic have caused.",
    }
    members = member_schemas(forecast_model.Forecast, CLASSES | _OF_A_FORECAST)
    del members["notes"]
    body = closed(schema={"const": forecast_model.FORECAST_SCHEMA}, **members)
    return head | body | {"$defs": _definitions(_OF_A_FORECAST, _CAPTURE)}


def _definitions(results: dict[Any, str], facts: Iterable[str]) -> dict[str, Schema]:
    """Return definitions of the classes of a result, of the facts in it, and of scalars."""
    by_name = {name: cls for cls, name in CLASSES.items()}
    own = {name: closed(**member_schemas(cls, CLASSES | results)) for cls, name in results.items()}
    return own | {name: class_schema(by_name[name]) for name in facts} | SCALARS


if __name__ == "__main__":
    write(Path(__file__).parent)
