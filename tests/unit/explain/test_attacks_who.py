"""Stories in which the host that sent something is easily taken for the one that wanted it."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.model import Finding
from ocsp_pcap.facts import Facts, OcspExchangeFact

from .facts_factory import (
    CHILD,
    CLIENT,
    PARENT,
    PARENT_INSIDE,
    RESPONDER,
    RESPONDER_HOST,
    attempt,
    certificate,
    crl_fetch,
    dns,
    exchange,
    facts,
    handshake,
    outcome,
    reissued,
    site,
    verdict,
)

CRL = "http://crl.ca.test/ca.crl"
SHOP, NEWS, COPY = certificate(), certificate("news.test"), reissued()
LISTED = certificate(crl=(CRL,))
BOTH = site(child={}, parent={})


def found(seen: Facts, code: str, **context: Any) -> list[Finding]:
    return [each for each in explain(seen, Context(**context)).findings if each.code == code]


def asked_through_the_parent(**other: Any) -> OcspExchangeFact:
    """The child's query, handed to the parent to send on."""
    values = {"client": CHILD, "server": PARENT_INSIDE, "server_port": 3128, "via_proxy": True}
    return exchange(SHOP, None, http_status=503, delay=0.4, **values | other)


VISITS = (
    handshake("shop.test", SHOP, client=CHILD, server=PARENT_INSIDE, proxied=True),
    handshake("shop.test", SHOP, time=0.05),
)


@pytest.mark.parametrize(
    "errand",
    [(dns(rcode="NXDOMAIN", time=1.1),), (dns(RESPONDER, time=1.1), attempt("refused", time=1.2))],
    ids=["no such name", "refused"],
)
def test_what_the_parent_does_with_the_childs_request_is_not_its_own(errand: Any) -> None:
    seen = facts(SHOP, *VISITS, asked_through_the_parent(), *errand)
    assert outcome(seen, site=BOTH)[0] == "unexplained"
    assert outcome(seen, CHILD, site=BOTH) == ("http-error", "confirmed")


@pytest.mark.parametrize("time", [0.5, 1.6], ids=["before the request", "after its answer"])
def test_what_the_parent_looks_up_at_another_time_is_its_own(time: float) -> None:
    seen = facts(SHOP, *VISITS, asked_through_the_parent(), dns(rcode="NXDOMAIN", time=time))
    assert outcome(seen, site=BOTH) == ("dns-failed", "confirmed")


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
    told = found(facts(LISTED, *visits, inner, crl_fetch(CRL, time=1.02)), "crl-fallback", site=BOTH)
    assert [CHILD in each.summary for each in told] == [True]
    told = found(facts(LISTED, *visits, inner, crl_fetch(CRL, time=60)), "crl-fallback", site=BOTH)
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
        (
            "child",
            (
                handshake("shop.test", COPY, client=CHILD, server=PARENT_INSIDE, proxied=True),
                VISITS[1],
            ),
            CHILD,
        ),
    ],
    ids=["child", "parent", "transparent parent", "the parent's, given for the child"],
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
