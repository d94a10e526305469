"""The published schema of facts: strict, and in step with the classes."""

from __future__ import annotations

import jsonschema

from ocsp_pcap.facts import schema as facts_schema
from ocsp_pcap.facts.lines import to_json
from tests.unit.report.demo import demo_facts


def test_published_schema_of_facts_is_the_derived_one() -> None:
    jsonschema.Draft202012Validator.check_schema(facts_schema.load())
    assert facts_schema.load() == facts_schema.build()


def test_facts_may_have_more_keys_but_not_fewer() -> None:
    validator = jsonschema.Draft202012Validator(facts_schema.load())
    value = to_json(demo_facts().handshakes[0])
    assert validator.is_valid(value | {"more": 1})
    assert not validator.is_valid({key: item for key, item in value.items() if key != "sni"})
    assert not validator.is_valid(value | {"time": "yesterday"})
    assert not validator.is_valid(value | {"kind": "other"})
