from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.model import Verdict

from .facts_factory import (
    PARENT,
    RESPONDER,
    alternatives,
    attempt,
    certificate,
    connection,
    dns,
    exchange,
    facts,
    handshake,
    outcome,
    site,
    verdict,
)

SHOP, NEWS = certificate(), certificate("news.test")
VISIT = handshake("shop.test", SHOP)
SECOND_ADDRESS = "10.99.0.1"


def why(found: Verdict, cause: str) -> str:
    return next((item.why for item in found.alternatives if item.cause == cause), "")


def test_the_same_cert_id_asked_by_a_host_that_did_not_receive_it() -> None:
    query = exchange(SHOP, client=SECOND_ADDRESS)
    found = verdict(facts(SHOP, VISIT, query))
    assert (found.presence, found.cause, found.confidence) == ("absent", "unexplained", "possible")
    words = why(found, "queried")
    assert SECOND_ADDRESS in words
    assert f"frame {query.frames.request} of a.pcap" in words
    assert "another address or interface" in words


def test_the_query_of_another_validator_is_its_own() -> None:
    own = handshake("shop.test", SHOP, client=SECOND_ADDRESS)
    found = verdict(facts(SHOP, VISIT, own, exchange(SHOP, client=SECOND_ADDRESS)))
    assert "queried" not in alternatives(found)


def test_a_second_address_that_the_site_file_names_is_no_other_host() -> None:
    known = site(parent={"addresses": frozenset({PARENT, SECOND_ADDRESS})})
    assert outcome(facts(SHOP, VISIT, exchange(SHOP, client=SECOND_ADDRESS)), site=known)[0] == "queried"


@pytest.mark.parametrize(
    "query",
    [
        exchange(SHOP, client=SECOND_ADDRESS, time=-2),
        exchange(SHOP, client=SECOND_ADDRESS, time=600),
        exchange(NEWS, client=SECOND_ADDRESS),
    ],
    ids=["before", "long after", "another certificate"],
)
def test_what_is_no_query_elsewhere(query: Any) -> None:
    assert "queried" not in alternatives(verdict(facts(SHOP, NEWS, VISIT, query)))


def test_a_lookup_without_a_connection() -> None:
    lookup = dns(RESPONDER)
    found = verdict(facts(SHOP, VISIT, lookup))
    assert found.confidence != "confirmed"
    words = why(found, "capture-filtered")
    assert f"frame {lookup.frames.response}" in words
    assert "no connection to it" in words


def test_a_lookup_by_way_of_a_cname() -> None:
    chain = [dns("cdn.test"), dns(RESPONDER, name="cdn.test", time=0.6)]
    assert "no connection to it" in why(verdict(facts(SHOP, VISIT, *chain)), "capture-filtered")


@pytest.mark.parametrize(
    "more",
    [
        [attempt("established")],
        [attempt("refused")],
        [connection(exchange(SHOP)), exchange(SHOP)],
    ],
)
def test_a_lookup_with_a_connection(more: list[Any]) -> None:
    found = verdict(facts(SHOP, VISIT, dns(RESPONDER), *more))
    assert "no connection to it" not in why(found, "capture-filtered")


def test_a_lookup_that_may_be_for_a_crl() -> None:
    both = certificate(crl=("http://ocsp.ca.test/ca.crl",))
    found = verdict(facts(both, handshake("shop.test", both), dns(RESPONDER)))
    assert "no connection to it" not in why(found, "capture-filtered")


def test_a_failed_lookup_of_the_target_of_a_cname() -> None:
    chain = [dns("cdn.test"), dns(name="cdn.test", time=0.6, rcode="NXDOMAIN")]
    found = verdict(facts(SHOP, VISIT, *chain))
    assert (found.cause, found.confidence) == ("dns-failed", "confirmed")
    assert "NXDOMAIN" in found.summary


def test_addresses_of_a_cname_target_lead_to_the_responder() -> None:
    chain = [dns("cdn.test"), dns(RESPONDER, name="cdn.test", time=0.6)]
    assert outcome(facts(SHOP, VISIT, *chain, attempt("refused")))[0] == "responder-unreachable"
