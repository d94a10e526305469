"""Next steps do not ask for what is done already."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain

from .facts_factory import (
    CHILD,
    PARENT,
    PARENT_INSIDE,
    PROXY_CA,
    authority,
    certificate,
    exchange,
    facts,
    handshake,
    site,
    site_authority,
)

shop = certificate()
fake = certificate(issuer=PROXY_CA, ocsp=())
inner = handshake("shop.test", fake, client=CHILD, server=PARENT_INSIDE, proxied=True)
outer = handshake("shop.test", shop, time=0.5)


def steps(*items: Any, child: dict[str, Any] | None = None, parent: dict[str, Any] | None = None) -> str:
    known = site(child=child or {}, parent=parent or {})
    verdicts = explain(facts(*items), Context(site=known)).verdicts
    (found,) = [v for v in verdicts if v.validator.address == CHILD and v.cause == "reissued-certificate"]
    return "\n".join(found.next_steps)


def test_where_the_parent_is_not_seen_to_ask_it_is_to_be_enabled_there() -> None:
    told = steps(shop, fake, inner, outer)
    assert "Enable OCSP on the proxy that intercepts, the parent" in told
    assert f"Switch OCSP for forwarded traffic off on {CHILD}" in told
    assert "Capture on the outer side" not in told


def test_a_parent_that_asks_need_not_be_told_to() -> None:
    told = steps(shop, fake, inner, outer, exchange(shop, time=1, client=PARENT))
    assert "Enable OCSP" not in told
    assert f"is on there: {PARENT} sends OCSP requests." in told


def test_a_site_file_that_says_so_is_quoted() -> None:
    told = steps(shop, fake, inner, outer, child={"ocsp": False}, parent={"ocsp": True})
    assert "is on there: the site file says so." in told
    assert "Switch OCSP" not in told


def test_where_the_origin_s_certificate_is_not_seen_a_capture_is_due() -> None:
    ca = authority(PROXY_CA)
    told = steps(ca, fake, inner, parent={"ca": (site_authority(ca),)})
    assert "Capture on the outer side of the parent to see OCSP for shop.test." in told


def test_a_child_that_asks_need_not_be_told_to() -> None:
    random = {"client_random": "ab" * 32, "server_random": "cd" * 32}
    before = replace(handshake("shop.test", shop, client=CHILD, server=PARENT_INSIDE, proxied=True), **random)
    behind = replace(handshake("shop.test", shop, time=0.1), **random)

    def told(*items: Any) -> str:
        findings = explain(
            facts(shop, before, behind, *items), Context(site=site(child={}, parent={}))
        ).findings
        (found,) = [f for f in findings if f.code == "parent-not-intercepting"]
        return "\n".join(found.next_steps)

    assert "Enable OCSP on the child" in told()
    asking = told(exchange(shop, time=1, client=CHILD))
    assert "Enable OCSP on the child" not in asking
    assert f"{CHILD} asks" in asking
