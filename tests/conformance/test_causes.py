"""Cause by cause: a real capture that shows it, a real one that must not be taken for it, and the proof."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from ocsp_pcap.api import explain as explain_facts
from ocsp_pcap.api import read_facts
from ocsp_pcap.explain.causes import CAUSES
from ocsp_pcap.explain.model import Explanation, Verdict
from tests.conftest import CORPUS, CORPUS_TABLE, NO_CORPUS
from tests.samples.cases import explanation_of_all, facts_of_all, sample, samples
from tests.unit.explain.causes import without_sample

from .cause_table import (
    FINDINGS_SHOWN,
    NEAR_MISSES,
    NEVER_CONFIRMED,
    PROOF,
    SHOWN,
    WITHOUT_CAPTURE,
    Shown,
)
from .sharkview import kind_of

CODES = {code for code, entry in CAUSES.items() if entry.kind == "cause"}
FINDINGS = set(CAUSES) - CODES


@cache
def explained(where: str, told: bool = True) -> Explanation:
    if not Path(where).suffix:
        case = sample(where)
        return explanation_of_all(case) if told else explain_facts(facts_of_all(case))
    if not CORPUS_TABLE.is_file():
        pytest.skip(NO_CORPUS)
    return explain_facts(read_facts([CORPUS / where]))


def verdict_of(where: str, role: str, host: str, *, told: bool = True) -> Verdict:
    found = [
        verdict
        for verdict in explained(where, told).verdicts
        if verdict.host == host
        and verdict.chain_role == "leaf"
        and (not told or verdict.validator.role == role)
        and (told or not verdict.cause.startswith("reissued"))
    ]
    assert len(found) == 1, (where, role, host, [(v.validator, v.cause) for v in found])
    return found[0]


def test_every_cause_and_finding_has_its_captures() -> None:
    shown = {row.cause for row in SHOWN}
    expected = {e.values.get("cause") for case in samples() for e in case.expectations}
    elsewhere = {code for code in CODES - shown if code in expected or without_sample(code)}
    assert shown | elsewhere | (set(WITHOUT_CAPTURE) & CODES) == CODES
    assert set(NEAR_MISSES) == shown == set(PROOF)
    assert set(FINDINGS_SHOWN) | (set(WITHOUT_CAPTURE) - CODES) == FINDINGS
    confirmed = {row.cause for row in SHOWN if row.confidence == "confirmed"}
    assert shown - confirmed == set(NEVER_CONFIRMED)


@pytest.mark.parametrize("row", SHOWN, ids=str)
def test_a_real_capture_shows_the_cause(row: Shown) -> None:
    verdict = verdict_of(row.where, row.role, row.host, told=row.told)
    assert (verdict.cause, verdict.confidence) == (row.cause, row.confidence), verdict.summary
    assert verdict.presence == CAUSES[row.cause].presence
    assert verdict.next_steps
    assert verdict.alternatives or row.confidence != "possible"


@pytest.mark.parametrize("row", [row for row in SHOWN if row.confidence == "confirmed"], ids=str)
def test_what_is_confirmed_is_proven_by_frames_of_the_right_kinds(row: Shown) -> None:
    verdict = verdict_of(row.where, row.role, row.host, told=row.told)
    kinds = {kind.name for e in verdict.evidence if e.frame is not None and (kind := kind_of(e.note))}
    assert kinds >= PROOF[row.cause]


@pytest.mark.parametrize("cause", sorted(NEAR_MISSES))
def test_what_looks_like_the_cause_is_not_taken_for_it(cause: str) -> None:
    where, role, host, why = NEAR_MISSES[cause]
    verdict = verdict_of(where, role, host)
    assert verdict.cause != cause, why
    assert verdict.confidence != "possible"
    told = [row for row in SHOWN if (row.where, row.role, row.host) == (where, role, host) and row.told]
    assert not told or verdict.cause == told[0].cause


@pytest.mark.parametrize("code", sorted(FINDINGS_SHOWN))
def test_a_real_capture_shows_the_finding_and_another_does_not(code: str) -> None:
    shows, resembles = FINDINGS_SHOWN[code]
    found = [finding for finding in explained(shows).findings if finding.code == code]
    assert found
    assert all(finding.evidence for finding in found)
    assert all(finding.next_steps or finding.severity == "info" for finding in found)
    assert code not in {finding.code for finding in explained(resembles).findings}


def test_only_the_server_that_broke_its_promise_is_blamed() -> None:
    found = [f for f in explained("staples").findings if f.code == "must-staple-violated"]
    assert ["forgotten.site.test" in finding.summary for finding in found] == [True]
    assert verdict_of("staples", "parent", "promised.site.test").cause == "stapled"
