"""The published schemas: strict, and in step with the classes."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from importlib import resources
from typing import Any

import jsonschema
import pytest

from ocsp_pcap.report.json import explanation_to_text
from ocsp_pcap.report.schema import NAMES, load
from ocsp_pcap.report.schema.build import build

from .demo import changed, demo_explanation


@pytest.mark.parametrize("name", NAMES)
def test_published_schema_is_the_derived_one(name: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(load(name))
    stored = resources.files("ocsp_pcap.report.schema").joinpath(f"{name}.schema.json")
    assert json.loads(stored.read_text(encoding="utf-8")) == build(name)


def test_unknown_name() -> None:
    with pytest.raises(KeyError):
        load("../secrets")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        changed("schema", value="ocsp-pcap/2"),
        changed("more", value=1),
        changed("verdicts", 0, "presence", value="maybe"),
        changed("verdicts", 0, "cause", value="stapled"),  # does not explain "present"
        changed("verdicts", 0, "cause", value="ocsp-at-egress"),
        changed("verdicts", 0, "confidence", value="certain"),
        changed("verdicts", 0, "validator", "role", value="server"),
        changed("verdicts", 0, "status", value="bad"),
        changed("verdicts", 0, "more", value=1),
        changed("verdicts", 0, "evidence", 0, "frame", value=0),
        changed("verdicts", 0, "certificate", "sha256", value="AB" * 32),
        changed("verdicts", 0, "certificate", "not_after", value=17),
        changed("verdicts", 0, "sightings", 0, "time", value="2026-01-02T03:04:05Z"),
        changed("findings", 0, "code", value="queried"),
        changed("findings", 0, "severity", value="fatal"),
    ],
)
def test_what_breaks_the_contract_of_an_explanation(change: Callable[[Any], None]) -> None:
    document = json.loads("".join(explanation_to_text(demo_explanation())))
    change(document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(load("explanation")).validate(document)


def test_each_key_of_a_verdict_is_required() -> None:
    validator = jsonschema.Draft202012Validator(load("explanation"))
    document = json.loads("".join(explanation_to_text(demo_explanation())))
    for key in document["verdicts"][0]:
        broken = copy.deepcopy(document)
        del broken["verdicts"][0][key]
        assert not validator.is_valid(broken), key


@pytest.mark.parametrize("name", NAMES)
def test_everything_that_is_referred_to_is_defined(name: Any) -> None:
    schema = load(name)
    words = re.findall(r'"#/\$defs/(\w+)"', json.dumps(schema))
    assert set(words) <= schema["$defs"].keys()
