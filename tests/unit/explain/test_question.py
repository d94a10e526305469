"""The question that a cause is asked."""

from __future__ import annotations

from ocsp_pcap.explain.question import validator_words

from .facts_factory import (
    PARENT,
    certificate,
    exchange,
    facts,
    handshake,
    question,
    site,
)

shop = certificate()


def test_a_question_knows_its_validator() -> None:
    asked = question(facts(shop, handshake("shop.test", shop)), shop, site=site(parent={"ocsp": True}))
    assert asked.who == f"the parent proxy {PARENT}"
    assert asked.proxy is not None
    assert asked.asker.identity == PARENT
    assert asked.eligible
    assert validator_words("client", "10.0.0.1") == "the client 10.0.0.1"
    assert validator_words("unknown", "10.0.0.1") == "10.0.0.1"


def test_a_question_names_its_host() -> None:
    assert question(facts(shop, handshake(None, shop)), shop).host == "shop.test"
    assert question(facts(handshake(None)), None).host == "203.0.113.10"


def test_a_question_without_certificate_has_no_queries() -> None:
    asked = question(facts(shop, handshake("shop.test"), exchange(shop)), None)
    assert not asked.queries
    assert not asked.own_queries
    assert not asked.eligible
