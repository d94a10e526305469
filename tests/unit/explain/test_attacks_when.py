"""Stories in which packets look as if they proved when something was, or what it was for, and do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.site import Proxy, Site
from ocsp_pcap.explain.trace_entry import TraceEntry
from ocsp_pcap.facts import ExchangeFrames, HandshakeFact, HandshakeFrames, ResponseFact

from .facts_factory import (
    CHILD,
    DAY,
    PARENT,
    PARENT_INSIDE,
    PROXY_CA,
    RESPONDER,
    RESPONDER_HOST,
    alert,
    at,
    attempt,
    broken,
    capture,
    certificate,
    crl_fetch,
    dns,
    error,
    exchange,
    facts,
    handshake,
    outcome,
    response,
    single,
    site,
    verdict,
)

CRL = "http://crl.ca.test/ca.crl"
shop = certificate()
visit = handshake("shop.test", shop)
slow = replace(visit, frames=HandshakeFrames(100, 120, 140, None, 160), end_time=at(5))
early = ExchangeFrames(110, 112)


def doubts(*items: object, **context: object) -> tuple[str, str, set[str]]:
    found = verdict(facts(*items), **context)  # type: ignore[arg-type]
    return found.cause, found.confidence, {doubt.code for doubt in found.doubts}


@pytest.mark.parametrize(
    ("cause", "seen"),
    [
        ("dns-failed", (dns(rcode="NXDOMAIN", time=4),)),
        ("responder-unreachable", (dns(RESPONDER, time=3.9), attempt("refused", time=4))),
        ("http-error", (exchange(shop, None, http_status=503, time=4),)),
        ("responder-error", (exchange(shop, error("tryLater"), time=4),)),
    ],
)
def test_a_failure_is_final_only_where_another_try_would_show(cause: str, seen: tuple[object, ...]) -> None:
    assert doubts(shop, visit, *seen) == (cause, "confirmed", set())
    assert doubts(shop, visit, capture(until=4.2), *seen) == (cause, "likely", {"span-not-covered"})
    assert doubts(shop, visit, capture(dropped=9), *seen) == (cause, "likely", {"packets-lost"})


def test_who_went_on_after_a_failure_tries_no_more() -> None:
    went_on = replace(visit, client_data_time=at(10.15), client_data_last_time=at(10.15))
    failed = exchange(shop, None, http_status=503, time=10)
    assert doubts(shop, went_on, capture(until=10.2), failed) == ("http-error", "confirmed", set())


def test_a_server_has_not_decided_before_it_answers() -> None:
    api = certificate("api.test")
    checked = replace(handshake("api.test", api), client_certificates=(shop.sha256,))
    failed = exchange(shop, None, http_status=503, time=10, client=checked.server)
    asked = replace(checked, client_data_time=at(9.9), application_data_time=at(9.9), server_data_time=None)

    def confidence(visit: HandshakeFact) -> str:
        found = explain(facts(api, shop, visit, capture(until=10.2), failed), Context()).verdicts
        return next(v.confidence for v in found if v.presented_by == "client")

    assert confidence(asked) == "likely"
    assert confidence(replace(asked, server_data_time=at(10.15))) == "confirmed"


def test_a_lookup_before_the_certificate_was_for_something_else() -> None:
    lookup = replace(dns(rcode="NXDOMAIN", time=1), frames=early)
    assert doubts(shop, slow, lookup) == ("dns-failed", "likely", {"other-purpose"})
    after = replace(lookup, frames=ExchangeFrames(150, 152))
    assert doubts(shop, slow, after) == ("dns-failed", "confirmed", set())


def test_a_query_before_the_certificate_has_another_occasion() -> None:
    query = replace(exchange(shop, time=1), frames=early)
    assert doubts(shop, slow, query) == ("queried", "likely", {"other-purpose"})


def test_whoever_holds_an_answer_may_look_for_the_responder_for_something_else() -> None:
    stapled = handshake("shop.test", shop, staples=(response(shop),))
    assert doubts(shop, stapled, dns(rcode="NXDOMAIN")) == ("dns-failed", "likely", {"other-purpose"})


def test_of_two_responders_the_other_may_have_been_reached() -> None:
    two = certificate(ocsp=("http://a.ca.test/", "http://b.ca.test/"))
    there, other = handshake("shop.test", two), dns("198.51.100.9", name="b.ca.test", time=0.8)
    nameless = dns(name="a.ca.test", rcode="NXDOMAIN")
    assert outcome(facts(two, there, nameless)) == ("dns-failed", "confirmed")
    assert doubts(two, there, nameless, other) == ("dns-failed", "likely", {"other-place"})
    refused = (dns(RESPONDER, name="a.ca.test"), attempt("refused"))
    assert outcome(facts(two, there, *refused)) == ("responder-unreachable", "confirmed")
    assert doubts(two, there, *refused, other) == ("responder-unreachable", "likely", {"other-purpose"})


def stale(seconds: float) -> ResponseFact:
    return response(single(shop, this_update=-DAY, next_update=-seconds))


def test_outdated_by_less_than_clocks_differ() -> None:
    now = replace(exchange(shop, stale(60)), date=at(1))
    assert doubts(shop, visit, now) == ("response-invalid", "likely", {"clock"})
    assert outcome(facts(shop, visit, replace(now, response=stale(1800)))) == (
        "response-invalid",
        "confirmed",
    )


def test_an_answer_that_was_fresh_by_its_own_date_may_show_a_fast_clock() -> None:
    answer = replace(exchange(shop, stale(1800)), date=at(-3600))
    assert doubts(shop, visit, answer) == ("response-invalid", "likely", {"clock"})
    # That another answer's Date agrees does not settle whose clock the validator goes by.
    agreeing = replace(exchange(certificate("other.test"), time=2), date=at(2))
    assert doubts(shop, visit, answer, agreeing) == ("response-invalid", "likely", {"clock"})


def test_a_fast_clock_may_be_that_of_captures_in_which_nothing_is_dated() -> None:
    here = handshake("shop.test", shop, staples=(stale(1800),))
    elsewhere = exchange(certificate("other.test"), capture="b.pcap", time=2)
    dated = replace(elsewhere, date=at(2))
    assert doubts(shop, here, dated) == ("staple-invalid", "confirmed", set())
    assert doubts(shop, here, replace(dated, date=at(-3600))) == ("staple-invalid", "likely", {"clock"})


def test_a_refusal_after_a_crl_was_fetched_may_be_for_revocation() -> None:
    listed = certificate(crl=(CRL,))
    refused = replace(
        broken("shop.test", listed, alerts=(replace(alert("unknown_ca"), frame=199),)),
        frames=HandshakeFrames(100, 120, 140),
    )
    assert outcome(facts(listed, refused)) == ("handshake-failed", "confirmed")
    fetch = replace(crl_fetch(CRL, time=0.1), frames=ExchangeFrames(150, 152))
    assert doubts(listed, refused, fetch) == ("handshake-failed", "likely", {"other-purpose"})
    later = replace(fetch, frames=ExchangeFrames(250, 252))
    assert outcome(facts(listed, refused, later)) == ("handshake-failed", "confirmed")


def test_a_client_that_refused_for_want_of_a_staple_used_no_cache() -> None:
    refused = broken("shop.test", shop, time=50, alerts=(alert("bad_certificate_status_response"),))
    found = verdict(facts(shop, visit, exchange(shop), refused))
    assert [sighting.cause for sighting in found.sightings] == ["queried", "unexplained"]


def test_the_sentence_is_about_the_newest_status() -> None:
    revoked = response(single(shop, "revoked", this_update=10))
    later = (handshake("shop.test", shop, time=2000), exchange(shop, revoked, time=2001))
    found = verdict(facts(shop, visit, exchange(shop), *later))
    assert (found.status, "got the answer revoked" in found.summary) == ("revoked", True)


def test_a_newer_status_of_another_kind_is_told() -> None:
    revoked = response(single(shop, "revoked", this_update=10))
    later = handshake("shop.test", shop, time=2000, staples=(revoked,))
    found = verdict(facts(shop, visit, exchange(shop), later))
    assert (found.status, found.cause) == ("revoked", "queried")
    assert found.summary.endswith("the newest answer says revoked.")


TRACED = TraceEntry("policy.trace", 4, at(0.5), "shop.test", "cached", dated=True, zone=True)
AT_PARENT = {"site": site(parent={}), "trace": (TRACED,)}


def test_a_trace_by_a_clock_that_the_capture_shows_to_be_wrong() -> None:
    assert doubts(shop, visit, **AT_PARENT) == ("cached", "confirmed", set())
    behind = replace(exchange(certificate("other.test")), date=at(1200))
    assert doubts(shop, visit, behind, **AT_PARENT) == ("cached", "likely", {"clock"})


TO_RESPONDER = handshake(RESPONDER_HOST, time=1, server=RESPONDER)


@pytest.mark.parametrize(
    "seen",
    [
        (visit, dns(RESPONDER, time=0.8), TO_RESPONDER),
        (exchange(shop, None, http_status=503, time=-20), visit),
        (broken("shop.test", shop, alerts=(alert("unknown_ca"),)),),
    ],
    ids=["TLS to the responder", "asked in vain before", "broke off"],
)
def test_a_trace_that_says_cached_against_what_the_packets_show(seen: tuple[object, ...]) -> None:
    secure = replace(shop, ocsp_urls=(f"https://{RESPONDER_HOST}/",)) if TO_RESPONDER in seen else shop
    found = verdict(facts(secure, *seen), **AT_PARENT)
    assert (found.cause, found.confidence) != ("cached", "confirmed")


def test_a_visit_without_a_line_may_be_what_the_line_is_about() -> None:
    untold = handshake("shop.test", shop, time=100)
    assert doubts(shop, visit, untold, **AT_PARENT) == ("cached", "likely", {"hidden-rival"})
    told = replace(TRACED, line=9, time=at(100.5))
    assert outcome(facts(shop, visit, untold), **AT_PARENT | {"trace": (TRACED, told)}) == (
        "cached",
        "confirmed",
    )


@pytest.mark.parametrize("seen", [(dns(rcode="NXDOMAIN"),), (dns(RESPONDER), attempt("refused"))])
def test_order_is_not_certain_where_the_clock_was_set_back(seen: tuple[object, ...]) -> None:
    assert doubts(shop, visit, *seen)[1] == "confirmed"
    assert doubts(shop, visit, capture(step_back=20 * 10**9), *seen)[1:] == ("likely", {"clock"})


@pytest.mark.parametrize("seen", [(dns(rcode="NXDOMAIN"),), (dns(RESPONDER), attempt("refused"))])
def test_what_goes_past_a_forwarding_host_need_not_stop_a_query(seen: tuple[object, ...]) -> None:
    forwards = site(parent={"forwarding_host": "10.1.1.9:3128", "intercepts": True})
    assert doubts(shop, visit, *seen, site=forwards)[1:] == ("likely", {"told-otherwise"})
    refused = attempt("refused", server="10.1.1.9", server_port=3128)
    assert outcome(facts(shop, visit, refused), site=forwards) == ("responder-unreachable", "confirmed")


def test_a_staple_that_was_made_after_it_was_captured_shows_a_slow_clock() -> None:
    staple = response(single(shop, this_update=400), produced_at=at(400))
    assert doubts(shop, handshake("shop.test", shop, staples=(staple,)))[1:] == ("likely", {"clock"})


@pytest.mark.parametrize("tunnelled", [False, True])
def test_the_answer_of_a_private_responder_changes_nothing_about_the_wrong_proxy(tunnelled: bool) -> None:
    made = certificate("shop.test", PROXY_CA, ocsp=("http://ocsp.corp.test/",))
    inner = handshake("shop.test", made, client=CHILD, server=PARENT_INSIDE, proxied=True)
    outer = handshake("shop.test", shop, client=PARENT, time=0.1)
    if tunnelled:
        outer = replace(
            outer,
            certificates=inner.certificates,
            client_random=inner.client_random,
            server_random=inner.server_random,
        )
    asked = exchange(made, client=CHILD, url="http://ocsp.corp.test/", server="10.1.0.77")
    proxies = (
        Proxy("child", addresses=frozenset({CHILD}), ocsp=True),
        Proxy("parent", addresses=frozenset({PARENT, PARENT_INSIDE}), ocsp=False),
    )
    found = explain(facts(made, shop, inner, outer, asked), Context(site=Site("site.toml", proxies))).findings
    assert ("ocsp-on-wrong-proxy" in {finding.code for finding in found}) is not tunnelled


def test_a_staple_that_was_refused_though_fresh_is_not_called_late() -> None:
    staple = response(single(shop, next_update=DAY))
    refused = broken("shop.test", shop, staples=(staple,), alerts=(alert("bad_certificate_status_response"),))
    found = verdict(facts(shop, refused))
    assert found.cause == "staple-invalid"
    assert not any("nextUpdate was" in step for step in found.next_steps)
    assert not any("fall back" in step or "repair" in step for step in found.next_steps)
    assert any("alert bad_certificate_status_response" in step for step in found.next_steps)


def test_a_stale_staple_that_was_taken_all_the_same_and_one_that_was_refused() -> None:
    staple = response(single(shop, next_update=-4000))
    taken = verdict(facts(shop, handshake("shop.test", shop, staples=(staple,))))
    assert [
        word for word in ("repair", "fall back", "alert") if any(word in s for s in taken.next_steps)
    ] == [
        "repair",
        "fall back",
    ]
    alerts = (alert("bad_certificate_status_response"),)
    refused = verdict(facts(shop, broken("shop.test", shop, staples=(staple,), alerts=alerts)))
    assert [
        word for word in ("repair", "fall back", "alert") if any(word in s for s in refused.next_steps)
    ] == [
        "repair",
        "alert",
    ]


def told_of(*items: Any) -> list[tuple[str, str]]:
    """Cause and confidence of each sighting of the one certificate, by time."""
    return [(each.cause, each.confidence) for each in verdict(facts(shop, *items)).sightings]


def at_times(*times: float) -> list[Any]:
    return [handshake("shop.test", shop, time=time) for time in times]


def test_handshakes_between_two_queries_of_a_few_seconds() -> None:
    """The nearest before each query triggered it; what an answer covers is cached, for certain where no query
    follows soon that may have been for it. Where an answer covered both, one without a query beside one that
    asks may be another host's."""
    queries = exchange(shop, time=0.5), exchange(shop, time=4)
    asked, covered, perhaps = ("queried", "confirmed"), ("cached", "confirmed"), ("cached", "likely")
    assert told_of(*at_times(0, 3.5), *queries) == [asked, asked]
    assert told_of(*at_times(0, 1, 3.5), *queries) == [asked, perhaps, ("queried", "likely")]
    assert told_of(*at_times(0, 1), queries[0]) == [asked, covered]
    late = exchange(shop, time=40)
    assert told_of(*at_times(0, 1, 39.5), queries[0], late) == [asked, covered, asked]
    assert told_of(*at_times(0, 0.1), queries[0]) == [("queried", "likely"), asked]


