"""Each distinct certificate and OCSP response of a run is parsed once, however often it was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from ocsp_pcap.api import explain, read_facts
from ocsp_pcap.ocsp.response import parse_response
from ocsp_pcap.pki.certificate import parse_certificate

SAMPLES = Path(__file__).parents[2] / "samples"
Parsed = TypeVar("Parsed")


def counting(parse: Callable[[bytes], Parsed], counts: Counter[bytes]) -> Callable[[bytes], Parsed]:
    def count(der: bytes) -> Parsed:
        counts[der] += 1
        return parse(der)

    return count


def test_each_certificate_and_response_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    certificates: Counter[bytes] = Counter()
    responses: Counter[bytes] = Counter()
    monkeypatch.setattr(
        "ocsp_pcap.pki.certificate.parse_certificate", counting(parse_certificate, certificates)
    )
    monkeypatch.setattr("ocsp_pcap.ocsp.response.parse_response", counting(parse_response, responses))
    # Both proxies of a chain saw the same certificates, in several connections each.
    captures = sorted(SAMPLES.glob("repeated-queries/*.pcap")) + sorted(
        SAMPLES.glob("cached-in-capture/*.pcap")
    )
    facts = read_facts(captures)
    explain(facts)

    sightings = Counter(
        sha256 for h in facts.handshakes for sha256 in (*h.certificates, *h.client_certificates)
    )
    answers = Counter(
        response.sha256
        for response in (
            *(x.response for x in facts.ocsp_exchanges if x.response is not None),
            *(staple for h in facts.handshakes for staple in h.staples),
        )
    )
    assert max(sightings.values()) > 1, "the samples no longer repeat a certificate"
    assert len(facts.ocsp_exchanges) > 1
    assert set(certificates.values()) == {1}
    assert len(certificates) >= len(sightings)
    assert set(responses.values()) == {1}
    assert len(responses) == len(answers)
