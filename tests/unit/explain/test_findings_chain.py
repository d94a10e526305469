"""Findings about where in the chain OCSP is done."""

from __future__ import annotations

from ocsp_pcap.explain.engine import explain

from .facts_factory import (
    CHILD,
    PARENT,
    PARENT_INSIDE,
    certificate,
    exchange,
    facts,
    findings,
    handshake,
    reissued,
    silence,
)

shop, fake = certificate(), reissued()
inner = handshake("shop.test", fake, client=CHILD, server=PARENT_INSIDE, proxied=True)
outer = handshake("shop.test", shop, time=0.1)
chain = facts(shop, fake, inner, outer)
many = [certificate(f"host{n}.test") for n in range(6)]
outers = [handshake(subject.sans[0], subject, time=n) for n, subject in enumerate(many)]


def test_ocsp_on_wrong_proxy() -> None:
    found = findings(chain, child={"ocsp": True}, parent={"ocsp": False})["ocsp-on-wrong-proxy"]
    assert found.severity == "problem"
    assert "OCSP is on at the child proxy" in found.summary
    assert "OCSP is off at the parent" in found.summary
    assert {e.capture for e in found.evidence} >= {"site.toml", "a.pcap"}
    assert found.next_steps


def test_ocsp_on_wrong_proxy_needs_the_parent_to_be_silent() -> None:
    asked = facts(shop, fake, inner, outer, exchange(shop))
    assert "ocsp-on-wrong-proxy" not in findings(asked, child={"ocsp": True})
    tried = facts(shop, fake, inner, outer, silence(shop))
    assert "ocsp-on-wrong-proxy" not in findings(tried, child={"ocsp": True})


def test_ocsp_on_wrong_proxy_needs_reissued_certificates() -> None:
    genuine = facts(shop, handshake("shop.test", shop, client=CHILD, server=PARENT_INSIDE, proxied=True))
    assert "ocsp-on-wrong-proxy" not in findings(genuine, child={"ocsp": True}, parent={"ocsp": False})


def test_without_a_site_file_it_is_advice() -> None:
    """Visits in step tell the two sides of the parent; the parent meets real certificates and asks nobody."""
    other, copy = certificate("other.test"), reissued("other.test")
    also = handshake("other.test", copy, client=CHILD, server=PARENT_INSIDE, proxied=True, time=5)
    seen = facts(shop, other, fake, copy, inner, outer, also, handshake("other.test", other, time=5.1))
    found = {f.code: f for f in explain(seen).findings}["ocsp-on-wrong-proxy"]
    assert found.severity == "advice"
    assert f"the parent proxy {PARENT} sees the real ones and sends no query" in found.summary


def test_ocsp_at_egress() -> None:
    found = findings(facts(shop, fake, inner, outer, exchange(shop)))["ocsp-at-egress"]
    assert found.severity == "info"
    assert f"the parent proxy {PARENT}" in found.summary
    assert "ocsp-at-egress" not in findings(facts(shop, fake, inner, outer, silence(shop)))
    by_child = facts(shop, handshake("shop.test", shop, client=CHILD), exchange(shop, client=CHILD))
    assert "ocsp-at-egress" not in findings(by_child)


def test_ocsp_nowhere() -> None:
    seen = facts(*many, fake, inner, *outers)
    assert "certificates name one" in findings(seen)["ocsp-nowhere"].summary
    both_off = findings(chain, child={"ocsp": False}, parent={"ocsp": False})["ocsp-nowhere"]
    assert sum(e.capture == "site.toml" for e in both_off.evidence) == 2


def test_ocsp_is_somewhere() -> None:
    assert "ocsp-nowhere" not in findings(facts(*many, fake, inner, *outers, exchange(many[0], time=0.5)))
    assert "ocsp-nowhere" not in findings(facts(*many, fake, inner, *outers), child={"ocsp": True})
    assert "ocsp-nowhere" not in findings(chain)
    assert "ocsp-nowhere" not in findings(facts(*many, *outers))


def test_parent_not_intercepting() -> None:
    through = handshake("shop.test", shop, client=CHILD, server=PARENT_INSIDE, proxied=True, random="aa")
    tunnelled = facts(shop, through, handshake("shop.test", shop, random="aa", time=0.1))
    found = findings(tunnelled)["parent-not-intercepting"]
    assert "only tunnels TLS in the captures" in found.summary
    assert "The parent proxy" in found.summary
    assert "parent-not-intercepting" not in findings(chain)


def test_ocsp_forwarded() -> None:
    queries = [exchange(shop, time=t, server="10.9.9.9", server_port=8080, via_proxy=True) for t in (1, 2)]
    found = findings(facts(shop, outer, *queries))["ocsp-forwarded"]
    assert f"{PARENT} sends OCSP queries (2) through the forwarding host 10.9.9.9" in found.summary
    assert len(found.evidence) == 2
    assert "ocsp-forwarded" not in findings(facts(shop, outer, exchange(shop)))