def test_silence_is_not_seen_by_a_capture_that_ended_long_before() -> None:
    staple = response(single(shop, next_update=-4000))
    other = certificate("other.test")
    here = handshake("shop.test", shop, staples=(staple,))
    there = handshake("other.test", other, time=-5000, capture="b.pcap")
    blind = capture(ports_seen=(443,))
    ended = capture("b.pcap", first_time=at(-7200), until=-3600, ports_seen=(80, 443))
    assert doubts(shop, other, blind, ended, here, there) == ("staple-invalid", "likely", {"capture-blind"})
    beside = replace(ended, last_time=at(3600))
    assert doubts(shop, other, blind, beside, here, there) == ("staple-invalid", "confirmed", set())


def test_a_headline_names_what_was_revoked_once() -> None:
    newer = response(single(shop, this_update=10))
    later = (handshake("shop.test", shop, time=2000), exchange(shop, newer, time=2001))
    seen = facts(shop, visit, exchange(shop, "revoked"), *later)
    assert "REVOKED: shop.test (later good)." in explain(seen, Context()).headline


def test_a_host_that_asks_at_even_intervals_needs_no_handshake_for_it() -> None:
    queries = [exchange(shop, time=3 + 300 * number) for number in range(4)]
    assert doubts(shop, visit, *queries) == ("queried", "likely", {"other-purpose"})
    visits = at_times(300, 600, 900)
    assert doubts(shop, visit, *visits, *queries) == ("queried", "confirmed", set())
    resumed = [handshake("shop.test", time=300 * number, resumed=True) for number in (1, 2, 3)]
    assert doubts(shop, visit, *resumed, *queries) == ("queried", "confirmed", set())


