"""Findings about responses, and how validators use and repeat them."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.model import Finding
from ocsp_pcap.explain.site import Site
from ocsp_pcap.explain.stapling import REFUSAL
from ocsp_pcap.facts import Facts

from .facts_factory import (
    CHILD,
    PARENT,
    SECOND,
    alert,
    certificate,
    crl_fetch,
    exchange,
    facts,
    findings_of,
    goes_on,
    handshake,
    response,
    single,
    site,
)

CRL = "http://crl.ca.test/ca.crl"
shop = certificate(crl=(CRL,))
visit = handshake("shop.test", shop)
must = certificate(must_staple=True)


def findings(seen: Facts, told: Site | None = None) -> dict[str, Finding]:
    return {f.code: f for f in explain(seen, Context(site=told or Site())).findings}


def test_must_staple_violated() -> None:
    found = findings(facts(must, handshake("shop.test", must), handshake("shop.test", must, time=9)))
    assert found["must-staple-violated"].severity == "problem"
    codes = [f.code for f in explain(facts(must, *(handshake("shop.test", must) for _ in range(3)))).findings]
    assert codes.count("must-staple-violated") == 1


def test_a_staple_that_only_the_clock_speaks_against_violates_nothing() -> None:
    for end, violated in ((-100, False), (-1000, True)):
        stale = response(single(must, this_update=-3000, next_update=end))
        seen = facts(must, handshake("shop.test", must, staples=(stale,)))
        assert ("must-staple-violated" in findings(seen)) is violated
        refused = handshake("shop.test", must, staples=(stale,), alerts=(alert(REFUSAL),))
        assert "must-staple-violated" in findings(facts(must, refused))
        forged = response(single(must, this_update=-3000, next_update=end), signature="invalid")
        assert "must-staple-violated" in findings(
            facts(must, handshake("shop.test", must, staples=(forged,)))
        )


@pytest.mark.parametrize(
    "more",
    [
        {"status_request": False},
        {"staples": (response(must),)},
        {"complete": False},
        {"missing_bytes": 7},
        {"resumed": True},
    ],
    ids=str,
)
def test_must_staple_not_violated(more: dict[str, Any]) -> None:
    assert "must-staple-violated" not in findings(facts(must, handshake("shop.test", must, **more)))
    assert "must-staple-violated" not in findings(facts(shop, visit))


def test_revoked_but_used() -> None:
    answered_first = exchange(shop, "revoked", time=0.1)
    used = handshake("shop.test", shop, **goes_on(0.9))
    found = findings(facts(shop, used, answered_first))["revoked-but-used"]
    assert [e.frame for e in found.evidence] == [answered_first.frames.response, used.client_data_last_frame]
    stapled = handshake("shop.test", shop, staples=(response(single(shop, "revoked")),))
    assert "revoked-but-used" in findings(facts(shop, stapled))


@pytest.mark.parametrize(
    ("more", "query"),
    [
        ({}, exchange(shop, "revoked", time=5)),
        ({"client_data_time": None}, exchange(shop, "revoked", time=0.1)),
        ({}, exchange(shop, "good", time=0.1)),
        ({}, exchange(shop, response(single(shop, "revoked"), signature="invalid"), time=0.1)),
        ({}, exchange(shop, "revoked", time=0.1, client=CHILD)),
        ({}, exchange(shop, "revoked", time=0.1, capture="b.pcap")),
    ],
    ids=["answer came later", "no data", "good", "bad signature", "another asked", "clock unknown"],
)
def test_revoked_and_not_used(more: dict[str, Any], query: Any) -> None:
    assert "revoked-but-used" not in findings(facts(shop, handshake("shop.test", shop, **more), query))


def test_repeated_queries() -> None:
    visits = [handshake("shop.test", shop, time=t) for t in (0, 100)]
    seen = facts(shop, *visits, exchange(shop, time=1), exchange(shop, time=101))
    found = findings(seen)["repeated-queries"]
    assert "again about shop.test (1 time, first after 100 s), 24 hours before nextUpdate" in found.summary
    assert "ttl-override-in-use" not in findings(seen)


def test_ttl_override_told_by_the_site_file() -> None:
    seen = facts(shop, visit, exchange(shop, time=1), exchange(shop, time=101))
    assert "ttl-override-in-use" in findings(seen, site(parent={"cache_ttl": 60 * SECOND}))
    assert "repeated-queries" in findings(seen, site(parent={"cache_ttl": 600 * SECOND}))


def test_ttl_override_told_by_a_visit_that_used_the_cache() -> None:
    visits = [handshake("shop.test", shop, time=t) for t in (0, 50, 100)]
    found = findings(facts(shop, *visits, exchange(shop, time=1), exchange(shop, time=101)))
    assert "a TTL override is likely" in found["ttl-override-in-use"].summary


@pytest.mark.parametrize(
    "queries",
    [
        (exchange(shop, time=1),),
        (exchange(shop, time=1), exchange(shop, time=2)),
        (exchange(shop, response(single(shop, next_update=50)), time=1), exchange(shop, time=101)),
        (exchange(shop, None, http_status=503), exchange(shop, time=101)),
        (exchange(shop, time=1), exchange(shop, time=101, client=CHILD)),
    ],
    ids=["once", "side by side", "ran out", "after a failure", "two validators"],
)
def test_what_repeats_nothing(queries: Any) -> None:
    assert not {"repeated-queries", "ttl-override-in-use"} & set(findings(facts(shop, visit, *queries)))


def test_crl_fallback() -> None:
    fetch = crl_fetch(CRL)
    found = findings(facts(shop, visit, fetch, crl_fetch(CRL, time=9)))["crl-fallback"]
    assert f"fetched the CRL {CRL}; it speaks for shop.test" in found.summary
    by_issuer = crl_fetch("http://else.test/x.crl", issuer=shop.issuer)
    assert "crl-fallback" not in findings(facts(shop, visit, by_issuer))
    unnamed = certificate()
    assert "crl-fallback" in findings(facts(unnamed, handshake("shop.test", unnamed), by_issuer))
    lost = crl_fetch(None, issuer=shop.issuer)
    found = findings(facts(unnamed, handshake("shop.test", unnamed), lost))["crl-fallback"]
    assert f"a CRL of {unnamed.issuer}" in found.summary
    failed = findings(facts(shop, visit, crl_fetch(CRL, http_status=404)))["crl-fallback"]
    assert "which failed with HTTP 404" in failed.summary


@pytest.mark.parametrize(
    "fetch", [crl_fetch("http://else.test/x.crl"), crl_fetch(CRL, client=CHILD), crl_fetch(None)], ids=str
)
def test_a_crl_that_speaks_for_nothing_here(fetch: Any) -> None:
    assert "crl-fallback" not in findings(facts(shop, visit, fetch))


@pytest.mark.parametrize("signature", ["valid", "unverifiable"])
def test_revoked_by_a_signature_that_cannot_be_verified_is_said_to_be_so(signature: Any) -> None:
    revoked = exchange(shop, response(single(shop, "revoked"), signature=signature))
    visit = handshake("shop.test", shop, **goes_on(3))
    (told,) = findings_of(facts(shop, visit, revoked), "revoked-but-used")
    assert ("whose signature cannot be verified" in told.summary) is (signature != "valid")


@pytest.mark.parametrize(("signature", "told"), [("valid", 1), ("invalid", 0)])
def test_an_answer_that_is_not_valid_revokes_no_clients_certificate(signature: str, told: int) -> None:
    alice = certificate("alice.test", serial="a11ce")
    visit = handshake(
        "shop.test", certificate(), client=CHILD, server=PARENT, client_certificates=(alice.sha256,)
    )
    answer = response(single(alice, "revoked"), signature=signature)
    seen = facts(certificate(), alice, visit, exchange(alice, answer, client=PARENT))
    assert len(findings_of(seen, "client-certificate-revoked")) == told
