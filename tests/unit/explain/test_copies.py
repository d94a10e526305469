"""Traffic that several captures hold counts once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.facts import Facts

from .facts_factory import certificate, exchange, facts, handshake

shop = certificate()


def case(seen: Facts) -> Case:
    return Case(seen, Context())


def test_one_handshake_in_two_captures_is_one_visit() -> None:
    partial = handshake("shop.test", random="aa", capture="a.pcap")
    whole = handshake("shop.test", shop, random="aa", capture="b.pcap", time=0.01)
    (visit,) = case(facts(shop, partial, whole)).visits
    assert visit.handshake is whole
    assert visit.copies == (partial,)


def test_handshakes_of_one_random_that_were_answered_differently_are_two() -> None:
    """A client whose random numbers repeat, as test tools' do."""
    one = handshake("shop.test", shop, random="00", server_random="01")
    two = handshake("shop.test", shop, random="00", server_random="02", time=60)
    unanswered = handshake("shop.test", random="00", server_random=None, time=90)
    assert len(case(facts(shop, one, two)).visits) == 2
    assert len(case(facts(shop, one, unanswered)).visits) == 1
    nameless = [handshake("shop.test", random=None), handshake("shop.test", random=None)]
    assert len(case(facts(*nameless)).visits) == 2


def test_one_exchange_in_two_captures_is_one_query() -> None:
    one = exchange(shop, capture="a.pcap", client_port=50000)
    copy = exchange(shop, one.response, capture="b.pcap", client_port=50000, time=1.01)
    assert len(case(facts(shop, one, copy)).exchanges) == 1
    again = exchange(shop, one.response, capture="a.pcap", client_port=50000, time=1.01)
    assert len(case(facts(shop, one, again)).exchanges) == 2


@pytest.mark.parametrize("lost", [{"response": None, "http_status": None}, {"requests": ()}])
def test_what_another_capture_holds_a_part_of_is_one_query(lost: dict[str, Any]) -> None:
    whole = exchange(shop, capture="a.pcap", client_port=50000)
    part = replace(exchange(shop, whole.response, capture="b.pcap", client_port=50000, time=1.01), **lost)
    both = [handshake("shop.test", shop, random="aa", capture=path) for path in ("a.pcap", "b.pcap")]
    seen = facts(shop, *both, whole, part)
    assert case(seen).exchanges == (whole,)
    assert explain(seen, Context()).headline.startswith("1 OCSP request from")
    # What was refused before, or on another connection, is another one.
    refused = replace(part, response=None, http_status=503, requests=whole.requests)
    assert len(case(facts(shop, *both, whole, refused)).exchanges) == 2
    assert len(case(facts(shop, *both, whole, replace(part, client_port=50001))).exchanges) == 2


def test_copies_of_exchanges_are_told_whatever_the_clocks() -> None:
    """Nothing tells how far the clocks differ: the same port and bytes are the same event, each once."""
    asked = [exchange(shop, capture="a.pcap", client_port=50000, time=t) for t in (1, 31)]
    copies = [
        exchange(shop, asked[0].response, capture="b.pcap", client_port=50000, time=t) for t in (601, 631)
    ]
    assert len(case(facts(shop, *asked, *copies)).exchanges) == 2
    assert not any(f.code == "repeated-queries" for f in explain(facts(shop, asked[0], copies[0])).findings)


def test_each_copy_is_of_one_exchange() -> None:
    """Three captures, two exchanges in each, all with the same bytes."""
    first = exchange(shop, client_port=50000)
    everything = [
        exchange(shop, first.response, capture=capture, client_port=50000, time=time)
        for capture in ("a.pcap", "b.pcap", "c.pcap")
        for time in (1, 31)
    ]
    kept = case(facts(shop, *everything)).exchanges
    assert [(each.capture, each.time) for each in kept] == [(e.capture, e.time) for e in everything[:2]]
