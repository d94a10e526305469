"""Chances to ask that a validator had, and what silence on them shows."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.chances_to_ask import Chances, chances_to_ask
from ocsp_pcap.facts import CertificateFact, Fact

from .facts_factory import (
    CHILD,
    DAY,
    PARENT,
    PARENT_INSIDE,
    SECOND,
    alternatives,
    broken,
    capture,
    certificate,
    crl_fetch,
    exchange,
    facts,
    handshake,
    response,
    single,
    site,
    verdict,
)

SHOP, NEWS, MAIL = (certificate(f"{name}.test") for name in ("shop", "news", "mail"))

OTHER = certificate("other.test")


def chances(*story: Fact, **context: Any) -> Chances | None:
    case = Case(facts(SHOP, NEWS, MAIL, OTHER, *story), Context(**context))
    return case.once(chances_to_ask).get(PARENT)


def visits(subject: CertificateFact, *days: float, **other: Any) -> list[Fact]:
    return [handshake(subject.sans[0], subject, time=day * DAY, **other) for day in days]


def test_counts() -> None:
    found = chances(*visits(SHOP, 0, 1), *visits(NEWS, 0.5))
    assert found is not None
    assert (found.certificates, found.handshakes, found.span) == (2, 3, DAY * SECOND)
    assert (found.refreshes, found.outlived, found.crl_fetches) == (0, False, 0)
    assert found.lifetime.basis == "assumed"
    assert not found.look_switched_off


def test_time_counts_as_much_as_certificates() -> None:
    """One certificate for three weeks: answers that last four days would have run out."""
    found = chances(*visits(SHOP, *range(0, 22, 2)))
    assert found is not None
    assert (found.certificates, found.refreshes, found.outlived) == (1, 5, True)
    assert found.look_switched_off
    assert "run out 5 times" in found.words
    assert "4 days" in found.words


def test_a_certificate_met_again_after_any_answer_has_run_out() -> None:
    found = chances(*visits(SHOP, 0, 11))
    assert found is not None
    assert found.signs < 5
    assert found.look_switched_off


def test_a_known_lifetime_takes_the_place_of_the_assumed_one() -> None:
    answer = response(single(OTHER, next_update=3600))
    asked = exchange(OTHER, answer, client="10.99.0.1", time=0, delay=0)
    found = chances(*visits(SHOP, 0, 0.1, 0.2, 0.3, 0.4), asked)
    assert found is not None
    assert (found.lifetime.basis, found.lifetime.seconds, found.refreshes) == ("same-issuer", 3600, 4)
    assert found.look_switched_off


def test_a_ttl_override_too() -> None:
    found = chances(*visits(SHOP, 0, 0.1), site=site(parent={"cache_ttl": 60 * SECOND}))
    assert found is not None
    assert (found.lifetime.basis, found.refreshes) == ("ttl-override", 1)


@pytest.mark.parametrize(
    "story",
    [
        visits(SHOP, 0, staples=(response(SHOP),)),
        [broken("shop.test", SHOP)],
        visits(certificate("bare.test", ocsp=()), 0),
        visits(certificate("odd.test", ocsp=("ldap://x/",)), 0),
        [],
    ],
    ids=["stapled", "handshake failed", "no responder", "no http responder", "nothing"],
)
def test_what_is_no_occasion(story: list[Fact]) -> None:
    assert chances(*story) is None


def test_intermediates_are_no_signs() -> None:
    issuers = [certificate(f"CA {n}", is_ca=True, sans=()) for n in range(6)]
    story = [handshake("shop.test", SHOP, *issuers), handshake("news.test", NEWS, *issuers)]
    found = Case(facts(SHOP, NEWS, *issuers, *story), Context()).once(chances_to_ask)[PARENT]
    assert found.certificates == 2
    assert not found.look_switched_off


def test_a_tunnelled_leg_is_no_occasion() -> None:
    inner = handshake(
        "shop.test", SHOP, client=CHILD, server=PARENT_INSIDE, proxied=True, random="ab" * 32, time=0
    )
    outer = handshake("shop.test", SHOP, random="ab" * 32, time=0.01)
    assert chances(inner, outer, site=site(parent={})) is None


def test_crls_fetched_instead_count() -> None:
    listed = [certificate(f"host{n}.test", crl=("http://crl.ca.test/ca.crl",)) for n in range(3)]
    story = [fact for subject in listed for fact in visits(subject, 0)]
    assert not Case(facts(*listed, *story), Context()).once(chances_to_ask)[PARENT].look_switched_off
    found = Case(facts(*listed, *story, crl_fetch()), Context()).once(chances_to_ask)[PARENT]
    assert found.crl_fetches == 1
    assert found.look_switched_off
    assert "fetched a CRL that speaks for them instead" in found.words
    foreign = Case(facts(*listed, *story, crl_fetch("http://else.test/a.crl")), Context())
    assert foreign.once(chances_to_ask)[PARENT].crl_fetches == 0


def test_a_query_by_an_unknown_host_may_be_its_own() -> None:
    many = [certificate(f"host{n}.test") for n in range(6)]
    story = [fact for subject in many for fact in visits(subject, 0)]
    plain = Case(facts(*many, *story), Context()).once(chances_to_ask)[PARENT]
    assert plain.look_switched_off
    asked = exchange(many[0], client="10.99.0.1")
    case = Case(facts(*many, *story, asked), Context())
    assert case.once(chances_to_ask)[PARENT].asked_elsewhere
    assert not case.once(chances_to_ask)[PARENT].look_switched_off
    # Where that host got the certificate itself, the query is its own.
    own = handshake("host0.test", many[0], client="10.99.0.1")
    assert Case(facts(*many, *story, asked, own), Context()).once(chances_to_ask)[PARENT].look_switched_off


def test_the_verdict_gives_the_reasoning_and_the_test_that_decides() -> None:
    story = visits(SHOP, *range(0, 22, 2))
    found = verdict(facts(SHOP, capture(until=30 * DAY), *story))
    assert (found.cause, found.confidence) == ("ocsp-disabled", "likely")
    assert "sent no OCSP request at all" in found.summary
    assert "1 certificate that names a responder, in 11 handshakes over 20 days" in found.summary
    assert "cached" in alternatives(found)
    assert any("one minute" in step and "longer than 4 days" in step for step in found.next_steps)


def test_few_occasions_stay_unexplained_and_say_what_would_decide() -> None:
    found = verdict(facts(SHOP, *visits(SHOP, 0)))
    assert (found.cause, found.confidence) == ("unexplained", "possible")
    assert {"ocsp-disabled", "cached"} <= alternatives(found)
    assert any("longer than 4 days" in step for step in found.next_steps)
    why = next(item.why for item in found.alternatives if item.cause == "ocsp-disabled")
    assert "met 1 certificate" in why


def test_where_the_site_file_says_off_nothing_needs_to_be_decided() -> None:
    told = site(parent={"ocsp": False, "intercepts": True, "addresses": frozenset({PARENT})})
    found = verdict(facts(SHOP, *visits(SHOP, 0)), site=told)
    assert (found.cause, found.confidence) == ("ocsp-disabled", "confirmed")
    assert not any("one minute" in step for step in found.next_steps)


def test_never_more_than_likely() -> None:
    many = [certificate(f"host{n}.test") for n in range(40)]
    story = [fact for subject in many for fact in visits(subject, *range(0, 60, 3))]
    found = verdict(facts(*many, capture(until=90 * DAY), *story), host="host0.test")
    assert (found.cause, found.confidence) == ("ocsp-disabled", "likely")
