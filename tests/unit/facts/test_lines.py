"""Lines of JSON are what ``json.dumps`` makes of the objects."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocsp_pcap.facts import Fact
from ocsp_pcap.facts.lines import indented, line_of
from tests.unit.report.demo import demo_facts

from .instances import KINDS, instances
from .plain_json import to_plain


def test_the_lines_of_facts() -> None:
    for fact in demo_facts():
        assert line_of(fact) == json.dumps(to_plain(fact))


def test_some_members_only() -> None:
    fact = demo_facts().handshakes[0]
    only = ((type(fact.frames), ("finished", "client_hello")), (type(fact), ("sni", "frames")))
    kept = {key: to_plain(fact)[key] for key in ("kind", "sni", "frames")}
    kept["frames"] = {key: kept["frames"][key] for key in ("finished", "client_hello")}
    assert json.loads(indented(fact, "", only)) == kept
    assert indented(fact, "", only) == json.dumps(kept, indent=2)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(st.one_of(*(instances(cls) for cls in KINDS.values())))
def test_the_line_of_any_fact(fact: Fact) -> None:
    assert line_of(fact) == json.dumps(to_plain(fact))
    margin = "    "
    assert indented(fact, margin) == json.dumps(to_plain(fact), indent=2).replace("\n", f"\n{margin}")
