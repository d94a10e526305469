"""Explanations as JSON."""

from __future__ import annotations

import json
from dataclasses import fields

import jsonschema
import pytest

from ocsp_pcap.explain.model import Explanation, Verdict
from ocsp_pcap.facts.json import dumps
from ocsp_pcap.report.json import explanation_to_json
from ocsp_pcap.report.schema import load

from .demo import demo_explanation


def test_explanation_has_the_keys_of_the_contract() -> None:
    explanation = demo_explanation()
    value = explanation_to_json(explanation)
    assert list(value) == [
        "schema",
        "headline",
        "captures",
        "chain",
        "verdicts",
        "findings",
        "unmatched_exchanges",
    ]
    assert value["schema"] == "ocsp-pcap/1"
    verdict = value["verdicts"][0]
    assert list(verdict) == [field.name for field in fields(Verdict)]
    assert list(verdict["sightings"][0]) == [
        "capture", "stream", "frame", "time", "presence", "cause", "confidence", "evidence",
    ]  # fmt: skip
    assert verdict["evidence"][0] == {
        "capture": "captures/parent.pcapng",
        "frame": 104,
        "stream": 10,
        "note": "ClientHello for plain.site.test",
        "transport": "tcp",
    }
    assert verdict["certificate"]["kind"] == "certificate"
    assert value["unmatched_exchanges"][0]["kind"] == "ocsp_exchange"


@pytest.mark.parametrize("explanation", [demo_explanation(), Explanation((), (), (), ())])
def test_explanation_fits_its_schema(explanation: Explanation) -> None:
    jsonschema.Draft202012Validator(load("explanation")).validate(
        json.loads(dumps(explanation_to_json(explanation)))
    )


def test_indented_text_is_the_same_value() -> None:
    value = explanation_to_json(demo_explanation())
    assert json.loads(dumps(value, indent=2)) == json.loads(dumps(value)) == value
