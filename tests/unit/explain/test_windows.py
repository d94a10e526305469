from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.site import Proxy
from ocsp_pcap.explain.windows import answer_window, http_window, span_words, utc

from .facts_factory import BEGIN, DAY, SECOND, at, certificate, exchange, single

SHOP = certificate()
TTL = Proxy("parent", cache_ttl=60 * SECOND)


@pytest.mark.parametrize(
    ("next_update", "proxy", "http", "end", "words"),
    [
        (DAY, TTL, {"max_age": 5}, at(60), "TTL override"),
        (DAY, Proxy("parent"), {"max_age": 5}, at(DAY), "nextUpdate"),
        (DAY, None, {}, at(DAY), "nextUpdate"),
        (None, None, {"max_age": 600}, at(600), "Cache-Control"),
        (None, None, {"expires": at(700)}, at(700), "Expires"),
        (None, None, {"max_age": 600, "expires": at(700)}, at(600), "Cache-Control"),
    ],
)
def test_what_ends_a_window(
    next_update: float | None, proxy: Proxy | None, http: dict[str, Any], end: int, words: str
) -> None:
    window = answer_window(exchange(SHOP, **http), single(SHOP, next_update=next_update), BEGIN, proxy)
    assert window is not None
    assert window.end == end
    assert words in window.words
    assert utc(end) in window.words


@pytest.mark.parametrize(
    "http",
    [{}, {"max_age": 0}, {"max_age": 0, "expires": at(700)}, {"expires": 0}, {"expires": BEGIN}],
)
def test_what_may_not_be_held(http: dict[str, Any]) -> None:
    assert http_window(exchange(SHOP, **http), BEGIN) is None


def test_moments_in_words() -> None:
    assert utc(1_767_323_045_999_999_999) == "2026-01-02 03:04:05 UTC"
    assert utc(-1) == "1969-12-31 23:59:59 UTC"
    assert utc(10**30) == "the end of time"


@pytest.mark.parametrize(
    ("nanoseconds", "words"),
    [
        (0, "0 s"),
        (1, "less than 1 ms"),
        (20 * SECOND // 1000, "20 ms"),
        (SECOND // 20, "0.1 s"),
        (2_500_000_000, "2.5 s"),
        (90 * SECOND, "90 s"),
        (1800 * SECOND, "30 minutes"),
        (5 * 3600 * SECOND, "5 hours"),
        (4 * 86_400 * SECOND, "4 days"),
        (-5, "0 s"),
    ],
)
def test_spans_in_words(nanoseconds: int, words: str) -> None:
    assert span_words(nanoseconds) == words
