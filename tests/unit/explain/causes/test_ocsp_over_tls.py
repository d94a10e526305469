"""When ``ocsp-over-tls`` is claimed, and how sure."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.explain.facts_factory import (
    CHILD,
    RESPONDER,
    RESPONDER_HOST,
    alternatives,
    attempt,
    certificate,
    dns,
    facts,
    handshake,
    outcome,
    verdict,
)

shop, other = certificate(), certificate("other.test")

visit = handshake("shop.test", shop)


def test_ocsp_over_tls() -> None:
    guarded = certificate(ocsp=("https://ocsp.ca.test/",))
    seen = facts(
        guarded,
        handshake("shop.test", guarded),
        handshake(RESPONDER_HOST, time=1, server=RESPONDER, certificate_encrypted=True),
    )
    found = verdict(seen)
    assert (found.presence, found.cause, found.confidence) == ("unknown", "ocsp-over-tls", "likely")


def test_tls_to_the_responder_of_an_http_url_is_only_possible() -> None:
    to_responder = handshake(RESPONDER_HOST, time=1, server=RESPONDER, certificate_encrypted=True)
    found = verdict(facts(shop, visit, to_responder))
    assert found.cause == "unexplained"
    assert "ocsp-over-tls" in alternatives(found)


def test_tls_to_a_responder_known_by_its_address() -> None:
    guarded = certificate(ocsp=("https://ocsp.ca.test/",))
    nameless = handshake(None, time=1, server=RESPONDER, certificate_encrypted=True)
    seen = facts(
        guarded,
        handshake("shop.test", guarded),
        dns(RESPONDER),
        nameless,
        attempt("established", server_port=443, stream=nameless.stream),
    )
    assert outcome(seen) == ("ocsp-over-tls", "likely")


@pytest.mark.parametrize(
    "elsewhere", [{"client": CHILD}, {"time": 60}, {"time": -5}, {"decrypted": True}], ids=str
)
def test_tls_that_has_nothing_to_do_with_it(elsewhere: dict[str, Any]) -> None:
    guarded = certificate(ocsp=("https://ocsp.ca.test/",))
    to_responder = handshake(RESPONDER_HOST, **({"time": 1, "server": RESPONDER} | elsewhere))
    assert outcome(facts(guarded, handshake("shop.test", guarded), to_responder))[0] != "ocsp-over-tls"
