"""Stories in which the host that sent something is easily taken for the one that wanted it."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.facts import OcspExchangeFact

from .facts_factory import (
    CHILD,
    CLIENT,
    PARENT,
    PARENT_INSIDE,
    PROXY_CA,
    RESPONDER,
    RESPONDER_HOST,
    at,
    attempt,
    authority,
    capture,
    cert_id,
    certificate,
    crl_fetch,
    dns,
    exchange,
    facts,
    findings_of,
    handshake,
    outcome,
    reissued,
    response,
    single,
    site,
    site_authority,
    verdict,
)

CRL = "http://crl.ca.test/ca.crl"
SHOP, NEWS, COPY = certificate(), certificate("news.test"), reissued()
LISTED = certificate(crl=(CRL,))
BOTH = site(child={}, parent={})
TERMINATING = site(child={"intercepts": True}, parent={"intercepts": True})


def asked_through_the_parent(**other: Any) -> OcspExchangeFact:
    """The child's query, handed to the parent to send on."""
    values = {"client": CHILD, "server": PARENT_INSIDE, "server_port": 3128, "via_proxy": True}
    return exchange(SHOP, None, **{**values, "http_status": 503, "delay": 0.4, **other})


VISITS = (
    handshake("shop.test", SHOP, client=CHILD, server=PARENT_INSIDE, proxied=True),
    handshake("shop.test", SHOP, time=0.05),
)


@pytest.mark.parametrize(
    "errand",
    [
        (dns(rcode="NXDOMAIN", time=1.1),),
        (dns(rcode="NXDOMAIN", time=0.98),),
        (dns(RESPONDER, time=1.1), attempt("refused", time=1.2)),
    ],
    ids=["no such name", "captured a moment too early", "refused"],
)
def test_what_the_parent_does_with_the_childs_request_is_not_its_own(errand: Any) -> None:
    seen = facts(SHOP, *VISITS, asked_through_the_parent(), *errand)
    assert outcome(seen, site=BOTH)[0] == "unexplained"
    assert outcome(seen, CHILD, site=BOTH) == ("http-error", "likely")
    assert outcome(seen, CHILD, site=TERMINATING) == ("http-error", "confirmed")


@pytest.mark.parametrize("time", [0.5, 1.6], ids=["before the request", "after its answer"])
def test_what_the_parent_looks_up_at_another_time_is_its_own(time: float) -> None:
    seen = facts(SHOP, *VISITS, asked_through_the_parent(), dns(rcode="NXDOMAIN", time=time))
    assert outcome(seen, site=BOTH) == ("dns-failed", "confirmed")


@pytest.mark.parametrize(
    "errand",
    [
        (dns(rcode="NXDOMAIN", time=100.98),),
        (dns(rcode="NXDOMAIN", time=101.1),),
        (dns(RESPONDER, time=101.1), attempt("refused", time=101.2)),
    ],
    ids=["just before", "meanwhile", "refused"],
)
def test_what_a_proxy_was_asked_to_do_in_vain_it_may_have_done_for_itself_as_well(errand: Any) -> None:
    """Its own failed try stands within milliseconds of the child's request about another certificate."""
    visits = [handshake("shop.test", SHOP, time=time) for time in (0, 100, 200)]
    query = asked_through_the_parent(time=101, requests=(cert_id(NEWS),))
    seen = facts(SHOP, NEWS, *visits, exchange(SHOP), query, *errand)
    first, meant, later = verdict(seen, site=TERMINATING).sightings
    assert [(each.cause, each.confidence) for each in (first, meant, later)] == [
        ("queried", "confirmed"),
        ("cached", "likely"),
        ("cached", "likely"),
    ]
    assert [[doubt.code for doubt in each.doubts] for each in (meant, later)] == [
        ["unread-question"],
        ["checks-only-some"],
    ]
    got_through = facts(SHOP, NEWS, *visits, exchange(SHOP), query, dns(RESPONDER, time=101.1))
    assert {each.confidence for each in verdict(got_through, site=TERMINATING).sightings} == {"confirmed"}


