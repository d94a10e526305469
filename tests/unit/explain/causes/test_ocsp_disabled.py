"""When ``ocsp-disabled`` is claimed, and how sure."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.site import Proxy, Site
from tests.unit.explain.facts_factory import (
    CHILD,
    PARENT,
    PARENT_INSIDE,
    RESPONDER,
    alternatives,
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


def off(**more: Any) -> Site:
    """A parent that intercepts, with all of its addresses captured, and OCSP off."""
    return site(parent={"ocsp": False, "intercepts": True, "addresses": frozenset({PARENT})} | more)


many = [certificate(f"host{number}.test") for number in range(5)]

visits = [handshake(subject.sans[0], subject, time=number) for number, subject in enumerate(many)]


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
