"""How a validator looks for a responder."""

from __future__ import annotations

from ocsp_pcap.explain.seeking import reached_out

from .facts_factory import (
    RESPONDER,
    RESPONDER_HOST,
    certificate,
    dns,
    facts,
    handshake,
    question,
)

shop, other = certificate(), certificate("other.test")

visit = handshake("shop.test", shop)


def test_reaching_out_for_a_crl_on_the_same_host_is_not_for_ocsp() -> None:
    both = certificate(crl=(f"http://{RESPONDER_HOST}/ca.crl",))
    assert reached_out(question(facts(shop, visit, dns(RESPONDER)), shop))
    assert not reached_out(question(facts(both, handshake("shop.test", both), dns(RESPONDER)), both))
    assert not reached_out(question(facts(handshake("shop.test")), None))