def test_a_socks_request_that_failed_is_the_clients_on_both_sides() -> None:
    inner = handshake(
        "shop.test", SHOP, client=CLIENT, server=PARENT_INSIDE, tunnel="socks", server_port=1080
    )
    request = attempt(
        client=CLIENT, server=PARENT_INSIDE, host=RESPONDER_HOST, port=80, tunnel="socks", status=5, time=1
    )
    outer = (dns(RESPONDER, time=1.05), attempt("refused", time=1.1))
    case = Case(facts(SHOP, inner, VISITS[1], request, *outer), Context(site=BOTH))
    assert not case.host(PARENT).attempts
    assert case.host(CLIENT).attempts


def test_a_crl_that_the_parent_fetches_for_the_child() -> None:
    visits = [
        handshake("shop.test", LISTED, client=CHILD, server=PARENT_INSIDE, proxied=True),
        handshake("shop.test", LISTED, time=0.05),
    ]
    inner = crl_fetch(CRL, client=CHILD, server=PARENT_INSIDE, via_proxy=True)
    told = findings_of(facts(LISTED, *visits, inner, crl_fetch(CRL, time=1.02)), "crl-fallback", site=BOTH)
    assert [CHILD in each.summary for each in told] == [True]
    told = findings_of(facts(LISTED, *visits, inner, crl_fetch(CRL, time=60)), "crl-fallback", site=BOTH)
    assert [PARENT in each.summary for each in told] == [False, True]


INNER = handshake("shop.test", COPY, client=CLIENT, server=CHILD, proxied=True)


@pytest.mark.parametrize(
    ("role", "visits", "proxy"),
    [
        (
            "child",
            (
                INNER,
                handshake(
                    "shop.test", COPY, client="10.3.0.20", server=PARENT_INSIDE, proxied=True, time=0.05
                ),
            ),
            "10.3.0.20",
        ),
        (
            "parent",
            (
                handshake("shop.test", COPY, client=CHILD, server=PARENT_INSIDE, proxied=True),
                VISITS[1],
            ),
            PARENT,
        ),
        ("parent", (handshake("shop.test", COPY, client=CHILD), VISITS[1]), PARENT),
    ],
    ids=["child", "parent", "transparent parent"],
)
def test_a_capture_of_both_sides_gives_its_role_to_the_proxy_alone(
    role: Any, visits: Any, proxy: str
) -> None:
    case = Case(facts(SHOP, COPY, *visits), Context(capture_roles={"a.pcap": role}))
    roles = {visit.handshake.client: case.roles.role(visit.handshake.client) for visit in case.visits}
    assert roles[proxy] == role
    assert set(roles.values()) == {role, "unknown"}


def test_clients_of_one_capture_that_visit_different_hosts_are_all_the_proxy() -> None:
    visits = handshake("shop.test", SHOP), handshake("news.test", NEWS, client=CHILD, time=1)
    case = Case(facts(SHOP, NEWS, *visits), Context(capture_roles={"a.pcap": "parent"}))
    assert {case.roles.role(PARENT), case.roles.role(CHILD)} == {"parent"}


def test_a_certificate_without_responder_beside_that_of_another_issuer() -> None:
    """Nothing else shows the transparent proxy which made the one that came first."""
    seen = facts(SHOP, COPY, handshake("shop.test", COPY, client=CHILD), VISITS[1])
    made = verdict(seen, CHILD)
    assert (made.cause, made.confidence) == ("no-ocsp-url", "likely")
    assert PARENT in made.doubts[0].why
    alone = facts(
        SHOP, COPY, handshake("shop.test", COPY, client=CHILD), handshake("shop.test", SHOP, time=9)
    )
    assert outcome(alone, CHILD) == ("no-ocsp-url", "confirmed")


def test_a_proxy_that_goes_on_under_the_address_of_its_client() -> None:
    inner = handshake("shop.test", COPY, client=CLIENT)
    outer = handshake("shop.test", SHOP, client=CLIENT, time=0.1)
    seen = facts(SHOP, COPY, inner, outer, exchange(SHOP, client=CLIENT))
    asked = next(v for v in explain(seen, Context()).verdicts if v.cause == "queried")
    assert asked.confidence == "likely"
    assert [doubt.code for doubt in asked.doubts] == ["other-asker"]
    assert outcome(facts(SHOP, outer, exchange(SHOP, client=CLIENT)), CLIENT) == ("queried", "confirmed")