def test_a_query_that_comes_late_needs_a_reason_for_that() -> None:
    assert doubts(shop, visit, exchange(shop, time=10))[1] == "confirmed"
    assert doubts(shop, visit, exchange(shop, time=30)) == ("queried", "likely", {"other-purpose"})
    tried = dns(RESPONDER), attempt("unanswered", attempts=4)
    assert doubts(shop, visit, *tried, exchange(shop, time=30))[1] == "confirmed"
    assert doubts(shop, visit, *tried, exchange(shop, time=55))[1] == "likely"
    failed = exchange(shop, None, http_status=503)
    assert doubts(shop, visit, failed, exchange(shop, time=10))[1] == "confirmed"
    assert doubts(shop, visit, failed, exchange(shop, time=40))[1] == "likely"


def test_an_address_that_an_earlier_lookup_gave_may_have_been_tried() -> None:
    """Names that were looked up before are not looked up again, in each address family."""
    refused = dns(RESPONDER), attempt("refused")
    before = dns("2001:db8::1", kind="AAAA", time=-30)
    assert doubts(shop, visit, *refused) == ("responder-unreachable", "confirmed", set())
    assert doubts(shop, visit, *refused, before) == ("responder-unreachable", "likely", {"span-not-covered"})
    assert doubts(shop, visit, dns(rcode="NXDOMAIN"), before) == ("dns-failed", "likely", {"other-place"})
    long_ago = dns("2001:db8::1", kind="AAAA", time=-7200)
    assert doubts(shop, visit, *refused, long_ago)[1] == "confirmed"


