"""Stories of several programs or hosts behind one address: which of them asked, or holds the answer?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain

from .facts_factory import (
    CHILD,
    PARENT,
    PARENT_INSIDE,
    RESPONDER,
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
    response,
    site,
    verdict,
)

SHOP, NEWS, COPY = certificate(), certificate("news.test"), reissued()
BOTH = site(child={}, parent={})
VISITS = (
    handshake("shop.test", SHOP, client=CHILD, server=PARENT_INSIDE, proxied=True),
    handshake("shop.test", SHOP, time=0.05),
)
TUNNELLED = (
    handshake("shop.test", SHOP, client=CHILD, server=PARENT_INSIDE, proxied=True, random="ee" * 32),
    handshake("shop.test", SHOP, random="ee" * 32, time=0.05),
)
ONE, OTHER = {"hello_fingerprint": "one"}, {"hello_fingerprint": "other"}


def test_a_query_from_before_any_handshake_may_be_that_of_another_program() -> None:
    """Two TLS programs share the address, and which of them holds the answer is not told."""
    early, beside = exchange(SHOP, time=-50), handshake("news.test", NEWS, time=-20, **ONE)
    for program, sure in ((OTHER, "likely"), (ONE, "confirmed")):
        seen = facts(SHOP, NEWS, beside, early, handshake("shop.test", SHOP, **program))
        assert outcome(seen) == ("cached", sure)


def test_software_that_names_itself_tells_which_program_asked() -> None:
    """Other queries of that name followed handshakes of one program only."""
    early = exchange(SHOP, time=-50, user_agent="Validator/2")
    beside = handshake("news.test", NEWS, time=-20, **ONE), exchange(NEWS, time=-19, user_agent="Validator/2")
    stranger = handshake("else.test", time=-10, **OTHER)
    for program, sure in ((OTHER, "likely"), (ONE, "confirmed")):
        seen = facts(SHOP, NEWS, *beside, stranger, early, handshake("shop.test", SHOP, **program))
        assert outcome(seen) == ("cached", sure)
    unnamed = replace(early, user_agent=None)
    seen = facts(SHOP, NEWS, *beside, stranger, unnamed, handshake("shop.test", SHOP, **ONE))
    assert outcome(seen) == ("cached", "likely")


def test_a_handshake_whose_program_cannot_be_told() -> None:
    """Only the end of its ClientHello is in the capture, and two programs share the address."""
    asked = handshake("shop.test", SHOP, time=-60, **ONE), exchange(SHOP, time=-59)
    stranger = handshake("news.test", NEWS, time=-20, **OTHER)
    for program, sure in (({"hello_fingerprint": None}, "likely"), (ONE, "confirmed"), (OTHER, "likely")):
        seen = facts(SHOP, NEWS, *asked, stranger, handshake("shop.test", SHOP, time=9, **program))
        assert {s.confidence for s in verdict(seen).sightings if s.cause == "cached"} == {sure}


def test_queries_of_differently_named_software_have_caches_of_their_own() -> None:
    named = [exchange(SHOP, time=-50, user_agent="curl/8"), exchange(NEWS, time=-40, user_agent="Java/21")]
    visits = handshake("news.test", NEWS, time=-41, **ONE), handshake("shop.test", SHOP, **ONE)
    assert outcome(facts(SHOP, NEWS, *visits, *named)) == ("cached", "likely")
    assert outcome(facts(SHOP, NEWS, *visits, named[0])) == ("cached", "confirmed")


@pytest.mark.parametrize(
    ("told", "sure"),
    [
        ({}, "confirmed"),
        ({"site": site(parent={})}, "likely"),
        ({"site": site(parent={"ocsp": True})}, "likely"),
        ({"capture_roles": {"a.pcap": "parent"}}, "likely"),
        ({"site": site(parent={"intercepts": True, "addresses": frozenset({PARENT})})}, "confirmed"),
    ],
    ids=["a host", "called a proxy", "proxy with OCSP", "called a parent", "intercepts"],
)
def test_a_proxy_whose_outer_side_alone_is_seen_may_relay_handshake_and_query(told: Any, sure: str) -> None:
    """Without Via, and with one TLS program behind it, that looks just as if it validated itself."""
    assert outcome(facts(SHOP, VISITS[1], exchange(SHOP)), **told) == ("queried", sure)
    seen = facts(SHOP, exchange(SHOP, time=-50), handshake("shop.test", SHOP))
    assert outcome(seen, **told) == ("cached", sure)


def test_the_leg_behind_the_proxy_shows_that_it_validates_itself() -> None:
    inner = handshake("shop.test", COPY, client=CHILD, server=PARENT_INSIDE, proxied=True)
    assert outcome(facts(SHOP, COPY, inner, VISITS[1], exchange(SHOP)), site=BOTH) == ("queried", "confirmed")


def test_a_host_that_hands_on_a_query_may_hand_on_another_that_does_not_say_so() -> None:
    visits = handshake("shop.test", SHOP), handshake("news.test", NEWS, time=10)
    asked = exchange(SHOP), exchange(NEWS, time=11, relayed_for="10.1.0.77")
    assert outcome(facts(SHOP, NEWS, *visits, *asked)) == ("queried", "likely")
    assert outcome(facts(SHOP, NEWS, *visits, asked[0])) == ("queried", "confirmed")


def test_a_hidden_handshake_of_another_program_before_the_visible_one_may_have_asked() -> None:
    visible, asked = handshake("shop.test", SHOP, **ONE), exchange(SHOP, time=0.8)
    for host, program, sure in (
        ("shop.test", OTHER, "likely"),
        ("shop.test", ONE, "confirmed"),
        ("news.test", OTHER, "confirmed"),
    ):
        hidden = handshake(host, time=-0.5, certificate_encrypted=True, version="TLS 1.3", **program)
        assert outcome(facts(SHOP, visible, asked, hidden)) == ("queried", sure)


def test_another_program_beside_an_intercepting_proxy_under_one_address() -> None:
    """The leg behind the proxy stands for one of the two handshakes only."""
    inner = handshake("shop.test", COPY, client=CHILD, server=PARENT_INSIDE, proxied=True, time=-0.1)
    own, asked = handshake("shop.test", SHOP, **ONE), exchange(SHOP)
    for program, sure in ((OTHER, "likely"), (ONE, "confirmed")):
        beside = handshake("shop.test", SHOP, time=-0.8, **program)
        assert outcome(facts(SHOP, COPY, inner, own, beside, asked), site=BOTH) == ("queried", sure)


def test_hosts_that_share_an_address_differ_in_their_ttl() -> None:
    """The TTL of the query itself is not known, as in captures of the server's side alone."""
    visits = handshake("shop.test", SHOP, client_ttl=64), handshake("news.test", NEWS, time=9, client_ttl=128)
    early = exchange(SHOP, time=-50)
    assert outcome(facts(SHOP, NEWS, *visits, early)) == ("cached", "likely")
    assert outcome(facts(SHOP, NEWS, *visits, replace(early, client_ttl=64))) == ("cached", "confirmed")
    assert outcome(facts(SHOP, visits[0], early)) == ("cached", "confirmed")