TUNNELLED = (
    handshake("shop.test", SHOP, client=CHILD, server=PARENT_INSIDE, proxied=True, random="ee" * 32),
    handshake("shop.test", SHOP, random="ee" * 32, time=0.05),
)
INTERCEPTED = handshake("news.test", NEWS, time=10)


def test_a_parent_that_also_makes_connections_of_its_own_intercepts() -> None:
    code = "parent-not-intercepting"
    assert findings_of(facts(SHOP, *TUNNELLED), code, site=BOTH)
    hidden = handshake("news.test", time=10, version="TLS 1.3", certificate_encrypted=True)
    assert not findings_of(facts(SHOP, *TUNNELLED, hidden), code, site=BOTH)
    seen = facts(SHOP, NEWS, *TUNNELLED, INTERCEPTED)
    told = explain(seen, Context(site=BOTH), hosts=("shop.test",)).findings
    assert code not in {each.code for each in told}


def test_each_parent_is_praised_for_what_it_asks_itself() -> None:
    second = "10.2.0.31"
    both = site(parent={"addresses": frozenset({PARENT, second})})
    visits = handshake("shop.test", SHOP), handshake("news.test", NEWS, client=second, time=300)
    told = findings_of(facts(SHOP, NEWS, *visits, exchange(SHOP)), "ocsp-at-egress", site=both)
    assert ["news.test" in each.summary for each in told] == [False]
    visits = handshake("shop.test", SHOP, client_ttl=64), handshake("news.test", NEWS, time=99, client_ttl=64)
    assert not findings_of(facts(SHOP, *visits, exchange(SHOP, client_ttl=63)), "ocsp-at-egress", site=both)


def test_a_crl_beside_a_staple_or_for_what_is_only_handed_on_is_no_fallback() -> None:
    plain = handshake("shop.test", LISTED)
    stapled = handshake("shop.test", LISTED, staples=(response(LISTED),))
    assert findings_of(facts(LISTED, plain, crl_fetch(CRL)), "crl-fallback")
    assert not findings_of(facts(LISTED, stapled, crl_fetch(CRL)), "crl-fallback")
    tunnelled = [
        handshake("shop.test", LISTED, client=CHILD, server=PARENT_INSIDE, proxied=True, random="ab" * 32),
        handshake("shop.test", LISTED, random="ab" * 32, time=0.05),
    ]
    assert not findings_of(facts(LISTED, *tunnelled, crl_fetch(CRL)), "crl-fallback")


def test_a_forwarding_host_is_told_of_the_hosts_that_were_asked_for() -> None:
    visits = handshake("shop.test", SHOP), handshake("news.test", NEWS, time=10)
    query = exchange(SHOP, via_proxy=True, server="10.1.1.9", server_port=3128)
    for glob, told in (("shop.test", True), ("news.test", False), ("*", True)):
        findings = explain(facts(SHOP, NEWS, *visits, query), Context(), hosts=(glob,)).findings
        assert ("ocsp-forwarded" in {each.code for each in findings}) is told


def test_a_servers_staple_is_no_ocsp_of_the_chain() -> None:
    off = site(child={"ocsp": False}, parent={"ocsp": False})
    copy = handshake("shop.test", COPY, client=CHILD, server=PARENT_INSIDE, proxied=True)
    seen = facts(SHOP, COPY, copy, VISITS[1], exchange(SHOP, client=VISITS[1].server, time=-3))
    assert findings_of(seen, "ocsp-nowhere", site=off)
    seen = facts(SHOP, COPY, NEWS, copy, VISITS[1], exchange(NEWS, client="10.2.0.99", time=3))
    assert not findings_of(seen, "ocsp-nowhere", site=off)


def test_a_client_is_not_the_child_that_the_site_file_names() -> None:
    told = site(child={"ocsp": True}, parent={"ocsp": False, "ca": (site_authority(authority(PROXY_CA)),)})
    made = certificate(issuer=PROXY_CA, ocsp=(), issuer_known=True)
    for client, wrong in ((CLIENT, False), (CHILD, True)):
        seen = facts(authority(PROXY_CA), made, handshake("shop.test", made, client=client))
        assert bool(findings_of(seen, "ocsp-on-wrong-proxy", site=told)) is wrong