def test_a_query_with_a_handshake_that_is_not_there_makes_others_doubtful() -> None:
    """Whether it asks by itself or the handshake was lost: what is nearest before need not be the cause."""
    other = certificate("other.test")
    more = handshake("other.test", other, time=200), exchange(other, time=201)
    assert doubts(shop, other, visit, exchange(shop), *more) == ("queried", "confirmed", set())
    stray = exchange(other, time=900)
    assert doubts(shop, other, visit, exchange(shop), *more, stray) == (
        "queried",
        "likely",
        {"other-purpose"},
    )


FRESH, STALE = response(single(shop)), response(single(shop, next_update=-4000))


def test_a_query_beside_a_fresh_staple_may_be_for_the_handshake_without_one() -> None:
    stapled = handshake("shop.test", shop, time=0.5, staples=(FRESH,))
    assert told_of(stapled, exchange(shop)) == [("queried", "confirmed")]
    assert told_of(*at_times(0), stapled, exchange(shop))[1] == ("queried", "likely")
    content = handshake("shop.test", shop, time=-60, staples=(FRESH,))
    assert told_of(content, stapled, exchange(shop)) == [("stapled", "likely"), ("queried", "likely")]


def test_a_stale_staple_and_a_query_for_which_a_nearer_handshake_stands() -> None:
    stale = handshake("shop.test", shop, staples=(STALE,))
    assert told_of(stale) == [("staple-invalid", "confirmed")]
    assert told_of(stale, *at_times(1), exchange(shop, None, http_status=503, time=2))[0] == (
        "staple-invalid",
        "likely",
    )
    failed = dns(rcode="NXDOMAIN", time=1)
    assert ("staple-invalid", "confirmed") not in told_of(stale, failed)
    assert ("staple-invalid", "confirmed") not in told_of(stale, failed, dns(RESPONDER, time=3))


