"""No sample's expectations still hold when a cause is mistaken for one that looks much like it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from ocsp_pcap.explain.causes import CAUSES, SECTIONS, page
from ocsp_pcap.explain.expect import SELECTORS, Expectation, check
from ocsp_pcap.explain.model import Explanation, Verdict
from tests.unit.explain.causes import without_sample

from .cases import AHEAD, Sample, explanation_of_all, samples

MORE_NEIGHBOURS = {
    "queried": ("cached", "no-response", "response-invalid"),
    "dns-failed": ("responder-unreachable", "capture-filtered", "ocsp-disabled"),
    "responder-unreachable": ("dns-failed", "no-response", "capture-filtered"),
    "http-error": ("responder-error", "no-response"),
    "responder-error": ("http-error", "response-invalid"),
    "response-invalid": ("queried", "responder-error"),
    "no-response": ("responder-unreachable", "queried", "capture-incomplete"),
    "stapled": ("staple-invalid", "cached", "queried"),
    "staple-invalid": ("stapled", "ocsp-disabled"),
    "cached": ("ocsp-disabled", "queried", "unexplained"),
    "session-resumed": ("certificate-encrypted", "cached", "capture-incomplete"),
    "no-ocsp-url": ("reissued-certificate", "short-lived", "ocsp-disabled"),
    "short-lived": ("no-ocsp-url", "cached"),
    "reissued-certificate": ("no-ocsp-url", "ocsp-disabled", "not-intercepted"),
    "not-intercepted": ("ocsp-disabled", "reissued-certificate", "cached"),
    "ocsp-disabled": ("cached", "unexplained", "not-intercepted"),
    "handshake-failed": ("ocsp-disabled", "capture-incomplete"),
    "unexplained": ("cached", "ocsp-disabled"),
    "certificate-encrypted": ("session-resumed", "capture-incomplete"),
    "capture-filtered": ("ocsp-disabled", "responder-unreachable", "cached"),
    "capture-incomplete": ("certificate-encrypted", "handshake-failed", "ocsp-disabled"),
    "ocsp-over-tls": ("ocsp-disabled", "cached"),
    "leaf-only": ("cached", "ocsp-disabled", "no-ocsp-url"),
    "failure-cached": ("cached", "ocsp-disabled", "unexplained"),
    "no-responder-for-issuer": ("no-ocsp-url", "ocsp-disabled"),
}
CODES = [code for code, entry in CAUSES.items() if entry.kind == "cause"]
ELSEWHERE = {"leaf-only", "failure-cached", "no-responder-for-issuer"}
"""Causes of single sightings and of intermediates, which test_other_validators asks for, and one that only a
site file can tell."""
FINDINGS_THAT_ANSWER = ("ocsp-on-wrong-proxy", "ocsp-at-egress", "ocsp-nowhere", "parent-not-intercepting")
"""What a chain as a whole is told; one of them taken for another is the wrong answer."""


def neighbours(cause: str) -> Sequence[str]:
    """The causes that one is easily mistaken for: those above, else those that its page names."""
    named = re.findall(r"`([a-z-]+)`", page(cause).split(f"\n## {SECTIONS[2]}\n")[1].split("\n## ")[0])
    return MORE_NEIGHBOURS.get(cause) or [code for code in dict.fromkeys(named) if code in CODES]


def mistaken(explanation: Explanation, verdict: Verdict, cause: str) -> Explanation:
    """The same explanation with one verdict's cause, and the presence that goes with it, replaced."""
    presence = CAUSES[cause].presence
    assert presence is not None
    wrong = replace(verdict, cause=cause, presence=presence)
    return replace(
        explanation, verdicts=tuple(wrong if other is verdict else other for other in explanation.verdicts)
    )


def concerns(expectation: Expectation, explanation: Explanation, verdict: Verdict) -> bool:
    """Tell whether an expectation about causes selects a verdict."""
    if expectation.about_finding or "cause" not in expectation.values:
        return False
    selectors = {key: value for key, value in expectation.values.items() if key in SELECTORS}
    alone = replace(explanation, verdicts=(verdict,))
    probe = Expectation(expectation.number, selectors | {"cause": verdict.cause})
    return check(alone, (probe,))[0].held


def holds(explanation: Explanation, case: Sample) -> bool:
    return all(outcome.held for outcome in check(explanation, case.expectations))


def test_every_cause_has_neighbours_that_are_causes() -> None:
    for cause in CODES:
        assert neighbours(cause), f"the page of {cause} names no cause that it is easily mistaken for"
        assert cause not in neighbours(cause)
        assert set(neighbours(cause)) <= set(CODES)


def test_every_cause_that_packets_can_show_is_expected_somewhere() -> None:
    expected = {e.values.get("cause") for case in samples() for e in case.expectations}
    assert {code for code in CODES if code not in expected and not without_sample(code)} == ELSEWHERE


@pytest.mark.parametrize(
    "case", [case for case in samples() if case.name not in AHEAD], ids=lambda case: case.name
)
def test_a_cause_mistaken_for_its_neighbour_breaks_an_expectation(case: Sample) -> None:
    explanation = explanation_of_all(case)
    expectations = case.expectations
    selected = [
        verdict
        for verdict in explanation.verdicts
        if any(concerns(expectation, explanation, verdict) for expectation in expectations)
    ]
    assert selected, f"{case.name} expects no cause of any certificate"
    unnoticed = [
        f"{verdict.validator.role} {verdict.host}: {verdict.cause} taken for {neighbour}"
        for verdict in selected
        for neighbour in neighbours(verdict.cause)
        if holds(mistaken(explanation, verdict, neighbour), case)
    ]
    assert unnoticed == []


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in samples()
        if case.name not in AHEAD
        and any(e.values.get("finding") in FINDINGS_THAT_ANSWER for e in case.expectations)
    ],
    ids=lambda case: case.name,
)
def test_an_answer_about_the_chain_mistaken_for_another_breaks_an_expectation(case: Sample) -> None:
    explanation = explanation_of_all(case)
    for finding in explanation.findings:
        if finding.code not in FINDINGS_THAT_ANSWER:
            continue
        if not any(e.values.get("finding") == finding.code for e in case.expectations):
            continue
        for other in FINDINGS_THAT_ANSWER:
            wrong = tuple(replace(f, code=other) if f is finding else f for f in explanation.findings)
            assert holds(replace(explanation, findings=wrong), case) == (other == finding.code)
