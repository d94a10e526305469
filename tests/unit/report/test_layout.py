"""Order, folding and short names."""

from __future__ import annotations

from dataclasses import replace

from ocsp_pcap.explain.model import Evidence, Explanation, Validator
from ocsp_pcap.explain.phrases import common_name, validator_name
from ocsp_pcap.report.layout import host_text, lay_out, proof_frames, short_names, sorted_findings

from .demo import certificate, demo_explanation, demo_verdicts


def test_what_needs_attention_comes_first() -> None:
    layout = lay_out(demo_explanation())
    assert [group.validator.role for group in layout.groups] == ["parent", "child"]
    assert [verdict.cause for verdict in layout.groups[0].verdicts] == [
        "responder-unreachable", "unexplained", "certificate-encrypted", "no-ocsp-url", "stapled", "queried",
    ]  # fmt: skip


def test_intermediates_are_folded_unless_they_have_traffic() -> None:
    explanation = demo_explanation()
    assert lay_out(explanation).folded == 1
    assert lay_out(explanation, fold=False).folded == 0
    queried = tuple(
        replace(verdict, presence="present", cause="queried")
        if verdict.chain_role == "intermediate"
        else verdict
        for verdict in explanation.verdicts
    )
    assert lay_out(replace(explanation, verdicts=queried)).folded == 0


def test_intermediates_alone_are_not_folded() -> None:
    only = tuple(verdict for verdict in demo_verdicts() if verdict.chain_role == "intermediate")
    layout = lay_out(Explanation((), only, (), ()))
    assert (len(layout.verdicts), layout.folded) == (1, 0)


def test_findings_problems_first() -> None:
    assert [finding.severity for finding in sorted_findings(demo_explanation().findings)] == [
        "problem",
        "info",
    ]


def test_short_names() -> None:
    assert short_names(["a/x.pcap", "b/x.pcap", "c/y.pcap", "-", "/"]) == {
        "a/x.pcap": "a/x.pcap", "b/x.pcap": "b/x.pcap", "c/y.pcap": "y.pcap", "-": "-", "/": "/",
    }  # fmt: skip


def test_host_text() -> None:
    leaf, *_, intermediate, _ = demo_verdicts()
    assert host_text(leaf) == "plain.site.test"
    assert host_text(intermediate) == "Example Trust G2"
    assert host_text(replace(leaf, host=None)) == "plain.site.test"
    assert host_text(replace(leaf, host=None, certificate=None)) == "(no name)"
    assert host_text(replace(leaf, host=None, certificate=certificate("x", "85", subject=""))) == "85" * 8


def test_common_name() -> None:
    assert common_name("CN=a.test,O=b") == "a.test"
    assert common_name("O=b, CN = a.test") == "a.test"
    assert common_name("O=b") == "O=b"


def test_validator_name() -> None:
    assert validator_name(Validator("10.0.0.1", "parent")) == "parent 10.0.0.1"
    assert validator_name(Validator("10.0.0.1", "unknown")) == "10.0.0.1"


def test_proof_frames() -> None:
    evidence = [Evidence("a", frame, 1, "") for frame in (22, 10, 14, 10, 30)] + [Evidence("b", 5, 1, "")]
    assert proof_frames(evidence, {"a": 1}) == "10, 14, 22 +2"
    assert proof_frames(evidence, {"a": 1, "b": 2}, most=9) == "[1] 10, 14, 22, 30 [2] 5"
    assert proof_frames([Evidence("site", None, None, "")], {}) == "no packet"
    assert proof_frames([], {}) == ""
