"""The expectations that ``check --write`` makes hold at once, in every sample, and notice another cause."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ocsp_pcap.explain.expect import check, load_expectations
from ocsp_pcap.report.first_expectations import expectations_toml

from .cases import Sample, explanation_of_all, sample, samples


@pytest.mark.parametrize("case", samples(), ids=lambda case: case.name)
def test_first_expectations_hold(case: Sample, tmp_path: Path) -> None:
    file = tmp_path / "expect.toml"
    explanation = explanation_of_all(case)
    file.write_text(expectations_toml(explanation), encoding="utf-8")
    outcomes = check(explanation, load_expectations(file))
    assert [f"{dict(o.expectation.values)}: {o.reason}" for o in outcomes if not o.held] == []
    certain = [
        verdict
        for verdict in explanation.verdicts
        if verdict.confidence == "confirmed"
        and verdict.chain_role == "leaf"
        and verdict.certificate is not None
    ]
    for verdict in certain:
        wrong = replace(verdict, cause="no-response", presence="attempted")
        verdicts = tuple(wrong if other is verdict else other for other in explanation.verdicts)
        changed = replace(explanation, verdicts=verdicts)
        assert verdict.cause == "no-response" or not all(
            outcome.held for outcome in check(changed, load_expectations(file))
        ), verdict.host


def test_a_host_that_looks_like_a_glob_or_like_toml(tmp_path: Path) -> None:
    explanation = explanation_of_all(sample("direct"))
    hosts = ['*.a"]\n[[expect]]', "[b]?", "c\\u0041\x1b"]
    leaves = [verdict for verdict in explanation.verdicts if verdict.chain_role == "leaf"][:3]
    verdicts = tuple(
        replace(verdict, host=host, summary=f"{host}\nx = 1")
        for verdict, host in zip(leaves, hosts, strict=True)
    )
    file = tmp_path / "expect.toml"
    file.write_text(expectations_toml(replace(explanation, verdicts=verdicts)), encoding="utf-8")
    expectations = load_expectations(file)
    assert sum("host" in expectation.values for expectation in expectations) <= 3
