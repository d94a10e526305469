"""A certificate that could have been asked about and was not: off, hidden, or undecided."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.site import Proxy, Site
from ocsp_pcap.explain.trace import TraceEntry

from .facts_factory import (
    CHILD,
    PARENT,
    PARENT_INSIDE,
    RESPONDER,
    alternatives,
    at,
    attempt,
    capture,
    certificate,
    dns,
    exchange,
    facts,
    handshake,
    outcome,
    reissued,
    site,
    verdict,
)

shop = certificate()
visit = handshake("shop.test", shop)
many = [certificate(f"host{number}.test") for number in range(5)]
visits = [handshake(subject.sans[0], subject, time=number) for number, subject in enumerate(many)]
queried = TraceEntry("policy.trace", 2, at(0), "shop.test", "query", "http://ocsp.ca.test/")


def off(**more: Any) -> Site:
    """A parent that intercepts, with all of its addresses captured, and OCSP off."""
    return site(parent={"ocsp": False, "intercepts": True, "addresses": frozenset({PARENT})} | more)


only_443 = capture(ports_seen=(443,))


def test_the_site_file_says_that_ocsp_is_off() -> None:
    found = verdict(facts(shop, visit), site=off())
    assert (found.presence, found.cause, found.confidence) == ("absent", "ocsp-disabled", "confirmed")
    assert found.evidence[0].capture == "site.toml"
    assert found.evidence[0].note == "[proxies.parent] ocsp = false"


def test_a_query_contradicts_the_site_file() -> None:
    told = site(parent={"ocsp": False})
    assert outcome(facts(shop, visit, exchange(shop)), site=told)[0] == "queried"
    other = certificate("other.test")
    asked = facts(shop, other, visit, exchange(other, time=-5), handshake("other.test", other, time=-6))
    assert outcome(asked, site=told)[0] != "ocsp-disabled"


def test_reaching_out_for_the_responder_contradicts_the_site_file() -> None:
    told = site(parent={"ocsp": False})
    seen = facts(shop, visit, dns(RESPONDER), attempt("established"))
    assert outcome(seen, site=told) == ("ocsp-disabled", "likely")


def test_a_site_file_without_addresses_needs_a_role_that_was_told() -> None:
    told = Site("site.toml", (Proxy("parent", ocsp=False),))
    through = handshake("shop.test", reissued(), client=CHILD, server=PARENT, proxied=True)
    seen = facts(shop, reissued(), through, visit)
    assert outcome(seen, site=told) == ("ocsp-disabled", "likely")
    by_option = facts(shop, visit)
    options: dict[str, Any] = {"capture_roles": {"a.pcap": "parent"}}
    found = verdict(by_option, site=told, **options)
    assert (found.cause, [doubt.code for doubt in found.doubts]) == ("ocsp-disabled", ["may-tunnel"])
    intercepting = Site("site.toml", (Proxy("parent", ocsp=False, intercepts=True),))
    assert outcome(by_option, site=intercepting, **options) == ("ocsp-disabled", "confirmed")


def test_an_address_that_no_capture_shows_may_have_sent_the_query() -> None:
    found = verdict(facts(shop, visit), site=off(addresses=frozenset({PARENT, PARENT_INSIDE})))
    assert (found.cause, [doubt.code for doubt in found.doubts]) == ("ocsp-disabled", ["other-place"])
    assert PARENT_INSIDE in found.doubts[0].why


def test_many_occasions_and_never_a_query() -> None:
    seen = facts(*many, *visits)
    found = verdict(seen, host="host0.test")
    assert (found.cause, found.confidence) == ("ocsp-disabled", "likely")
    assert "5 different certificates" in found.summary
    assert {"cached"} <= alternatives(found)


@pytest.mark.parametrize(
    "seen",
    [
        facts(*many[:4], *visits[:4]),
        facts(capture(ports_seen=(53, 443)), *many, *visits),
        facts(*many, *visits, exchange(many[3], time=3.5)),
        facts(*many, *visits, dns(RESPONDER), attempt("established")),
    ],
    ids=["few occasions", "no port 80", "it does ask", "it reached out"],
)
def test_what_does_not_look_switched_off(seen: Any) -> None:
    assert outcome(seen, host="host0.test")[0] != "ocsp-disabled"


def test_where_the_site_file_says_on_it_is_not_off() -> None:
    found = verdict(facts(*many, *visits), host="host0.test", site=site(parent={"ocsp": True}))
    assert found.cause != "ocsp-disabled"
    assert "ocsp-disabled" not in alternatives(found)


def test_a_looked_up_responder_without_a_packet_of_its_kind() -> None:
    found = verdict(facts(capture(ports_seen=(53, 443)), shop, visit, dns(RESPONDER)))
    assert (found.presence, found.cause, found.confidence) == ("unknown", "capture-filtered", "likely")


def test_a_lookup_for_the_crl_of_the_same_host_is_no_sign_of_a_filter() -> None:
    both = certificate(crl=("http://ocsp.ca.test/ca.crl",))
    seen = facts(capture(ports_seen=(53, 443)), both, handshake("shop.test", both), dns(RESPONDER))
    assert outcome(seen)[0] != "capture-filtered"


def test_a_capture_of_one_port() -> None:
    """The outer side of a child that goes through a parent holds nothing else, without any filter."""
    for found in (
        verdict(facts(only_443, *many, *visits), host="host0.test"),
        verdict(facts(only_443, shop, visit)),
    ):
        assert found.cause == "unexplained"
        assert "capture-filtered" in alternatives(found)


def test_the_port_of_a_forwarding_host_is_where_queries_travel() -> None:
    forwarded = site(parent={"forwarding_host": "10.9.9.9:3128"})
    seen = facts(capture(ports_seen=(53, 443, 3128)), *many, *visits)
    assert outcome(seen, host="host0.test", site=forwarded) == ("ocsp-disabled", "likely")
    assert "capture-filtered" not in alternatives(verdict(seen, host="host0.test", site=forwarded))


def test_a_trace_says_that_it_queried() -> None:
    assert outcome(facts(only_443, shop, visit), trace=(queried,)) == ("capture-filtered", "likely")
    found = verdict(facts(shop, visit), trace=(queried,))
    assert (found.cause, found.confidence) == ("capture-filtered", "likely")
    assert "not in the capture" in found.summary
    assert outcome(facts(shop, visit, exchange(shop)), trace=(queried,))[0] == "queried"


def test_a_trace_that_queried_proves_that_ocsp_is_on() -> None:
    lines = tuple(
        TraceEntry("policy.trace", n, at(n), subject.sans[0], "query", None) for n, subject in enumerate(many)
    )
    assert outcome(facts(*many, *visits), host="host0.test", trace=lines) == ("capture-filtered", "likely")


def test_a_trace_that_may_be_of_another_proxy_is_likely() -> None:
    copy = certificate(issuer="CN=Proxy CA")
    child = handshake("shop.test", copy, client=CHILD, server=PARENT_INSIDE, proxied=True)
    seen = facts(only_443, shop, copy, child, visit)
    assert outcome(seen, trace=(queried,), site=site(child={}, parent={})) == ("capture-filtered", "likely")


def test_unexplained_names_what_remains() -> None:
    found = verdict(facts(capture(ports_seen=(53, 443)), shop, visit))
    assert (found.presence, found.cause, found.confidence) == ("absent", "unexplained", "possible")
    assert alternatives(found) == {"capture-filtered", "ocsp-disabled", "cached"}
    assert "could have asked http://ocsp.ca.test/" in found.summary
    assert all(alternative.why for alternative in found.alternatives)


def test_a_responder_that_no_http_client_can_ask() -> None:
    ldap = certificate(ocsp=("ldap://directory.test/",))
    found = verdict(facts(ldap, handshake("shop.test", ldap)))
    assert (found.cause, found.confidence) == ("no-ocsp-url", "confirmed")
    assert "that can be asked over HTTP (ldap://directory.test/)" in found.summary


def test_a_capture_that_ends_at_once_leaves_no_time_for_a_query() -> None:
    open_still = handshake("shop.test", shop, application_data=False, closed=None)
    seen = facts(shop, open_still, capture(until=0.4))
    assert outcome(seen) == ("capture-incomplete", "likely")
    assert outcome(facts(shop, open_still, capture(until=60)))[0] != "capture-incomplete"


@pytest.mark.parametrize(
    "decided",
    [{"closed": "fin", "closed_by": "client", "closed_time": at(0.3)}, {"application_data": True}],
    ids=["hangs up", "goes on"],
)
def test_whoever_goes_on_or_hangs_up_had_its_time(decided: dict[str, Any]) -> None:
    made_up = handshake("shop.test", shop, **{"application_data": False, "closed": None} | decided)
    assert outcome(facts(shop, made_up, capture(until=0.4)))[0] != "capture-incomplete"