def test_a_staple_did_not_suffice_for_who_turns_to_the_responder() -> None:
    stapled = handshake("shop.test", shop, staples=(FRESH,))
    assert told_of(stapled) == [("stapled", "confirmed")]
    for seen in ((dns(rcode="NXDOMAIN"),), (dns(RESPONDER), attempt("established"))):
        assert ("stapled", "confirmed") not in told_of(stapled, *seen)


@pytest.mark.parametrize("hidden", [False, True])
def test_a_try_in_vain_since_the_answer_may_be_what_is_kept(hidden: bool) -> None:
    between = handshake("shop.test", *(() if hidden else (shop,)), time=100, certificate_encrypted=hidden)
    last = handshake("shop.test", shop, time=300)
    assert told_of(visit, exchange(shop), between, last)[-1] == ("cached", "confirmed")
    refused = dns(RESPONDER, time=100.5), attempt("refused", time=100.7)
    assert told_of(visit, exchange(shop), between, *refused, last)[-1] == ("cached", "likely")


def test_a_lookup_without_the_connection_that_follows_others_shows_that_connections_are_missing() -> None:
    """What is lost as a whole leaves no gap; what announced it may be there."""
    other = certificate("other.test", ocsp=("http://ocsp2.ca.test/",))
    last = handshake("shop.test", shop, time=300)
    seen = [visit, exchange(shop), last, handshake("other.test", other, time=200)]
    followed = dns(RESPONDER, time=0.9), attempt("established", time=0.95)
    away = dns("198.51.100.2", name="ocsp2.ca.test", time=200.5)
    there = attempt("established", server="198.51.100.2", time=200.6)
    query = exchange(other, time=200.7, server="198.51.100.2", url="http://ocsp2.ca.test/")
    again = dns("198.51.100.2", name="ocsp2.ca.test", time=203)
    for more, sure in (((there, query), "confirmed"), ((there, query, again), "likely"), ((), "confirmed")):
        found = verdict(facts(shop, other, *seen, *followed, away, *more)).sightings
        assert [(each.cause, each.confidence) for each in found] == [
            ("queried", "confirmed"),
            ("cached", sure),
        ]


