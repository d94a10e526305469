"""When ``queried`` is claimed, and how sure."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.model import Verdict
from ocsp_pcap.facts import ExchangeFrames, OcspExchangeFact
from tests.unit.explain.facts_factory import (
    CHILD,
    CLIENT,
    PARENT,
    PARENT_INSIDE,
    SECOND,
    alternatives,
    certificate,
    exchange,
    facts,
    frames,
    handshake,
    outcome,
    question,
    response,
    single,
    site,
    verdict,
)

SHOP, NEWS = certificate(), certificate("news.test")

VISIT = handshake("shop.test", SHOP)

SECOND_ADDRESS = "10.99.0.1"


def why(found: Verdict, cause: str) -> str:
    return next((item.why for item in found.alternatives if item.cause == cause), "")


shop, other = certificate(), certificate("other.test")

visit = handshake("shop.test", shop)


def test_the_same_cert_id_asked_by_a_host_that_did_not_receive_it() -> None:
    query = exchange(SHOP, client=SECOND_ADDRESS)
    found = verdict(facts(SHOP, VISIT, query))
    assert (found.presence, found.cause, found.confidence) == ("absent", "unexplained", "possible")
    words = why(found, "queried")
    assert SECOND_ADDRESS in words
    assert f"frame {query.frames.request} of a.pcap" in words
    assert "another address or interface" in words


def test_the_query_of_another_validator_is_its_own() -> None:
    own = handshake("shop.test", SHOP, client=SECOND_ADDRESS)
    found = verdict(facts(SHOP, VISIT, own, exchange(SHOP, client=SECOND_ADDRESS)))
    assert "queried" not in alternatives(found)


def test_a_second_address_that_the_site_file_names_is_no_other_host() -> None:
    known = site(parent={"addresses": frozenset({PARENT, SECOND_ADDRESS})})
    assert outcome(facts(SHOP, VISIT, exchange(SHOP, client=SECOND_ADDRESS)), site=known)[0] == "queried"


@pytest.mark.parametrize(
    "query",
    [
        exchange(SHOP, client=SECOND_ADDRESS, time=-2),
        exchange(SHOP, client=SECOND_ADDRESS, time=600),
        exchange(NEWS, client=SECOND_ADDRESS),
    ],
    ids=["before", "long after", "another certificate"],
)
def test_what_is_no_query_elsewhere(query: Any) -> None:
    assert "queried" not in alternatives(verdict(facts(SHOP, NEWS, VISIT, query)))


def test_asked_and_answered() -> None:
    query = exchange(shop)
    found = verdict(facts(shop, visit, query))
    assert (found.presence, found.cause, found.confidence) == ("present", "queried", "confirmed")
    assert found.status == "good"
    assert frames(found) == {visit.frames.certificate, query.frames.request, query.frames.response}
    assert "asked http://ocsp.ca.test/" in found.summary
    assert found.alternatives == ()


def test_a_long_url_of_a_get_is_quoted_in_part() -> None:
    url = "http://ocsp.ca.test/" + "MEUw" * 40
    found = verdict(facts(shop, visit, exchange(shop, method="GET", url=url)))
    assert f"asked {url[:60]}… and" in found.summary


@pytest.mark.parametrize("status", ["good", "revoked", "unknown"])
def test_the_status_is_that_of_the_answer(status: str) -> None:
    assert verdict(facts(shop, visit, exchange(shop, status))).status == status


@pytest.mark.parametrize(
    ("subject", "confidence"),
    [
        (certificate(), "confirmed"),
        (certificate(issuer_known=False), "likely"),
        (certificate(issuer_known=False, key_identifier=False), "likely"),
    ],
    ids=["whole CertID", "key identifier", "name and serial"],
)
def test_only_the_whole_cert_id_proves(subject: object, confidence: str) -> None:
    assert outcome(facts(subject, handshake("shop.test", subject), exchange(subject))) == (  # type: ignore[arg-type]
        "queried",
        confidence,
    )


def test_a_query_for_another_certificate_answers_nothing_here() -> None:
    assert outcome(facts(shop, other, visit, exchange(other)))[0] != "queried"


def test_a_query_of_another_host_answers_nothing_here() -> None:
    assert outcome(facts(shop, visit, exchange(shop, client=CHILD)))[0] != "queried"


def test_a_query_from_another_address_of_the_same_proxy_counts() -> None:
    seen = facts(shop, visit, exchange(shop, client=PARENT_INSIDE))
    assert outcome(seen, site=site(parent={"intercepts": True})) == ("queried", "confirmed")


def test_a_query_from_an_address_that_only_seems_the_same_proxy_is_likely() -> None:
    inside = handshake("shop.test", shop, client=CHILD, server=PARENT_INSIDE, proxied=True)
    seen = facts(
        shop,
        inside,
        handshake("shop.test", shop, random=inside.client_random),
        exchange(shop, client=PARENT_INSIDE),
    )
    assert outcome(seen) == ("queried", "likely")


def test_an_unverifiable_answer_is_likely() -> None:
    answer = response(shop, signature="unverifiable")
    assert outcome(facts(shop, visit, exchange(shop, answer))) == ("queried", "likely")


def test_an_answer_whose_request_is_not_in_the_capture_is_likely() -> None:
    query = exchange(shop, frames=ExchangeFrames(None, 5), requests=(), method=None, url=None)
    found = verdict(facts(shop, visit, query))
    assert (found.cause, found.confidence) == ("queried", "likely")
    assert "the request itself is not in the capture" in found.summary


def test_the_nearest_handshake_before_asked_and_later_ones_used_the_cache() -> None:
    early, late, later = (handshake("shop.test", shop, time=t) for t in (0, 100, 200))
    found = verdict(facts(shop, early, late, later, exchange(shop, time=101)))
    assert found.cause == "queried"
    causes = {s.stream: s.cause for s in found.sightings}
    assert causes[late.stream] == "queried"
    assert causes[later.stream] == "cached"
    assert causes[early.stream] != "queried"


def test_handshakes_side_by_side_wait_for_one_answer() -> None:
    beside = handshake("shop.test", shop, time=0.5)
    found = verdict(facts(shop, visit, beside, exchange(shop)))
    assert {(s.stream, s.cause, s.confidence) for s in found.sightings} == {
        (visit.stream, "queried", "likely"),
        (beside.stream, "queried", "confirmed"),
    }
    assert found.confidence == "confirmed"


def test_a_good_answer_after_failures_counts() -> None:
    seen = facts(shop, visit, exchange(shop, None, http_status=503), exchange(shop, time=2))
    assert outcome(seen) == ("queried", "confirmed")


def test_a_client_asks_for_itself() -> None:
    seen = facts(shop, handshake("shop.test", shop, client=CLIENT), visit, exchange(shop))
    assert outcome(seen, PARENT)[0] == "queried"
    assert outcome(seen, CLIENT)[0] != "queried"


def test_a_request_for_several_certificates_answered_for_one() -> None:
    visits = (visit, handshake("other.test", other, time=0.5))
    both = exchange(shop, "good", requests=(*exchange(shop).requests, *exchange(other).requests))
    seen = facts(shop, other, *visits, both)
    assert outcome(seen) == ("queried", "confirmed")
    assert outcome(seen, host="other.test") == ("response-invalid", "confirmed")


def not_modified(time: float = 101, **other: Any) -> OcspExchangeFact:
    """HTTP 304 (RFC 9110 15.4.5): what the client holds is still good."""
    return exchange(shop, None, http_status=304, time=time, **other)


AGAIN = handshake("shop.test", shop, time=100)


def test_304_confirms_an_earlier_answer_that_is_still_valid() -> None:
    earlier, query = exchange(shop, "revoked"), not_modified()
    found = verdict(facts(shop, visit, earlier, AGAIN, query))
    assert {(s.stream, s.cause, s.confidence) for s in found.sightings} == {
        (visit.stream, "queried", "confirmed"),
        (AGAIN.stream, "queried", "confirmed"),
    }
    assert found.status == "revoked"
    asked = question(facts(shop, earlier, AGAIN, query), shop)
    (first, second) = asked.queries
    assert (second.confirms, second.single, second.usable) == (first, first.single, True)


@pytest.mark.parametrize(
    "earlier",
    [
        (),
        (exchange(shop, response(single(shop, next_update=-1000))),),
        (exchange(shop, response(single(shop, next_update=50))),),
        (exchange(shop, response(shop, signature="invalid")),),
        (exchange(shop, None, http_status=503),),
        (exchange(shop, client=CHILD),),
    ],
    ids=["none", "stale when it came", "run out since", "badly signed", "HTTP error", "of another host"],
)
def test_304_is_an_answer_though_nothing_in_the_capture_is_what_it_confirms(
    earlier: tuple[OcspExchangeFact, ...],
) -> None:
    query = not_modified()
    (_, seen) = sorted(verdict(facts(shop, visit, *earlier, AGAIN, query)).sightings, key=lambda s: s.time)
    assert (seen.stream, seen.presence, seen.cause) == (AGAIN.stream, "present", "queried")
    assert seen.confidence == "likely"
    assert "trust-open" in {doubt.code for doubt in seen.doubts}
    asked = question(facts(shop, *earlier, AGAIN, query), shop).queries[-1]
    assert (asked.confirms, asked.single, asked.usable, asked.failed) == (None, None, False, False)


def test_304_is_no_failure_that_is_held() -> None:
    found = verdict(facts(shop, visit, not_modified(1), AGAIN))
    assert "failure-cached" not in {s.cause for s in found.sightings} | alternatives(found)


def test_a_lifetime_that_304_outlasts_is_not_said_to_last() -> None:
    told = site(parent={"cache_ttl": 20 * SECOND, "intercepts": True, "addresses": frozenset({PARENT})})
    found = verdict(facts(shop, exchange(shop, time=-50), visit, not_modified(1)), site=told)
    assert found.cause == "queried"
    assert "got the answer good" in found.summary
    assert "until" not in found.summary
