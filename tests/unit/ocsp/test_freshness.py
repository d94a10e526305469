from __future__ import annotations

import pytest

from ocsp_pcap.ocsp.freshness import DEFAULT_SKEW, freshness
from ocsp_pcap.ocsp.request import CertId
from ocsp_pcap.ocsp.response import SingleResponse

SECOND = 1_000_000_000


def single(this_update: int, next_update: int | None) -> SingleResponse:
    return SingleResponse(CertId("sha1", "", "", "1"), "good", this_update, next_update, None, None)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (1000, "fresh"),
        (2000, "fresh"),
        (700, "fresh"),
        (2300, "fresh"),
        (699, "not_yet_valid"),
        (2301, "stale"),
    ],
)
def test_with_next_update(at: int, expected: str) -> None:
    assert freshness(single(1000 * SECOND, 2000 * SECOND), at * SECOND) == expected


def test_without_next_update() -> None:
    assert freshness(single(1000 * SECOND, None), 10**20) == "no_next_update"
    assert freshness(single(DEFAULT_SKEW + 1, None), 0) == "not_yet_valid"


def test_skew() -> None:
    assert freshness(single(1000, 2000), 2001, skew=0) == "stale"
    assert freshness(single(1000, 2000), 999, skew=0) == "not_yet_valid"