def test_several_addresses_of_one_proxy_keep_their_own_answers() -> None:
    visits = [handshake("shop.test", SHOP, time=time) for time in (0, 60, 90)]
    for second, told in ((PARENT_INSIDE, False), (PARENT, True)):
        seen = facts(SHOP, *visits, exchange(SHOP), exchange(SHOP, time=61, client=second))
        assert bool(findings_of(seen, "ttl-override-in-use", site=BOTH)) is told


def test_repetitions_are_told_of_the_hosts_that_were_asked_for() -> None:
    times = ((SHOP, 1), (NEWS, 12), (SHOP, 60), (NEWS, 70))
    visits = [handshake(each.sans[0], each, time=time - 1) for each, time in times]
    seen = facts(SHOP, NEWS, *visits, *(exchange(each, time=time) for each, time in times))
    told = explain(seen, Context(), hosts=("news.test",)).findings
    assert ["shop.test" in each.summary for each in told if each.code == "repeated-queries"] == [False]


def test_a_query_right_after_an_answer_is_a_repetition_where_its_connection_came_after_it() -> None:
    for opened, told in ((0.5, False), (2, True)):
        visits = handshake("shop.test", SHOP), handshake("shop.test", SHOP, time=opened)
        queries = exchange(SHOP, time=0.9, delay=0.1), exchange(SHOP, time=2.1)
        assert bool(findings_of(facts(SHOP, *visits, *queries), "repeated-queries")) is told


def test_a_query_inside_that_of_another_host_may_be_handed_on() -> None:
    visits = handshake("shop.test", SHOP, client=CLIENT), handshake("shop.test", SHOP, time=0.1)
    outer = exchange(SHOP, time=1.02, delay=0.1)
    for delay, sure in ((0.2, "likely"), (0.05, "confirmed")):
        seen = facts(SHOP, *visits, exchange(SHOP, client=CLIENT, time=1, delay=delay), outer)
        assert outcome(seen) == ("queried", sure)
        assert outcome(seen, CLIENT) == ("queried", "confirmed")


def test_a_query_inside_one_through_a_proxy_may_be_handed_on_by_another_address_of_it() -> None:
    """The inner side of the handshake is not in the capture, and with it what shows the two addresses one."""
    visits = handshake("shop.test", SHOP), handshake("shop.test", SHOP, client=CLIENT, time=-9)
    outer = exchange(SHOP, time=1.02, delay=0.1)
    for delay, sure in ((0.2, "likely"), (0.05, "confirmed")):
        query = asked_through_the_parent(client=CLIENT, time=1, delay=delay, http_status=200)
        assert outcome(facts(SHOP, *visits, query, outer)) == ("queried", sure)


def test_who_alone_received_what_another_asks_about_through_a_proxy_may_be_that_proxy() -> None:
    """Its outer side: the handshakes of the inner one are not in the capture."""
    stapled = handshake("news.test", NEWS, staples=(response(NEWS),), time=-60)
    query = asked_through_the_parent(client=CLIENT, time=1)
    seen = facts(SHOP, NEWS, stapled, handshake("shop.test", SHOP), query)
    found = verdict(seen, host="news.test")
    assert (found.cause, found.confidence, [d.code for d in found.doubts]) == (
        "stapled", "likely", ["may-tunnel"],
    )  # fmt: skip
    inner = handshake("shop.test", SHOP, client=CLIENT, server=PARENT_INSIDE, proxied=True, time=-0.1)
    assert outcome(facts(*seen.certificates.values(), stapled, inner, query), host="news.test") == (
        "stapled", "confirmed",
    )  # fmt: skip


def test_a_proxy_that_the_site_file_does_not_name_is_not_its_parent() -> None:
    other = "10.5.5.5"
    visits = (
        handshake("shop.test", COPY, client=CHILD, server=other, proxied=True),
        handshake("shop.test", SHOP, client=other, time=0.05),
    )
    seen = facts(SHOP, COPY, *visits, exchange(SHOP, client=other))
    assert Case(seen, Context()).roles.role(other) == "parent"
    told = site(child={"ocsp": True}, parent={"ocsp": False})
    assert Case(seen, Context(site=told)).roles.role(other) == "unknown"
    assert not findings_of(seen, "ocsp-on-child-too", site=told)


