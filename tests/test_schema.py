"""Published schemas: the output about every sample keeps to them."""

from __future__ import annotations

import json

import jsonschema
import pytest

from ocsp_pcap.facts import schema as facts_schema
from ocsp_pcap.facts.json import facts_from_jsonl, facts_to_jsonl
from ocsp_pcap.report.json import explanation_to_text
from ocsp_pcap.report.schema import load
from tests.samples.cases import Sample, explanation_of_all, facts_of_all, samples

EVERY_SAMPLE = pytest.mark.parametrize("case", samples(), ids=lambda case: case.name)


@EVERY_SAMPLE
def test_facts_of_a_sample_keep_to_the_schema(case: Sample) -> None:
    validator = jsonschema.Draft202012Validator(facts_schema.load())
    kinds = set()
    for line in facts_to_jsonl(facts_of_all(case)):
        fact = json.loads(line)
        validator.validate(fact)
        kinds.add(fact["kind"])
    assert {"capture", "handshake"} <= kinds


@EVERY_SAMPLE
def test_facts_of_a_sample_survive_being_stored(case: Sample) -> None:
    facts = facts_of_all(case)
    assert facts_from_jsonl(facts_to_jsonl(facts)) == facts


@EVERY_SAMPLE
def test_the_explanation_of_a_sample_keeps_to_the_schema(case: Sample) -> None:
    document = json.loads("".join(explanation_to_text(explanation_of_all(case))))
    jsonschema.Draft202012Validator(load("explanation")).validate(document)
    assert document["verdicts"]