def test_of_two_programs_with_a_reason_each_may_have_looked_for_the_responder() -> None:
    visits = handshake("shop.test", SHOP, **ONE), handshake("shop.test", SHOP, time=-0.1, **OTHER)
    for seen in ((dns(RESPONDER), attempt("refused")), (dns(rcode="NXDOMAIN"),)):
        assert outcome(facts(SHOP, visits[0], *seen))[1] == "confirmed"
        assert outcome(facts(SHOP, *visits, *seen))[1] == "likely"


def test_a_name_of_software_that_followed_two_programs_tells_neither() -> None:
    """The handshake of the one that asked is not in the capture; that of the other is the nearest."""
    named = [exchange(each, time=time, user_agent="Agent/0") for each, time in ((NEWS, -99), (SHOP, 1))]
    for program, sure in ((OTHER, "likely"), (ONE, "confirmed")):
        visits = handshake("news.test", NEWS, time=-100, **program), handshake("shop.test", SHOP, **ONE)
        stranger = handshake("else.test", time=-50, **OTHER)
        assert outcome(facts(SHOP, NEWS, *visits, stranger, *named)) == ("queried", sure)


def test_a_leg_that_was_handed_on_shows_no_interception_of_another() -> None:
    """Two hosts go through one relay at once; of the first only the outer leg is in the capture."""
    first = handshake("shop.test", SHOP, time=-0.2, staples=(response(SHOP),))
    each = verdict(facts(SHOP, first, *TUNNELLED), site=BOTH).sightings
    assert [(s.cause, s.confidence) for s in each] == [
        ("stapled", "likely"),
        ("not-intercepted", "confirmed"),
    ]