@pytest.mark.parametrize("name", ["unknown_ca", "certificate_revoked"])
def test_a_handshake_that_was_broken_off_need_not_have_come_to_asking(name: str) -> None:
    refused = broken("shop.test", shop, time=100, alerts=(alert(name),))
    assert told_of(visit, exchange(shop), refused)[-1] == ("cached", "likely")


def test_a_very_old_answer_without_an_end_is_not_taken_by_everybody() -> None:
    for days, sure in ((5, "confirmed"), (300, "likely")):
        old = response(single(shop, this_update=-days * DAY, next_update=None))
        assert told_of(visit, exchange(shop, old)) == [("queried", sure)]


def test_a_query_that_is_not_near_may_be_for_a_connection_that_is_missing() -> None:
    """Other connections are, as a lookup shows; so may be the handshake that the query was for."""
    seen = dns(RESPONDER, time=9.9), attempt("established", time=9.95), exchange(shop, time=10)
    assert doubts(shop, visit, *seen) == ("queried", "confirmed", set())
    announced = dns(RESPONDER, time=-20)
    assert doubts(shop, visit, *seen, announced) == ("queried", "likely", {"other-purpose"})


@pytest.mark.parametrize(("host", "sure"), [("www.shop.test", "likely"), ("a.www.shop.test", "confirmed")])
def test_a_hidden_handshake_may_have_shown_a_wildcard_certificate(host: str, sure: str) -> None:
    """The asterisk stands for one label (RFC 6125 6.4.3)."""
    wild = certificate(sans=("*.shop.test",))
    seen = handshake("api.shop.test", wild)
    hidden = handshake(host, time=8, version="TLS 1.3", certificate_encrypted=True)
    found = verdict(facts(wild, seen, hidden, exchange(wild, time=8.2)), host="api.shop.test")
    assert (found.cause, found.confidence) == ("queried", sure)
