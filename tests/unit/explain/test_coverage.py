"""The reach of a capture."""

from __future__ import annotations

from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.coverage import Coverage

from .facts_factory import (
    SECOND,
    at,
    capture,
    facts,
    handshake,
)


def test_what_weakens_a_claim_of_absence() -> None:
    case = Case(facts(capture("a.pcap"), capture("b.pcap", dropped=2), handshake("shop.test")), Context())
    assert case.coverage.loss("a.pcap") is None
    assert case.coverage.loss("b.pcap") == "the capturing system dropped 2 packets"
    assert case.coverage.loss("unknown.pcap") is not None


def test_how_long_a_capture_goes_on() -> None:
    cut = Coverage(facts(capture("a.pcap", until=60), capture("b.pcap", last_time=None)))
    assert cut.rest_after("a.pcap", at(20)) == 40 * SECOND
    assert cut.rest_after("a.pcap", at(90)) == 0
    assert cut.rest_after("b.pcap", at(0)) == 0
    assert cut.rest_after("unknown.pcap", at(0)) == 0
