"""Answers that the validator already held: seen in the capture, or told by its own trace."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.trace_entry import TraceEntry
from tests.unit.explain.facts_factory import (
    CHILD,
    CLIENT,
    PARENT,
    PARENT_INSIDE,
    RESPONDER,
    RESPONDER_HOST,
    SECOND,
    alternatives,
    at,
    attempt,
    capture,
    certificate,
    crl_fetch,
    dns,
    exchange,
    facts,
    frames,
    handshake,
    outcome,
    reissued,
    response,
    single,
    site,
    verdict,
    verdicts,
)

shop, other = certificate(), certificate("other.test")

again = handshake("shop.test", shop, time=100)


def entry(
    action: str = "cached", *, time: float | None = None, host: str = "shop.test", line: int = 2
) -> TraceEntry:
    moment = None if time is None else at(time)
    return TraceEntry("policy.trace", line, moment, host, "cached" if action == "cached" else "query", None)


def test_an_earlier_answer_covers() -> None:
    query = exchange(shop)
    found = verdict(facts(shop, query, again))
    assert (found.presence, found.cause, found.confidence) == ("absent", "cached", "confirmed")
    assert found.status == "good"
    assert frames(found) == {query.frames.response, again.frames.certificate}
    assert "its nextUpdate" in found.summary


def test_an_answer_that_has_run_out_covers_no_more() -> None:
    query = exchange(shop, response(single(shop, next_update=50)))
    found = verdict(facts(shop, query, again))
    assert (found.cause, found.confidence) == ("unexplained", "possible")
    assert "cached" in alternatives(found)


TERMINATES = {"intercepts": True, "addresses": frozenset({PARENT})}


def test_the_ttl_override_of_the_site_file_bounds_the_cache() -> None:
    for ttl, expected in ((200, ("cached", "confirmed")), (20, ("unexplained", "possible"))):
        told = site(parent={"cache_ttl": ttl * SECOND, **TERMINATES})
        assert outcome(facts(shop, exchange(shop), again), site=told) == expected
    outlived = exchange(shop, response(single(shop, next_update=50)))
    told = site(parent={"cache_ttl": 200 * SECOND, **TERMINATES})
    found = verdict(facts(shop, outlived, again), site=told)
    assert (found.cause, found.confidence) == ("cached", "confirmed")
    assert "TTL override" in found.summary


def test_an_answer_without_next_update_covers_nothing() -> None:
    query = exchange(shop, response(single(shop, next_update=None)))
    assert outcome(facts(shop, query, again)) == ("unexplained", "possible")


def test_http_freshness_is_likely_to_be_heeded() -> None:
    query = exchange(shop, response(single(shop, next_update=None)), max_age=3600)
    found = verdict(facts(shop, query, again))
    assert (found.cause, found.confidence) == ("cached", "likely")
    assert "Cache-Control" in found.summary


@pytest.mark.parametrize(
    "query",
    [
        exchange(shop, None, http_status=503),
        exchange(shop, response(shop, signature="invalid")),
        exchange(shop, response(other)),
        exchange(other),
        exchange(shop, client=CHILD),
        exchange(shop, time=150),
    ],
    ids=["HTTP error", "bad signature", "wrong answer", "other certificate", "other validator", "later"],
)
def test_what_covers_nothing(query: Any) -> None:
    assert outcome(facts(shop, other, query, again)) != ("cached", "confirmed")


@pytest.mark.parametrize(
    "answer",
    [response(shop, signature="unverifiable"), response(certificate(issuer_known=False))],
    ids=["unverifiable", "loose match"],
)
def test_an_answer_that_is_not_fully_proven_is_likely_to_cover(answer: Any) -> None:
    subject = shop if answer.signature == "unverifiable" else certificate(issuer_known=False)
    visit = handshake("shop.test", subject, time=100)
    assert outcome(facts(subject, exchange(subject, answer), visit)) == ("cached", "likely")


@pytest.mark.parametrize("defect", [{"dropped": 3}, {"tcp_gaps": 1}, {"damage": "cut"}], ids=str)
def test_where_packets_are_missing_a_query_may_be_missing_too(defect: dict[str, Any]) -> None:
    assert outcome(facts(capture(**defect), shop, exchange(shop), again)) == ("cached", "likely")


def test_an_answer_still_on_its_way_is_likely_to_be_waited_for() -> None:
    query = exchange(shop, time=99.9, delay=5)
    assert outcome(facts(shop, query, again)) == ("cached", "likely")


def test_a_validator_that_asks_again_early_does_not_keep_answers_until_next_update() -> None:
    early = (exchange(other, time=1), exchange(other, time=61), handshake("other.test", other, time=0))
    assert outcome(facts(shop, other, *early, exchange(shop), again)) == ("cached", "likely")
    for seconds, sure in ((25, "confirmed"), (45, "likely")):
        soon = handshake("shop.test", shop, time=seconds)
        assert outcome(facts(shop, other, *early, exchange(shop), soon)) == ("cached", sure)


def test_queries_without_handshakes_in_sight_may_be_one_for_each() -> None:
    """Whether two that are two seconds apart came of connections opened at once, handshakes tell."""
    unseen = (exchange(other, time=1), exchange(other, time=2.5))
    for seconds, sure in ((1, "confirmed"), (100, "likely")):
        soon = handshake("shop.test", shop, time=seconds)
        assert outcome(facts(shop, other, *unseen, exchange(shop, time=0.5), soon)) == ("cached", sure)
    at_once = [handshake("other.test", other, time=time) for time in (0.9, 1.05)]
    assert outcome(facts(shop, other, *at_once, *unseen, exchange(shop, time=0.5), again))[1] == "confirmed"


@pytest.mark.parametrize(
    ("before", "step", "sure"),
    [(0.02, 0, "likely"), (0.1, 0, "confirmed"), (0.1, 0.3, "likely"), (0.4, 0.3, "confirmed")],
)
def test_a_query_a_moment_before_the_handshake_may_be_its_own(before: float, step: float, sure: str) -> None:
    """Threads that capture write packets of several connections in another order, and with late times."""
    query = exchange(shop, time=100 - before, delay=0.01)
    seen = facts(capture(step_back=int(step * SECOND)), shop, query, again)
    assert outcome(seen) == ("cached", sure)
    earlier = exchange(shop)
    failed = exchange(shop, None, http_status=503, time=100 - before)
    assert outcome(facts(capture(step_back=int(step * SECOND)), shop, earlier, failed, again))[1] == "likely"


def test_who_was_refused_once_meanwhile_may_hold_that_whatever_came_through_besides() -> None:
    refused = handshake("shop.test", shop, time=50), dns(RESPONDER, time=50.1), attempt("refused", time=50.2)
    opened = attempt("established", time=51)
    crl = opened, crl_fetch(time=51.1, stream=opened.stream)
    for more, sure in (((), "confirmed"), ((*refused, *crl), "likely")):
        found = verdict(facts(shop, exchange(shop), *more, again))
        assert {s.confidence for s in found.sightings if s.stream == again.stream} == {sure}


@pytest.mark.parametrize(("before", "sure"), [(0.02, "likely"), (0.1, "confirmed")])
def test_a_lookup_in_vain_a_moment_before_may_be_its_own(before: float, sure: str) -> None:
    lookup = dns(rcode="NXDOMAIN", time=100 - before)
    assert outcome(facts(shop, exchange(shop), lookup, again)) == ("cached", sure)


def test_order_is_not_proven_by_clocks_that_nobody_compared() -> None:
    query = exchange(shop, capture="b.pcap")
    assert outcome(facts(shop, query, again)) == ("cached", "likely")
    late = handshake("shop.test", shop, time=5000)
    long = [capture(path, until=9000) for path in ("a.pcap", "b.pcap")]
    assert outcome(facts(*long, shop, query, late)) == ("cached", "confirmed")


def test_coverage_is_not_proven_where_clocks_disagree_about_next_update() -> None:
    both = [
        handshake("shop.test", shop, time=100, random="aa"),
        handshake("shop.test", shop, time=400, random="aa", capture="b.pcap"),
    ]
    query = exchange(shop, response(single(shop, next_update=250)))
    assert outcome(facts(shop, query, *both)) == ("cached", "likely")
    long = exchange(shop, response(single(shop, next_update=2500)))
    assert outcome(facts(shop, long, *both)) == ("cached", "confirmed")


def test_the_answer_of_the_parent_does_not_fill_the_cache_of_the_child() -> None:
    child = handshake("shop.test", shop, client=CHILD, server=PARENT_INSIDE, proxied=True, time=100)
    assert outcome(facts(shop, exchange(shop), again, child), CHILD)[0] != "cached"


def test_an_answer_from_before_the_capture_is_likely_where_ocsp_is_on() -> None:
    found = verdict(facts(shop, other, again, exchange(other), handshake("other.test", other)))
    assert (found.cause, found.confidence) == ("cached", "likely")
    assert verdict(facts(shop, again)).cause == "unexplained"


def test_a_trace_proves_what_the_capture_cannot() -> None:
    found = verdict(facts(shop, again), trace=(entry(time=101),))
    assert (found.cause, found.confidence) == ("cached", "confirmed")
    assert any(e.capture == "policy.trace" and e.frame is None for e in found.evidence)
    undated = verdict(facts(shop, again), trace=(entry(),))
    assert (undated.cause, [doubt.code for doubt in undated.doubts]) == ("cached", ["clock"])


def test_a_trace_about_another_host_or_time_proves_nothing() -> None:
    assert outcome(facts(shop, again), trace=(entry(host="other.test"),))[0] == "unexplained"
    assert outcome(facts(shop, again), trace=(entry(time=500),))[0] == "unexplained"


def test_a_trace_line_proves_one_of_several_visits() -> None:
    first = handshake("shop.test", shop, time=90)
    found = verdict(facts(shop, first, again), trace=(entry(time=100.2),))
    assert {(s.stream, s.confidence) for s in found.sightings} == {
        (first.stream, "likely"),
        (again.stream, "confirmed"),
    }
    untimed = verdict(facts(shop, first, again), trace=(entry(),))
    assert {s.confidence for s in untimed.sightings} == {"likely"}
    enough = verdict(facts(shop, first, again), trace=(entry(time=90.2), entry(time=100.2, line=4)))
    assert {s.confidence for s in enough.sightings} == {"confirmed"}


def test_a_trace_without_times_that_says_both_proves_neither() -> None:
    mixed = (entry(), entry("query", line=4))
    assert outcome(facts(shop, again), trace=mixed)[0] == "unexplained"


def test_a_trace_may_belong_to_either_of_two_proxies() -> None:
    """Both proxies received a certificate with a responder: nobody knows whose trace it is."""
    copy = certificate(issuer="CN=Proxy CA")
    child = handshake("shop.test", copy, client=CHILD, server=PARENT_INSIDE, proxied=True, time=100)
    seen = facts(shop, copy, child, again)
    told = site(child={}, parent={})
    for address in (CHILD, PARENT):
        assert outcome(seen, address, trace=(entry(),), site=told) == ("cached", "likely")


def test_a_trace_may_be_that_of_a_proxy_which_no_capture_shows() -> None:
    """Where this one only tunnels, the proxy before it received the certificate, too, and has a trace."""
    traced = (entry(time=100),)
    beside = handshake("other.test", other, client=CHILD, server=PARENT_INSIDE, proxied=True, time=-30)
    for seen, told, sure in (
        ((again,), site(child={}, parent={}), "likely"),
        ((again, beside), site(child={}, parent={}), "confirmed"),
        ((again,), site(child={}, parent={"intercepts": True}), "confirmed"),
        ((again,), site(child={"ocsp": False}, parent={}), "confirmed"),
    ):
        assert outcome(facts(shop, other, *seen), trace=traced, site=told) == ("cached", sure)


def test_a_trace_belongs_to_the_proxy_that_has_something_to_check() -> None:
    child = handshake("shop.test", reissued(), client=CHILD, server=PARENT_INSIDE, proxied=True, time=100)
    seen = facts(shop, reissued(), child, again)
    found = verdicts(seen, trace=(entry(time=100),), site=site(child={}, parent={}))
    assert (found[PARENT, "shop.test"].cause, found[PARENT, "shop.test"].confidence) == (
        "cached",
        "confirmed",
    )
    assert found[CHILD, "shop.test"].cause == "reissued-certificate"


def test_a_trace_belongs_to_the_child_where_the_parent_only_tunnels() -> None:
    child = handshake(
        "shop.test", shop, client=CHILD, server=PARENT_INSIDE, proxied=True, time=100, random="ab"
    )
    outer = handshake("shop.test", shop, time=100.1, random="ab")
    found = verdicts(facts(shop, child, outer), trace=(entry(time=100),), site=site(child={}, parent={}))
    assert (found[CHILD, "shop.test"].cause, found[CHILD, "shop.test"].confidence) == ("cached", "confirmed")
    assert found[PARENT, "shop.test"].cause == "not-intercepted"


def test_a_trace_is_not_that_of_a_proxy_whose_ocsp_is_off_nor_of_a_client() -> None:
    told = site(child={"ocsp": True}, parent={"ocsp": False})
    assert outcome(facts(shop, again), trace=(entry(time=100),), site=told)[0] == "ocsp-disabled"
    behind = handshake("shop.test", reissued(), client=CLIENT, server=CHILD, proxied=True, time=100)
    child = handshake("shop.test", reissued(), client=CHILD, server=PARENT_INSIDE, proxied=True, time=100)
    found = verdicts(facts(shop, reissued(), behind, child, again), trace=(entry(),))
    assert found[CLIENT, "shop.test"].cause != "cached"


@pytest.mark.parametrize("opened", [True, False])
def test_tls_to_the_responder_in_which_nothing_is_read_may_hold_a_query(opened: bool) -> None:
    """Keys may open the handshake and not what follows it, or that is HTTP/2."""
    inside = {"certificate_encrypted": True, "decrypted": opened}
    to_responder = handshake(RESPONDER_HOST, time=101, server=RESPONDER, **inside)
    seen = [shop, handshake("shop.test", shop), exchange(shop), again]
    answers = [verdict(facts(*seen, *more)).sightings[1] for more in ((), (to_responder,))]
    assert [(each.cause, each.confidence) for each in answers] == [
        ("cached", "confirmed"),
        ("cached", "likely"),
    ]
