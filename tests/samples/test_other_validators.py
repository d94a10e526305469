"""Recordings of other validators, beyond the headline of a verdict."""

from __future__ import annotations

import pytest

from ocsp_pcap.explain.model import Verdict

from .cases import explanation_of_all, sample


def verdict(name: str, host: str, chain_role: str = "leaf") -> Verdict:
    explanation = explanation_of_all(sample(name))
    found = [v for v in explanation.verdicts if v.host == host and v.chain_role == chain_role]
    assert len(found) == 1
    return found[0]


def sightings(name: str, host: str, chain_role: str = "leaf") -> list[str]:
    return [sighting.cause for sighting in verdict(name, host, chain_role).sightings]


def findings(name: str) -> set[str]:
    return {finding.code for finding in explanation_of_all(sample(name)).findings}


def test_firefox_holds_an_answer_on_the_second_visit() -> None:
    assert sightings("firefox-client", "plain.site.test") == ["queried", "cached"]


def test_firefox_holds_a_failure_on_the_second_visit() -> None:
    assert sightings("firefox-client", "ill.site.test") == ["http-error", "failure-cached"]


def test_firefox_asks_about_no_intermediate() -> None:
    assert verdict("firefox-client", "plain.site.test", "intermediate").cause == "leaf-only"


@pytest.mark.parametrize("name", ["stunnel-client", "perl-client"])
def test_stunnel_and_perl_ask_on_each_visit(name: str) -> None:
    assert sightings(name, "plain.site.test") == ["queried", "queried"]


def test_java_resumes_on_the_second_visit() -> None:
    assert sightings("java-client", "plain.site.test") == ["queried", "session-resumed"]


@pytest.mark.parametrize("name", ["nginx-checks-clients", "apache-checks-clients"])
def test_a_server_that_fetches_a_staple_and_finds_a_client_revoked(name: str) -> None:
    assert findings(name) >= {"staple-fetch", "client-certificate-revoked"}
    assert explanation_of_all(sample(name)).unmatched_exchanges == ()
