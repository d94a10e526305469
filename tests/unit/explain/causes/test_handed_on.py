"""A host that hands on a query about the certificate that it received seems to tunnel that connection."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.explain.facts_factory import CLIENT, PARENT, certificate, exchange, facts, handshake, verdict

shop = certificate()


def test_a_query_handed_on_right_after_belongs_to_a_host_behind() -> None:
    query = replace(exchange(shop, time=1), relayed_for=CLIENT)
    found = verdict(facts(shop, handshake("shop.test", shop), query))
    assert (found.validator.address, found.cause, found.confidence) == (PARENT, "not-intercepted", "likely")
    assert CLIENT in found.summary
    assert [doubt.code for doubt in found.doubts] == ["may-tunnel"]


def test_its_own_query_is_its_own() -> None:
    found = verdict(facts(shop, handshake("shop.test", shop), exchange(shop, time=1)))
    assert found.cause == "queried"
