"""Findings about what cannot be seen: hidden certificates, and connections that pass the proxies by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .facts_factory import (
    CHILD,
    PARENT,
    PARENT_INSIDE,
    capture,
    certificate,
    exchange,
    facts,
    findings,
    handshake,
    reissued,
    response,
    single,
)

shop, fake = certificate(), reissued()
inner = handshake("shop.test", fake, client=CHILD, server=PARENT_INSIDE, proxied=True)
outer = handshake("shop.test", shop, time=0.1)


def hidden(host: str, time: float, **other: Any) -> Any:
    return handshake(host, time=time, version="TLS 1.3", certificate_encrypted=True, **other)


def test_hidden_certificates_and_the_best_guess() -> None:
    good, bad = certificate("a.test"), certificate("b.test")
    revoked = response(single(bad, "revoked"))
    seen = facts(
        capture(),
        hidden("a.test", 0),
        hidden("b.test", 100),
        exchange(good, time=0.3),
        exchange(bad, revoked, time=100.4),
    )
    found = findings(seen)["certificates-hidden"]
    assert found.severity == "advice"
    assert "2 handshakes hide their certificates" in found.summary
    first, second = found.summary.index("answered REVOKED"), found.summary.index("answered good")
    assert first < second
    assert "0.4 s after the handshake with b.test: probably for it" in found.summary


def test_what_is_cut_off_is_not_hidden_where_there_are_keys() -> None:
    cut = hidden("a.test", 0, complete=False, application_data=False)
    assert "certificates-hidden" in findings(facts(cut))
    opened = handshake("shop.test", shop, version="TLS 1.3", decrypted=True)
    assert "certificates-hidden" not in findings(facts(shop, opened, cut))
    assert (
        "1 handshake"
        in findings(facts(shop, opened, cut, hidden("b.test", 5)))["certificates-hidden"].summary
    )


def test_nothing_hidden_is_no_finding() -> None:
    assert "certificates-hidden" not in findings(facts(shop, outer))


def test_quic_past_the_proxies() -> None:
    client = replace(
        handshake("video.test", time=1, client="10.9.9.9"), transport="udp", version="TLS 1.3", tunnel=None
    )
    found = findings(facts(shop, fake, inner, outer, client))["quic-bypass"]
    assert "1 connection goes past the proxies as QUIC: video.test" in found.summary
    own = replace(client, client=PARENT)
    assert "quic-bypass" not in findings(facts(shop, fake, inner, outer, own))
