"""The reach of a capture."""

from __future__ import annotations

from dataclasses import fields

from ocsp_pcap.bounds import sentences
from ocsp_pcap.bounds.reading import ReadingBounds
from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.coverage import LEAVE_OUT_NO_MESSAGE, Coverage
from ocsp_pcap.explain.model import Verdict

from .facts_factory import (
    SECOND,
    at,
    capture,
    certificate,
    facts,
    handshake,
    response,
    single,
    verdict,
)


def test_what_weakens_a_claim_of_absence() -> None:
    case = Case(facts(capture("a.pcap"), capture("b.pcap", dropped=2), handshake("shop.test")), Context())
    assert case.coverage.loss("a.pcap") is None
    assert case.coverage.loss("b.pcap") == "the capturing system dropped 2 packets"
    assert case.coverage.loss("unknown.pcap") is not None


def test_what_reading_left_out_weakens_a_claim_of_absence() -> None:
    """Connections that were not followed may have held the query; an issuer that was not tried holds none."""
    shop = certificate()
    visit = handshake("shop.test", shop, staples=(response(single(shop, next_update=-1000)),))

    def found(bound: str) -> Verdict:
        return verdict(facts(shop, capture(notes=tuple(sentences({bound: 2}))), visit))

    assert (found("issuers").cause, found("issuers").confidence) == ("staple-invalid", "confirmed")
    (doubt,) = found("open_streams").doubts
    assert doubt.code == "packets-lost"
    assert doubt.why == "a bound of this program was reached while it was read (--bound open_streams=N)"


def test_bounds_that_leave_out_no_message_are_bounds_of_reading() -> None:
    assert {each.name for each in fields(ReadingBounds)} >= LEAVE_OUT_NO_MESSAGE


def test_how_long_a_capture_goes_on() -> None:
    cut = Coverage(facts(capture("a.pcap", until=60), capture("b.pcap", last_time=None)))
    assert cut.rest_after("a.pcap", at(20)) == 40 * SECOND
    assert cut.rest_after("a.pcap", at(90)) == 0
    assert cut.rest_after("b.pcap", at(0)) == 0
    assert cut.rest_after("unknown.pcap", at(0)) == 0
