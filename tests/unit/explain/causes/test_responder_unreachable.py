"""When ``responder-unreachable`` is claimed, and how sure."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.explain.facts_factory import (
    RESPONDER,
    attempt,
    capture,
    certificate,
    dns,
    facts,
    frames,
    handshake,
    outcome,
    verdict,
)

shop, other = certificate(), certificate("other.test")

visit = handshake("shop.test", shop)

SHOP, NEWS = certificate(), certificate("news.test")

VISIT = handshake("shop.test", SHOP)


def test_a_connection_that_was_reset_may_have_been_given_up_by_the_validator() -> None:
    seen = facts(shop, visit, dns(RESPONDER), attempt("reset"))
    assert outcome(seen) == ("responder-unreachable", "likely")


@pytest.mark.parametrize("how", ["refused", "unanswered"])
def test_responder_unreachable(how: str) -> None:
    try_ = attempt(how, attempts=3)
    found = verdict(facts(shop, visit, dns(RESPONDER), try_))
    assert (found.presence, found.cause, found.confidence) == (
        "attempted",
        "responder-unreachable",
        "confirmed",
    )
    assert try_.frames.request in frames(found)


def test_a_syn_that_nobody_answers_is_sent_again() -> None:
    found = verdict(facts(shop, visit, dns(RESPONDER), attempt("unanswered")))
    assert (found.cause, [doubt.code for doubt in found.doubts]) == (
        "responder-unreachable",
        ["packets-lost"],
    )


def test_an_established_connection_is_not_unreachable() -> None:
    seen = facts(shop, visit, dns(RESPONDER), attempt("refused"), attempt("established"))
    assert outcome(seen)[0] != "responder-unreachable"


def test_another_port_is_another_service() -> None:
    assert (
        outcome(facts(shop, visit, dns(RESPONDER), attempt("refused", server_port=8080)))[0] == "unexplained"
    )


@pytest.mark.parametrize(
    "defect",
    [{"one_sided_streams": 1}, {"dropped": 1}, {"tcp_gaps": 1}, {"damage": "cut"}, {"until": 2}],
    ids=str,
)
def test_what_was_not_reached_proves_less_where_packets_may_be_missing(defect: dict[str, Any]) -> None:
    seen = facts(capture(**defect), shop, visit, dns(RESPONDER), attempt("unanswered"))
    assert outcome(seen) == ("responder-unreachable", "likely")
    # A refusal stands in the capture, and that no other try followed may be what is missing.
    refused = facts(capture(**defect), shop, visit, dns(RESPONDER), attempt("refused"))
    assert outcome(refused) == ("responder-unreachable", "likely")


def test_an_unanswered_syn_in_a_capture_that_shows_nothing_sent_to_the_validator() -> None:
    seen = facts(shop, visit, dns(RESPONDER), attempt("unanswered", capture="outgoing.pcap"))
    assert outcome(seen) == ("responder-unreachable", "likely")


def test_addresses_that_were_not_tried_may_have_answered() -> None:
    seen = facts(shop, visit, dns(RESPONDER, "2001:db8::1"), attempt("refused"))
    assert outcome(seen) == ("responder-unreachable", "likely")


def test_an_address_of_several_names_may_have_been_tried_for_another() -> None:
    seen = facts(shop, visit, dns(RESPONDER), dns(RESPONDER, name="crl.ca.test"), attempt("refused"))
    assert outcome(seen) == ("responder-unreachable", "likely")


def test_the_target_of_an_alias_is_no_other_name() -> None:
    alias = (dns("cdn.test"), dns(RESPONDER, name="cdn.test"))
    seen = facts(shop, visit, *alias, attempt("refused"))
    assert outcome(seen) == ("responder-unreachable", "confirmed")


def test_a_responder_named_by_its_address() -> None:
    direct = certificate(ocsp=(f"http://{RESPONDER}/",))
    seen = facts(direct, handshake("shop.test", direct), attempt("refused"))
    assert outcome(seen) == ("responder-unreachable", "confirmed")


def test_addresses_of_a_cname_target_lead_to_the_responder() -> None:
    chain = [dns("cdn.test"), dns(RESPONDER, name="cdn.test", time=0.6)]
    assert outcome(facts(SHOP, VISIT, *chain, attempt("refused")))[0] == "responder-unreachable"


@pytest.mark.parametrize("name", ["ocsp.ca.test", "OCSP.CA.test", "ocsp.ca.test."])
def test_a_refused_tunnel_to_the_responder_however_its_name_is_written(name: str) -> None:
    tunnel = attempt("refused", server="10.1.0.8", server_port=3128, host=name, port=80, tunnel="connect")
    assert outcome(facts(SHOP, VISIT, tunnel))[0] == "responder-unreachable"
