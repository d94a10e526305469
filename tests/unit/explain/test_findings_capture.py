"""Findings about the captures, their order, and what they are made of."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.causes import CAUSES
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.findings import SEVERITIES
from ocsp_pcap.explain.findings.common import MAX_EVIDENCE, finding, hosts_of
from ocsp_pcap.explain.model import Evidence
from ocsp_pcap.facts import UndecodedFact

from .facts_factory import RESPONDER, capture, certificate, dns, exchange, facts, handshake

shop = certificate()
visit = handshake("shop.test", shop)


def problems(**defects: Any) -> list[tuple[str, str]]:
    found = explain(facts(capture(**defects), shop, visit, exchange(shop))).findings
    return [(f.severity, f.summary) for f in found if f.code == "capture-problem"]


@pytest.mark.parametrize(
    ("defects", "severity", "words"),
    [
        ({"damage": "cut short."}, "problem", "is not the whole story: cut short."),
        ({"dropped": 12}, "problem", "dropped 12 packets"),
        ({"truncated_packets": 3, "snaplen": 96}, "problem", "3 packets are cut short (snaplen 96)"),
        ({"tcp_gaps": 2}, "advice", "missing in 2 places"),
        ({"one_sided_streams": 4}, "advice", "4 TCP connections show one direction only"),
        ({"undecoded_packets": 5}, "advice", "5 packets are of a kind"),
    ],
)
def test_capture_problem(defects: dict[str, Any], severity: str, words: str) -> None:
    ((found, summary),) = problems(**defects)
    assert found == severity
    assert words in summary


def test_a_capture_without_problems() -> None:
    assert problems() == []
    assert problems(dropped=0) == []


def test_a_filter_is_a_problem_of_the_capture() -> None:
    found = explain(facts(capture(ports_seen=(53, 443)), shop, visit, dns(RESPONDER))).findings
    assert any(f.code == "capture-problem" and "capture filter" in f.summary for f in found)


def test_problems_come_first() -> None:
    seen = facts(capture(damage="cut", tcp_gaps=1), capture("b.pcap", tcp_gaps=1), shop, visit)
    order = [SEVERITIES.index(f.severity) for f in explain(seen).findings]
    assert order == sorted(order)
    assert len(order) == 2


def test_evidence_is_kept_once_and_bounded() -> None:
    same = Evidence("a.pcap", 1, 1, "the same")
    assert finding(CAUSES["ocsp-nowhere"], "words", [same, same]).evidence == (same,)
    many = [Evidence("a.pcap", number, 1, "frame") for number in range(99)]
    assert len(finding(CAUSES["ocsp-nowhere"], "words", many).evidence) == MAX_EVIDENCE


def test_hosts_are_named_up_to_three() -> None:
    visits = [handshake(f"h{n}.test", certificate(f"h{n}.test")) for n in range(5)]
    verdicts = explain(facts(*(certificate(f"h{n}.test") for n in range(5)), *visits)).verdicts
    assert hosts_of(verdicts) == "h0.test, h1.test, h2.test and 2 more"
    assert hosts_of(verdicts[:1]) == "h0.test"


def test_what_cannot_be_decoded_is_named_and_not_to_be_captured_again() -> None:
    undecoded = tuple(UndecodedFact(f"EtherType 0x{number:04x}", 9 - number) for number in range(7))
    wrapped = capture(undecoded_packets=42, undecoded=undecoded)
    (found,) = (f for f in explain(facts(wrapped, shop, visit, exchange(shop))).findings if f.evidence)
    assert "EtherType 0x0000: 9, " in found.summary
    assert "and 2 other kinds" in found.summary
    (step,) = found.next_steps
    assert "EtherType 0x0000" in step
    assert "again" not in step
