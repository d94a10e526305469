"""Lookups that tell of a connection which the capture does not hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.gaps import connections_missing

from .facts_factory import (
    PARENT,
    RESPONDER,
    RESPONDER_HOST,
    at,
    attempt,
    capture,
    certificate,
    dns,
    exchange,
    facts,
    handshake,
    outcome,
)

SHOP, NEWS = certificate(), certificate("news.test")
AGAIN = handshake("shop.test", SHOP, time=100)
ONCE = dns(RESPONDER, time=1)
SECOND_ANSWER = replace(ONCE, time=at(1.01), frames=replace(ONCE.frames, request=None))


def looked_up(*times: float, **other: Any) -> tuple[Any, ...]:
    return tuple(dns(RESPONDER, time=time, **other) for time in times)


def connected(*times: float) -> tuple[Any, ...]:
    return tuple(attempt("established", time=time) for time in times)


def missing(*story: Any) -> dict[str, str]:
    return connections_missing(Case(facts(SHOP, NEWS, *story), Context()))


@pytest.mark.parametrize(
    "story",
    [
        (*looked_up(1, 100), *connected(1.01)),
        # Two lookups at once, and one connection: the other one's is missing.
        (*looked_up(1, 100, 100.008), *connected(1.01, 100.012)),
        # What connected later did so for a certificate that had not come yet.
        (
            *looked_up(1, 100),
            *connected(1.01),
            handshake("news.test", NEWS, time=101),
            exchange(NEWS, time=101.1),
        ),
    ],
    ids=["none", "one of two", "one of a later handshake"],
)
def test_a_lookup_without_a_connection_of_its_own(story: tuple[Any, ...]) -> None:
    assert missing(*story) == {PARENT: RESPONDER_HOST}
    seen = facts(SHOP, NEWS, *story, exchange(SHOP, time=1.02), handshake("shop.test", SHOP, time=50))
    assert outcome(seen)[1] == "likely"


@pytest.mark.parametrize(
    "story",
    [
        (*looked_up(1, 100), *connected(1.01, 100.01)),
        (*looked_up(1, 1.001), *connected(1.01, 1.02)),
        # Both families are asked for, and both resolvers: one connection needs no more.
        (*looked_up(1), *looked_up(1, kind="AAAA"), *connected(1.01)),
        (dns(RESPONDER, time=1), dns(RESPONDER, time=1.001, server="198.51.100.54"), *connected(1.01)),
        # Two captures hold the lookup, one of them the connection.
        (*looked_up(1), *looked_up(1, capture="b.pcap"), *connected(1.01)),
        (*looked_up(1, 100), *connected(1.01), handshake("news.test", NEWS), exchange(NEWS, time=100.1)),
        (*looked_up(1, 100), *connected(1.01), capture(until=100.3)),
        (*looked_up(1), *connected(1.01), dns(time=100)),
        looked_up(1, 100),
        # A resolver that asks for the target of a CNAME, too, though the address came with it.
        (dns("cdn.test", RESPONDER, time=1), dns(RESPONDER, name="cdn.test", time=1.02), *connected(1.05)),
        # A mirror port that copies packets on their way in and out.
        (ONCE, replace(ONCE, time=at(1.00001)), *connected(1.05)),
        (ONCE, SECOND_ANSWER, *connected(1.05)),
        (ONCE, replace(SECOND_ANSWER, time=at(3)), *connected(3.05)),
    ],
    ids=[
        "each", "two at once", "both families", "two resolvers", "two captures", "a connection that was kept",
        "the capture ends", "no address", "none at any time", "an alias", "captured twice",
        "answers captured twice", "sent again and answered twice",
    ],
)  # fmt: skip
def test_lookups_that_miss_nothing(story: tuple[Any, ...]) -> None:
    assert missing(*story) == {}
