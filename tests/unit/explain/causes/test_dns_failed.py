"""When ``dns-failed`` is claimed, and how sure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.explain.facts_factory import (
    CHILD,
    RESPONDER,
    URL,
    authority,
    capture,
    certificate,
    dns,
    exchange,
    facts,
    frames,
    handshake,
    outcome,
    response,
    verdict,
)

shop, other = certificate(), certificate("other.test")

visit = handshake("shop.test", shop)

SHOP, NEWS = certificate(), certificate("news.test")

VISIT = handshake("shop.test", SHOP)


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


def test_a_failed_lookup_of_the_target_of_a_cname() -> None:
    chain = [dns("cdn.test"), dns(name="cdn.test", time=0.6, rcode="NXDOMAIN")]
    found = verdict(facts(SHOP, VISIT, *chain))
    assert (found.cause, found.confidence) == ("dns-failed", "confirmed")
    assert "NXDOMAIN" in found.summary
