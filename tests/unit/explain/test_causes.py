"""Causes and findings: the tables, the pages, the next steps."""

from __future__ import annotations

import re
from importlib import resources
from typing import get_args

import pytest

from ocsp_pcap.explain import causes, findings
from ocsp_pcap.explain.causes import CAUSES, ORDER, PLACEHOLDERS, SECTIONS, Rule, next_steps, page
from ocsp_pcap.explain.grounds.claim import DoubtCode
from ocsp_pcap.explain.grounds.doubts import DOUBTS
from ocsp_pcap.explain.model import Severity

CONTRACT = {
    "present": {"queried"},
    "attempted": {
        "dns-failed", "responder-unreachable", "http-error", "responder-error", "response-invalid",
        "no-response",
    },
    "absent": {
        "stapled", "staple-invalid", "cached", "session-resumed", "no-ocsp-url", "short-lived",
        "reissued-certificate", "not-intercepted", "ocsp-disabled", "leaf-only", "failure-cached",
        "no-responder-for-issuer", "handshake-failed", "unexplained",
    },
    "unknown": {"certificate-encrypted", "capture-filtered", "capture-incomplete", "ocsp-over-tls"},
}  # fmt: skip
FINDINGS = {
    "ocsp-on-wrong-proxy", "ocsp-at-egress", "ocsp-nowhere", "parent-not-intercepting", "ocsp-forwarded",
    "crl-fallback", "must-staple-violated", "revoked-but-used", "ttl-override-in-use", "repeated-queries",
    "capture-problem", "responders-failing", "certificates-hidden", "quic-bypass", "selective-interception",
    "ocsp-on-child-too", "reissued-without-revocation", "staple-fetch", "client-certificate-revoked",
    "slow-responder", "clock-wrong", "ambiguous-bytes",
}  # fmt: skip
DOUBT_CODES = set(get_args(DoubtCode))


def test_the_registry_holds_the_contract() -> None:
    for presence, codes in CONTRACT.items():
        assert codes <= {code for code, entry in CAUSES.items() if entry.presence == presence}
    findings_there = {code for code, entry in CAUSES.items() if entry.kind == "finding"}
    assert findings_there <= FINDINGS
    assert all(CAUSES[code].severity in get_args(Severity) for code in findings_there)


def test_every_code_has_a_page_and_no_page_is_without_code() -> None:
    pages = {
        entry.name.removesuffix(".md")
        for package in (causes, findings)
        for entry in resources.files(package.__name__).iterdir()
        if entry.name.endswith(".md")
    }
    assert pages == set(CAUSES)


@pytest.mark.parametrize("rule", ORDER, ids=lambda rule: rule.entry.code)
def test_a_page_says_what_proves_its_cause_from_the_table(rule: Rule) -> None:
    proven = page(rule.entry.code).split("## How it is proven")[1].split("\n## ")[0]
    if not rule.entry.proofs:
        assert "never confirmed" in proven
    for kind in {kind for proof in rule.entry.proofs for kind in proof}:
        assert all(f"`{doubt.code}`" in proven for doubt in DOUBTS[kind])


@pytest.mark.parametrize("code", CAUSES)
def test_page(code: str) -> None:
    text = page(code)
    lines = text.splitlines()
    assert lines[0].startswith(f"# {code}: ")
    assert tuple(re.findall(r"^## (.+)$", text, re.MULTILINE)) == SECTIONS
    assert re.search(r"RFC [0-9]{4}|pcapng", text.split("## Standards")[1])
    assert 15 <= len(lines) <= 100
    assert max(map(len, lines)) <= 125
    if CAUSES[code].kind == "cause":
        assert f"*Presence: {CAUSES[code].presence}" in lines[2]
    for word in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", text):
        # Codes that a page names exist; other words with hyphens in code style are command names.
        assert word in CAUSES or word in {"ocsp-pcap"} | DOUBT_CODES, word


@pytest.mark.parametrize("code", CAUSES)
def test_meaning_is_one_plain_sentence(code: str) -> None:
    meaning = CAUSES[code].meaning
    assert meaning.endswith(".")
    assert "\n" not in meaning
    assert not set("`*_{}") & set(meaning.replace("status_request", ""))


@pytest.mark.parametrize("code", CAUSES)
def test_next_steps_use_documented_placeholders_only(code: str) -> None:
    context = {name: f"<{name}>" for name in PLACEHOLDERS}
    steps = next_steps(code, **context)
    assert len(steps) == len(CAUSES[code].next_steps)
    assert not any("{" in step or "}" in step for step in steps)


def test_a_sentence_without_its_placeholder_is_left_out() -> None:
    whole = next_steps("responder-unreachable", validator="10.0.0.1", responder="ocsp.test", stream=0)
    partial = next_steps("responder-unreachable", validator="10.0.0.1", responder="ocsp.test", stream=None)
    assert any("tcp.stream eq 0" in step for step in whole)
    assert set(partial) < set(whole)
    assert not any("tcp.stream" in step for step in partial)


def test_values_are_not_templates() -> None:
    (step,) = [
        step
        for step in next_steps("staple-invalid", host="{0.__class__}", problem="stale", unknown=1)
        if "repair its stapling" in step
    ]
    assert "{0.__class__}" in step


def test_unknown_codes() -> None:
    for function in (page, next_steps):
        with pytest.raises(KeyError):
            function("../causes/queried")


def test_how_it_stands_about_the_check_follows_where_something_was_asked_or_nothing_is_known() -> None:
    follows = {"present": "done", "attempted": "failed", "unknown": None}
    found = {entry.code: entry.check for entry in CAUSES.values() if entry.presence in follows}
    assert found == {code: follows[str(CAUSES[code].presence)] for code in found}
    assert {entry.check for entry in CAUSES.values() if entry.kind == "finding"} == {None}