def test_a_capture_of_both_sides_of_the_parent_given_for_the_child() -> None:
    """The host that asks the parent is not the child for that, nor is the parent."""
    copies = [reissued(name) for name in ("shop.test", "news.test")]
    visits = []
    for number, (real, copy) in enumerate(zip((SHOP, NEWS), copies, strict=True)):
        name, begin = real.sans[0], 20 * number
        visits += [
            handshake(name, copy, client=CHILD, server=PARENT_INSIDE, proxied=True, time=begin),
            handshake(name, real, time=begin + 0.05),
        ]
    seen = facts(SHOP, NEWS, *copies, *visits)
    for options in ({}, {"a.pcap": "child"}):
        case = Case(seen, Context(capture_roles=options))
        assert (case.roles.role(CHILD), case.roles.role(PARENT)) == ("unknown", "parent")


def test_where_a_proxy_only_listens_no_query_is_missed() -> None:
    shop = certificate()
    seen = facts(shop, handshake("shop.test", shop), capture())
    addresses = frozenset({PARENT, "192.0.2.77"})

    def answer(**more: Any) -> tuple[str, str, set[str]]:
        known = site(parent={"ocsp": False, "intercepts": True, "addresses": addresses} | more)
        found = verdict(seen, site=known)
        return found.cause, found.confidence, {doubt.code for doubt in found.doubts}

    assert answer() == ("ocsp-disabled", "likely", {"other-place"})
    assert answer(listens=frozenset({"192.0.2.77"})) == ("ocsp-disabled", "confirmed", set())


def test_a_query_under_an_answer_that_was_held_may_be_that_of_another_host_behind_the_address() -> None:
    asked = (handshake("shop.test", SHOP), exchange(SHOP, time=1))
    other, again = handshake("shop.test", SHOP, time=10), handshake("shop.test", SHOP, time=12)
    seen = facts(SHOP, *asked, other, again, exchange(SHOP, time=13))
    assert [(each.cause, each.confidence) for each in verdict(seen).sightings] == [
        ("queried", "confirmed"),
        ("cached", "likely"),
        ("queried", "likely"),
    ]
    last = verdict(seen).sightings[-1]
    assert [doubt.code for doubt in last.doubts] == ["other-asker"]
    # Where nobody else had the certificate, or the answer had run out, it is its own.
    alone = verdict(facts(SHOP, *asked, again, exchange(SHOP, time=13)))
    ran_out = exchange(SHOP, response(single(SHOP, next_update=11)), time=1)
    renewed = verdict(facts(SHOP, asked[0], ran_out, other, again, exchange(SHOP, time=13)))
    assert [each.sightings[-1].confidence for each in (alone, renewed)] == ["confirmed", "confirmed"]


def test_a_query_under_an_answer_for_which_no_handshake_is_seen_may_be_anybodys() -> None:
    begins = capture(first_time=at(0), until=60)
    visit, again = handshake("shop.test", SHOP, time=3), exchange(SHOP, time=5)
    seen = facts(SHOP, begins, exchange(SHOP, time=1), visit, again)
    assert outcome(seen) == ("queried", "likely")
    assert [doubt.code for doubt in verdict(seen).doubts] == ["other-purpose"]
    unanswered = exchange(SHOP, None, http_status=None, time=1)
    assert outcome(facts(SHOP, begins, unanswered, visit, again)) == ("queried", "likely")
    ran_out = exchange(SHOP, response(single(SHOP, next_update=2)), time=1)
    assert outcome(facts(SHOP, begins, ran_out, visit, again)) == ("queried", "confirmed")


@pytest.mark.parametrize(("behind", "confidence"), [((0,), "confirmed"), ((0, 8), "likely")])
def test_a_visit_behind_the_proxy_may_have_led_to_the_query(behind: Any, confidence: str) -> None:
    """The leg that the proxy made for it is not in the capture."""
    inner = [
        handshake("shop.test", COPY, client=CHILD, server=PARENT_INSIDE, proxied=True, time=t) for t in behind
    ]
    seen = facts(SHOP, COPY, *inner, VISITS[1], exchange(SHOP, time=8.2))
    assert outcome(seen, site=TERMINATING) == ("queried", confidence)