def test_an_inner_leg_beside_a_known_relay_in_a_lossy_capture_shows_no_interception() -> None:
    """Of two connections that were handed on each has lost the other leg."""
    inner = handshake("news.test", NEWS, client=CHILD, server=PARENT_INSIDE, proxied=True, time=9.7)
    staple = response(NEWS)
    outer = handshake("news.test", NEWS, time=10, staples=(staple,))
    for lost, sure in ((3, "likely"), (0, "confirmed")):
        seen = facts(capture(tcp_gaps=lost), SHOP, NEWS, *TUNNELLED, inner, outer)
        assert outcome(seen, host="news.test", site=BOTH) == ("stapled", sure)


def test_who_asks_without_a_handshake_may_have_asked_when_another_program_made_one() -> None:
    """The nearest handshake is then no sign of which program asked, and so of which holds the answer."""
    asker = (
        handshake("news.test", NEWS, time=-300, **ONE),
        exchange(NEWS, time=-299),
        exchange(NEWS, time=-60),
    )
    seen = handshake("shop.test", SHOP, time=-21, **OTHER), exchange(SHOP, time=-20)
    later = handshake("shop.test", SHOP, time=9, **OTHER)
    for stray, sure in ((asker, "likely"), (asker[:2], "confirmed")):
        found = verdict(facts(SHOP, NEWS, *stray, *seen, later, capture(first_time=at(-900)))).sightings
        assert [each.confidence for each in found if each.cause == "cached"] == [sure]


def test_a_host_with_ipv4_and_ipv6_may_ask_by_the_other_address() -> None:
    six = "2001:db8::9"
    failed = handshake("shop.test", SHOP), dns(rcode="NXDOMAIN")
    there = handshake("shop.test", SHOP, time=-5, client=six), exchange(SHOP, client=six, time=1)
    assert outcome(facts(SHOP, *failed, *there)) == ("dns-failed", "likely")
    own = handshake("shop.test", SHOP, time=0.8, client=six)
    assert outcome(facts(SHOP, *failed, *there, own)) == ("dns-failed", "confirmed")


def test_a_hidden_handshake_with_any_host_may_have_shown_the_intermediate() -> None:
    middle = certificate("Middle CA", "CN=Root", is_ca=True, sans=())
    visible = handshake("shop.test", SHOP, middle)
    hidden = handshake("news.test", time=0.5, certificate_encrypted=True, version="TLS 1.3")
    for seen, sure in (((visible,), "confirmed"), ((visible, hidden), "likely")):
        told = explain(facts(SHOP, middle, *seen, exchange(middle)), Context()).verdicts
        assert [v.confidence for v in told if v.cause == "queried"] == [sure]


@pytest.mark.parametrize(
    ("gaps", "first", "name", "sure"),
    [
        (3, OTHER, None, "likely"),
        (3, OTHER, "Other/1", "likely"),
        (0, OTHER, None, "confirmed"),
        (3, ONE, None, "confirmed"),
    ],
    ids=["packets are missing", "by a name of its own", "none are missing", "this program asks"],
)
def test_where_packets_are_missing_another_program_may_have_had_the_handshake(
    gaps: int, first: dict[str, str], name: str | None, sure: str
) -> None:
    """The handshake of the program that asked is not in the capture; one of a program that never does is."""
    visits = handshake("news.test", NEWS, **first), handshake("shop.test", SHOP, time=60, **ONE)
    asked = exchange(NEWS), exchange(SHOP, time=62, user_agent=name)
    stranger = handshake("else.test", time=-10, resumed=True, **OTHER)
    assert outcome(facts(capture(tcp_gaps=gaps), SHOP, NEWS, stranger, *visits, *asked)) == ("queried", sure)
