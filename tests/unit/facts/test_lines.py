"""Lines of JSON are what ``json.dumps`` makes of the objects."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocsp_pcap.facts import Fact
from ocsp_pcap.facts.codec import to_json
from ocsp_pcap.facts.lines import line_of
from tests.unit.report.demo import demo_facts

from .instances import KINDS, instances


def test_the_lines_of_facts() -> None:
    for fact in demo_facts():
        assert line_of(fact) == json.dumps(to_json(fact))


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(st.one_of(*(instances(cls) for cls in KINDS.values())))
def test_the_line_of_any_fact(fact: Fact) -> None:
    assert line_of(fact) == json.dumps(to_json(fact))
