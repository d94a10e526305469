"""Facts as JSON."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocsp_pcap.facts import (
    Fact,
    Facts,
    HandshakeFact,
)
from ocsp_pcap.facts import schema as facts_schema
from ocsp_pcap.facts.json import FactsError, dumps, facts_from_jsonl, facts_to_jsonl
from ocsp_pcap.facts.lines import to_json
from tests.unit.facts.instances import KINDS, instances
from tests.unit.report.demo import demo_facts


def test_facts_round_trip() -> None:
    facts = demo_facts()
    lines = list(facts_to_jsonl(facts))
    assert facts_from_jsonl(lines) == facts
    assert facts_from_jsonl([line.encode() + b"\r\n" for line in lines] + [b"\n"]) == facts
    assert facts_from_jsonl([]) == Facts()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(st.one_of(*(instances(cls) for cls in KINDS.values())))
def test_any_fact_round_trips(fact: Fact) -> None:
    line = dumps(to_json(fact))
    assert line.isascii()
    assert line.isprintable()
    (read,) = facts_from_jsonl([line])
    assert read == fact


def test_fact_has_the_form_of_the_contract() -> None:
    value = to_json(demo_facts().handshakes[0])
    assert next(iter(value)) == "kind"
    assert value["kind"] == "handshake"
    assert value["time"] == "2026-01-02T03:04:05.123456789Z"
    assert value["frames"] == {
        "client_hello": 4, "server_hello": 6, "certificate": 7, "certificate_status": 7, "finished": 11,
        "client_finished": None,
    }  # fmt: skip
    assert value["alpn"] == ["h2", "http/1.1"]
    assert value["staples"][0]["singles"][0]["status"] == "good"
    certificate = to_json(next(iter(demo_facts().certificates.values())))
    assert certificate["issuer_name_hashes"] == {"sha1": "0f" * 20, "sha256": "1f" * 32}


def test_facts_of_the_contract_alone_are_read() -> None:
    """A producer that knows only the contract's keys leaves out ours."""
    (handshake,) = [fact for fact in demo_facts().handshakes if fact.sni]
    value = {key: item for key, item in to_json(handshake).items() if key not in ("client_port", "end_time")}
    (read,) = facts_from_jsonl([json.dumps(value | {"something_new": [1]})])
    assert isinstance(read, HandshakeFact)
    assert (read.client_port, read.end_time) == (0, None)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "this is not JSON"),
        (b"\xff", "this is not UTF-8"),
        ("[1]", "expected an object"),
        ("{}", "unknown kind of fact None"),
        ('{"kind":["capture"]}', "unknown kind of fact"),
        ('{"kind":"capture"}', "the key 'path' is missing"),
        ("[" * 100_000, "reasonable depth"),
        ('{"kind":' + "9" * 10_000 + "}", "reasonable depth and size"),
    ],
)
def test_a_broken_line_is_named(line: str | bytes, problem: str) -> None:
    with pytest.raises(FactsError, match=problem) as caught:
        facts_from_jsonl(["", line])
    assert caught.value.line == 2
    assert str(caught.value).startswith("line 2: ")


def test_the_place_of_a_bad_value_is_named() -> None:
    value = to_json(demo_facts().handshakes[0])
    value["staples"][0]["singles"][0]["status"] = "fine\x1b[31m"
    with pytest.raises(
        FactsError, match=r"staples\.\[\]\.singles\.\[\]\.status: expected one of good"
    ) as caught:
        facts_from_jsonl([json.dumps(value)])
    assert str(caught.value).isprintable()


def test_facts_fit_their_schema() -> None:
    validator = jsonschema.Draft202012Validator(facts_schema.load())
    for line in facts_to_jsonl(demo_facts()):
        validator.validate(json.loads(line))


def test_facts_that_are_read_share_equal_texts() -> None:
    lines = [line for line in facts_to_jsonl(demo_facts()) if '"kind": "handshake"' in line]
    first, again = facts_from_jsonl([lines[0], lines[0]]).handshakes
    assert first is not again
    assert first.client is again.client
    assert all(one is other for one, other in zip(first.certificates, again.certificates, strict=True))
