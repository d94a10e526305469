"""Evidence gives the same verdicts as the captures from which it was chosen, in every sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocsp_pcap.api import ReadOptions, read_facts
from ocsp_pcap.evidence import Extent, write_evidence
from ocsp_pcap.evidence.address_map import ADDRESS_TEXT
from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.model import Explanation
from ocsp_pcap.explain.site import Site
from ocsp_pcap.explain.site.read import load_sites
from ocsp_pcap.explain.trace import load_trace
from ocsp_pcap.ticket import SupportCase, write_ticket

from .cases import Sample, explanation_of_all, facts_of_all, known_site, samples

LOOPBACK = {"127.0.0.1", "::1"}


def answers(explanation: Explanation) -> list[tuple[str, ...]]:
    return sorted(
        (
            verdict.validator.address,
            verdict.validator.role,
            verdict.host or "",
            "" if verdict.certificate is None else verdict.certificate.sha256,
            verdict.chain_role,
            verdict.presented_by,
            verdict.presence,
            verdict.cause,
            verdict.status or "",
            verdict.confidence,
        )
        for verdict in explanation.verdicts
    )


def again(case: Sample, out: Path, *, with_keys: bool) -> Explanation:
    """Write evidence of a sample and explain it, with its site and traces, and its keys or those inside."""
    facts = facts_of_all(case)
    roles = {capture.path: role for capture in facts.captures if (role := case.role(Path(capture.path)))}
    extent = Extent(roles=roles, with_keys=with_keys, key_logs=case.key_logs)
    write_evidence(explanation_of_all(case), facts, case.captures, out, extent)
    authorities = [authority.der for proxy in known_site(case).proxies for authority in proxy.ca]
    read = read_facts(
        [out], ReadOptions(key_logs=() if with_keys else case.key_logs, authorities=authorities)
    )
    told = {capture.path: capture.role for capture in read.captures if capture.role is not None}
    assert sorted(told.values()) == sorted(roles.values())
    trace = tuple(entry for path in case.traces for entry in load_trace(path))
    return explain(read, Context(known_site(case), told, trace))


@pytest.mark.parametrize("case", samples(), ids=lambda case: case.name)
def test_evidence_gives_the_same_verdicts(case: Sample, tmp_path: Path) -> None:
    explanation = again(case, tmp_path / "evidence.pcapng", with_keys="embedded" in case.name)
    assert answers(explanation) == answers(explanation_of_all(case))
    codes = [
        sorted(finding.code for finding in each.findings) for each in (explanation, explanation_of_all(case))
    ]
    assert codes[0] == codes[1]


@pytest.mark.parametrize("case", samples(), ids=lambda case: case.name)
def test_evidence_with_keys_needs_no_others(case: Sample, tmp_path: Path) -> None:
    explanation = again(case, tmp_path / "evidence.pcapng", with_keys=True)
    assert answers(explanation) == answers(explanation_of_all(case))


@pytest.mark.parametrize("case", samples(), ids=lambda case: case.name)
def test_an_anonymous_ticket_gives_the_same_verdicts_by_its_own_site_file(
    case: Sample, tmp_path: Path
) -> None:
    facts = facts_of_all(case)
    roles = {capture.path: role for capture in facts.captures if (role := case.role(Path(capture.path)))}
    trace = tuple(entry for path in case.traces for entry in load_trace(path))
    context = Context(known_site(case), roles, trace)
    captures = [str(path) for path in case.captures]
    ticket = SupportCase(explanation_of_all(case), facts, context, captures, case.key_logs)
    write_ticket(ticket, tmp_path, anonymize=True)
    if "embedded" in case.name:
        # Secrets inside of the capture are not passed on, and that is said.
        assert "which open them, would open what is replaced too" in (tmp_path / "answer.md").read_text()
        return
    site = load_sites([tmp_path / "site.toml"]) if (tmp_path / "site.toml").exists() else Site()
    authorities = [authority.der for proxy in site.proxies for authority in proxy.ca]
    read = read_facts(
        [tmp_path / "evidence.pcapng"], ReadOptions(key_logs=case.key_logs, authorities=authorities)
    )
    told = {capture.path: capture.role for capture in read.captures if capture.role is not None}
    found = explain(read, Context(site, told, trace))
    assert nameless(found) == nameless(explanation_of_all(case))
    addresses = {verdict.validator.address for verdict in found.verdicts}
    assert (
        not addresses
        & {verdict.validator.address for verdict in explanation_of_all(case).verdicts} - LOOPBACK
    )


def nameless(explanation: Explanation) -> list[list[str]]:
    """Answers without addresses, also where one stands for a host."""
    return sorted(
        ["an address" if ADDRESS_TEXT.fullmatch(part) else part for part in parts]
        for _, *parts in answers(explanation)
    )
