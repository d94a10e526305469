from __future__ import annotations

import pytest

from ocsp_pcap import bounds
from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.lifetimes import ASSUMED, Lifetimes
from ocsp_pcap.explain.site import Proxy
from ocsp_pcap.facts import OcspExchangeFact, ResponseFact

from .forecast_facts import DAY, HOUR, SECOND, START, certificate, exchange, facts, handshake, response

OWN, OTHER = certificate("1a"), certificate("2b")


def lifetimes(*exchanges: OcspExchangeFact, staples: tuple[ResponseFact, ...] = ()) -> Lifetimes:
    visits = (handshake(1, 0, OWN, staples=staples), handshake(2, SECOND, OTHER))
    return Lifetimes(Case(facts((OWN, OTHER), visits, exchanges), Context()))


def test_nothing_known_is_assumed_with_the_reason() -> None:
    until, lifetime = lifetimes().held_until(OWN, START, None)
    assert until == START + ASSUMED
    assert (lifetime.basis, lifetime.seconds) == ("assumed", 4 * 86_400)
    assert "assumed" in lifetime.reason


def test_ttl_override_comes_first() -> None:
    proxy = Proxy("parent", cache_ttl=60 * SECOND)
    until, lifetime = lifetimes(exchange("1a", 0, DAY)).held_until(OWN, START, proxy)
    assert (until, lifetime.basis, lifetime.seconds) == (START + 60 * SECOND, "ttl-override", 60)


def test_next_update_of_an_answer_about_the_certificate() -> None:
    known = lifetimes(exchange("1a", 0, DAY), exchange("2b", 0, HOUR))
    until, lifetime = known.held_until(OWN, START + HOUR, None)
    assert (until, lifetime.basis, lifetime.seconds) == (START + DAY, "same-certificate", 23 * 3600)


def test_later_than_the_answer_seen_a_new_one_would_last_as_long() -> None:
    until, lifetime = lifetimes(exchange("1a", 0, DAY)).held_until(OWN, START + 3 * DAY, None)
    assert (until, lifetime.basis) == (START + 4 * DAY, "same-certificate")


def test_an_answer_about_another_certificate_of_the_issuer() -> None:
    known = lifetimes(exchange("2b", 0, DAY), exchange("2b", HOUR, 6 * HOUR))
    until, lifetime = known.held_until(OWN, START, None)
    assert (until, lifetime.basis) == (START + 6 * HOUR, "same-issuer")


def test_staples_tell_too() -> None:
    until, lifetime = lifetimes(staples=(response("1a", DAY),)).held_until(OWN, START, None)
    assert (until, lifetime.basis) == (START + DAY, "same-certificate")


def test_http_freshness_where_there_is_no_next_update() -> None:
    until, _ = lifetimes(exchange("1a", 0, None, max_age=600)).held_until(OWN, START, None)
    assert until == START + 600 * SECOND


def test_neither_next_update_nor_http_freshness() -> None:
    until, lifetime = lifetimes(exchange("1a", 0, None)).held_until(OWN, START, None)
    assert (until, lifetime.basis, lifetime.seconds) == (START, "not-kept", 0)


@pytest.mark.parametrize(
    "useless",
    [
        response("1a", DAY, signature="invalid"),
        response("1a", DAY, response_status="tryLater"),
        response("1a", -HOUR),
    ],
)
def test_answers_that_nobody_would_keep_tell_nothing(useless: ResponseFact) -> None:
    _, lifetime = lifetimes(exchange("1a", 0, DAY, response=useless)).held_until(OWN, START, None)
    assert lifetime.basis == "assumed"


def test_the_nearest_answer_counts_however_many_there_were() -> None:
    many = [exchange("1a", n * SECOND, HOUR) for n in range(400)]
    until, _ = lifetimes(*many).held_until(OWN, START + 399 * SECOND, None)
    assert until == START + HOUR + 399 * SECOND


@pytest.mark.reaches("compared")
def test_an_answer_that_holds_may_be_among_those_that_are_not_compared() -> None:
    stale = [exchange("1a", n * SECOND, HOUR) for n in range(1, 4)]
    known = lifetimes(exchange("1a", 0, 9 * DAY), *stale)
    assert known.held_until(OWN, START + DAY, None)[0] == START + 9 * DAY
    bounds.adjust({"compared": 2})
    assert known.held_until(OWN, START + DAY, None)[0] != START + 9 * DAY
