"""Acts of a validator after a query that failed."""

from __future__ import annotations

import pytest

from .facts_factory import (
    at,
    certificate,
    crl_fetch,
    dns,
    error,
    exchange,
    facts,
    frames,
    goes_on,
    handshake,
    verdict,
)

shop = certificate(crl_urls=("http://crl.ca.test/ca.crl",))


def visit(**other: object):  # type: ignore[no-untyped-def]
    return handshake("shop.test", shop, **other)


def test_a_crl_fetched_instead_belongs_to_the_story() -> None:
    failed = exchange(shop, time=1, http_status=503, response=None)
    fetched = crl_fetch(time=2)
    found = verdict(facts(shop, visit(application_data=False, application_data_time=None), failed, fetched))
    assert found.cause == "http-error"
    assert "fetched the CRL" in found.summary
    assert fetched.frames.request in frames(found)


def test_a_connection_that_goes_on_without_an_answer_is_told() -> None:
    failed = exchange(shop, time=1, response=error("tryLater"))
    used = visit(**goes_on(3))
    found = verdict(facts(shop, used, failed))
    assert found.cause == "responder-error"
    assert "let the connection go on" in found.summary
    assert 77 in frames(found)


def test_data_before_the_failure_proves_no_decision() -> None:
    failed = exchange(shop, time=5, response=error("tryLater"))
    before = visit(**goes_on(1))
    assert "let the connection go on" not in verdict(facts(shop, before, failed)).summary


def test_the_story_is_told_of_a_name_that_did_not_resolve_too() -> None:
    lookup = dns(rcode="NXDOMAIN")
    used = visit(**goes_on(30))
    found = verdict(facts(shop, used, lookup))
    assert found.cause == "dns-failed"
    assert "let the connection go on" in found.summary


@pytest.mark.parametrize(
    ("status", "location", "words"),
    [
        (302, "http://portal.test/", "a redirect to http://portal.test/"),
        (407, None, "demands authentication"),
        (503, None, "HTTP 503"),
    ],
)
def test_what_an_http_status_means(status: int, location: str | None, words: str) -> None:
    failed = exchange(shop, time=1, http_status=status, response=None, location=location)
    found = verdict(facts(shop, visit(), failed))
    assert found.cause == "http-error"
    assert words in found.summary


def test_a_slow_answer_is_told_with_its_time() -> None:
    slow = exchange(shop, time=1, response_time=at(4.5))
    found = verdict(facts(shop, visit(), slow))
    assert found.cause == "queried"
    assert "after 3.5 s" in found.summary
    assert any("after 3.5 s" in item.note for item in found.evidence)
