"""Explanations as JSON."""

from __future__ import annotations

import json
from dataclasses import fields

import jsonschema
import pytest

from ocsp_pcap.explain.model import Explanation, Verdict
from ocsp_pcap.facts.json import dumps
from ocsp_pcap.facts.lines import indented
from ocsp_pcap.report import json as json_report
from ocsp_pcap.report.json import SIGHTING_KEYS, explanation_to_text
from ocsp_pcap.report.schema import load
from tests.unit.facts.plain_json import to_plain

from .demo import demo_explanation


def test_explanation_has_the_keys_of_the_contract() -> None:
    explanation = demo_explanation()
    value = json.loads("".join(explanation_to_text(explanation)))
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
        json.loads("".join(explanation_to_text(explanation)))
    )


@pytest.mark.parametrize("explanation", [demo_explanation(), Explanation((), (), (), ())])
def test_text_in_pieces_is_that_of_the_whole_object(explanation: Explanation) -> None:
    verdicts = [to_plain(verdict) for verdict in explanation.verdicts]
    for verdict in verdicts:
        verdict["sightings"] = [{key: each[key] for key in SIGHTING_KEYS} for each in verdict["sightings"]]
    document = {
        "schema": "ocsp-pcap/1",
        "headline": explanation.headline,
        "captures": [*map(to_plain, explanation.captures)],
        "chain": [*map(to_plain, explanation.chains)],
        "verdicts": verdicts,
        "findings": [*map(to_plain, explanation.findings)],
        "unmatched_exchanges": [*map(to_plain, explanation.unmatched_exchanges)],
    }
    whole = dumps(document, indent=2) + "\n"
    assert "".join(explanation_to_text(explanation)) == whole


def test_a_verdict_is_made_when_its_turn_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    explanation = demo_explanation()
    made: list[object] = []
    monkeypatch.setattr(
        json_report, "indented", lambda value, *how: made.append(value) or indented(value, *how)
    )
    pieces = explanation_to_text(explanation)
    first = json.dumps(explanation.verdicts[0].summary)
    assert any(first in piece for piece in pieces)
    assert explanation.verdicts[0] in made
    assert explanation.verdicts[1] not in made
