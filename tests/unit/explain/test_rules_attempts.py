"""Queries that never came to be: no name, no connection, a connection nobody can read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocsp_pcap.explain.seeking import reached_out

from .facts_factory import (
    CHILD,
    RESPONDER,
    RESPONDER_HOST,
    URL,
    alternatives,
    attempt,
    authority,
    capture,
    certificate,
    dns,
    exchange,
    facts,
    frames,
    handshake,
    outcome,
    question,
    response,
    verdict,
)

shop, other = certificate(), certificate("other.test")
visit = handshake("shop.test", shop)


@pytest.mark.parametrize("rcode", ["NXDOMAIN", "SERVFAIL", "REFUSED"])
def test_dns_failed(rcode: str) -> None:
    lookup = dns(rcode=rcode)
    found = verdict(facts(shop, visit, lookup))
    assert (found.presence, found.cause, found.confidence) == ("attempted", "dns-failed", "confirmed")
    assert rcode in found.summary
    assert lookup.frames.response in frames(found)


def test_an_answer_with_an_alias_only_is_a_failure() -> None:
    found = verdict(facts(shop, visit, dns("cdn.test"), dns(kind="AAAA")))
    assert (found.cause, found.confidence) == ("dns-failed", "confirmed")
    assert "holds no address" in found.summary


def test_no_aaaa_address_is_no_proof_that_there_is_no_address() -> None:
    assert outcome(facts(shop, visit, dns(kind="AAAA"))) == ("dns-failed", "likely")
    assert outcome(facts(shop, visit, dns(kind="AAAA", rcode="NXDOMAIN"))) == ("dns-failed", "confirmed")
    assert outcome(facts(shop, visit, dns(kind="AAAA"), dns(rcode=None))) == ("dns-failed", "likely")


def test_another_resolver_may_have_known_the_name() -> None:
    assert outcome(facts(shop, visit, dns(rcode="SERVFAIL"), dns(rcode=None))) == ("dns-failed", "likely")


def test_a_truncated_answer_goes_on_over_tcp() -> None:
    cut = replace(dns(), truncated=True)
    assert outcome(facts(shop, visit, cut))[0] != "dns-failed"
    assert outcome(facts(shop, visit, dns(rcode="SERVFAIL"), cut)) == ("dns-failed", "likely")
    over_tcp = replace(dns(rcode="SERVFAIL"), transport="tcp")
    assert outcome(facts(shop, visit, cut, over_tcp)) == ("dns-failed", "confirmed")
    assert outcome(facts(shop, visit, dns(rcode="NXDOMAIN"), cut)) == ("dns-failed", "confirmed")


def test_an_unanswered_lookup_proves_less() -> None:
    assert outcome(facts(shop, visit, dns(rcode=None))) == ("dns-failed", "likely")
    for defect in ({"one_sided_streams": 3}, {"dropped": 7}, {"until": 5}):
        found = verdict(facts(capture(**defect), shop, visit, dns(rcode=None)))  # type: ignore[arg-type]
        assert found.confidence == "possible"


def test_a_lookup_that_succeeds_on_the_second_try_is_no_failure() -> None:
    assert outcome(facts(shop, visit, dns(rcode="SERVFAIL"), dns(RESPONDER)))[0] != "dns-failed"


@pytest.mark.parametrize(
    "elsewhere",
    [{"client": CHILD}, {"name": "www.ca.test"}, {"time": -1}, {"time": 60}],
    ids=["another host", "another name", "before", "long after"],
)
def test_lookups_that_have_nothing_to_do_with_it(elsewhere: dict[str, Any]) -> None:
    assert outcome(facts(shop, visit, dns(rcode="NXDOMAIN", **elsewhere)))[0] != "dns-failed"


def test_a_second_responder_that_resolves_is_another_chance() -> None:
    two = certificate(ocsp=(URL, "http://ocsp2.ca.test/"))
    seen = facts(
        two, handshake("shop.test", two), dns(rcode="NXDOMAIN"), dns(RESPONDER, name="ocsp2.ca.test")
    )
    found = verdict(seen)
    assert (found.cause, [doubt.code for doubt in found.doubts]) == ("dns-failed", ["other-place"])


def test_a_query_after_all() -> None:
    assert outcome(facts(shop, visit, dns(rcode="NXDOMAIN"), exchange(shop)))[0] == "queried"


def test_a_refresh_that_fails_after_the_answer_ran_out() -> None:
    again = handshake("shop.test", shop, time=2000)
    from_before = exchange(shop, response(shop))
    found = verdict(facts(shop, visit, from_before, again, dns(rcode="NXDOMAIN", time=2000.5)))
    assert {(s.stream, s.cause) for s in found.sightings} == {
        (visit.stream, "queried"),
        (again.stream, "dns-failed"),
    }


def test_a_lookup_may_have_been_for_another_certificate_of_the_same_responder() -> None:
    also = handshake("other.test", other, time=0.2)
    seen = facts(shop, other, visit, also, dns(rcode="NXDOMAIN"))
    assert outcome(seen) == ("dns-failed", "likely")
    assert outcome(seen, host="other.test") == ("dns-failed", "likely")


def test_a_staple_spares_the_leaf_the_lookup_that_its_issuer_needs() -> None:
    middle = authority("CN=Middle", ocsp=(URL,), self_signed=False, serial="77")
    stapled = handshake("shop.test", shop, middle, staples=(response(shop),))
    assert outcome(facts(shop, middle, stapled, dns(rcode="NXDOMAIN"))) == ("stapled", "confirmed")
    plain = handshake("shop.test", shop, middle)
    assert outcome(facts(shop, middle, plain, dns(rcode="NXDOMAIN"))) == ("dns-failed", "likely")


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


def test_ocsp_over_tls() -> None:
    guarded = certificate(ocsp=("https://ocsp.ca.test/",))
    seen = facts(
        guarded,
        handshake("shop.test", guarded),
        handshake(RESPONDER_HOST, time=1, server=RESPONDER, certificate_encrypted=True),
    )
    found = verdict(seen)
    assert (found.presence, found.cause, found.confidence) == ("unknown", "ocsp-over-tls", "likely")


def test_tls_to_the_responder_of_an_http_url_is_only_possible() -> None:
    to_responder = handshake(RESPONDER_HOST, time=1, server=RESPONDER, certificate_encrypted=True)
    found = verdict(facts(shop, visit, to_responder))
    assert found.cause == "unexplained"
    assert "ocsp-over-tls" in alternatives(found)


def test_tls_to_a_responder_known_by_its_address() -> None:
    guarded = certificate(ocsp=("https://ocsp.ca.test/",))
    nameless = handshake(None, time=1, server=RESPONDER, certificate_encrypted=True)
    seen = facts(
        guarded,
        handshake("shop.test", guarded),
        dns(RESPONDER),
        nameless,
        attempt("established", server_port=443, stream=nameless.stream),
    )
    assert outcome(seen) == ("ocsp-over-tls", "likely")


@pytest.mark.parametrize(
    "elsewhere", [{"client": CHILD}, {"time": 60}, {"time": -5}, {"decrypted": True}], ids=str
)
def test_tls_that_has_nothing_to_do_with_it(elsewhere: dict[str, Any]) -> None:
    guarded = certificate(ocsp=("https://ocsp.ca.test/",))
    to_responder = handshake(RESPONDER_HOST, **({"time": 1, "server": RESPONDER} | elsewhere))
    assert outcome(facts(guarded, handshake("shop.test", guarded), to_responder))[0] != "ocsp-over-tls"


def test_reaching_out_for_a_crl_on_the_same_host_is_not_for_ocsp() -> None:
    both = certificate(crl=(f"http://{RESPONDER_HOST}/ca.crl",))
    assert reached_out(question(facts(shop, visit, dns(RESPONDER)), shop))
    assert not reached_out(question(facts(both, handshake("shop.test", both), dns(RESPONDER)), both))
    assert not reached_out(question(facts(handshake("shop.test")), None))
