"""Findings about what proxies and servers do: tunnelling some hosts, asking twice, reissuing, stapling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ocsp_pcap.facts import Facts

from .facts_factory import (
    CHILD,
    PARENT,
    PARENT_INSIDE,
    alert,
    certificate,
    exchange,
    facts,
    findings,
    handshake,
    reissued,
)

shop, fake = certificate(), reissued()
inner = handshake("shop.test", fake, client=CHILD, server=PARENT_INSIDE, proxied=True)
outer = handshake("shop.test", shop, time=0.1)


def test_some_hosts_are_tunnelled() -> None:
    bank = certificate("bank.test")
    random = {"client_random": "ab" * 32, "server_random": "cd" * 32}
    behind = replace(
        handshake("bank.test", bank, client=CHILD, server=PARENT_INSIDE, proxied=True, time=5), **random
    )
    before = replace(handshake("bank.test", bank, time=5.1), **random)
    told = {"parent": {"addresses": frozenset({PARENT, PARENT_INSIDE})}}
    found = findings(facts(shop, fake, bank, inner, outer, behind, before), **told)
    assert "only tunnels bank.test, and intercepts shop.test" in found["selective-interception"].summary
    assert "selective-interception" not in findings(facts(shop, fake, inner, outer), **told)


def test_ocsp_at_the_child_as_well() -> None:
    both = facts(shop, fake, inner, outer, exchange(shop))
    found = findings(both, child={"ocsp": True}, parent={"ocsp": True})
    assert found["ocsp-on-child-too"].severity == "advice"
    assert "ocsp-on-wrong-proxy" not in found
    assert "ocsp-on-child-too" not in findings(both, child={"ocsp": False}, parent={"ocsp": True})
    assert "ocsp-on-child-too" not in findings(both, parent={"ocsp": True})
    genuine = facts(shop, handshake("shop.test", shop, client=CHILD, server=PARENT_INSIDE, proxied=True))
    assert "ocsp-on-child-too" not in findings(genuine, child={"ocsp": True}, parent={"ocsp": True})


def test_ocsp_at_several_children_as_well() -> None:
    """Each child is named to which it is of no use, and none that has something to ask."""
    second = handshake("shop.test", fake, client="10.77.1.21", server=PARENT_INSIDE, proxied=True)
    third = handshake("shop.test", shop, client="10.77.1.22", server=PARENT_INSIDE, proxied=True)
    children = {"ocsp": True, "addresses": frozenset({CHILD, "10.77.1.21", "10.77.1.22"})}
    seen = facts(shop, fake, inner, second, third, outer, exchange(shop))
    needless = findings(seen, child=children, parent={"ocsp": True})["ocsp-on-child-too"]
    assert f"at the child proxy {CHILD} and the child proxy 10.77.1.21 as well" in needless.summary
    assert "10.77.1.22" not in needless.summary
    assert f"Switch OCSP off at {CHILD} and 10.77.1.21:" in needless.next_steps[0]


def test_clients_that_give_up() -> None:
    def ended(description: str, **other: Any) -> Facts:
        given_up = replace(inner, alerts=(alert(description),), complete=False)
        return facts(shop, replace(fake, **other), given_up, outer)

    found = findings(ended("certificate_unknown"))["reissued-without-revocation"]
    assert f"{CHILD} ended the handshake" in found.summary
    assert "(shop.test)" in found.summary
    assert "reissued-without-revocation" not in findings(ended("unknown_ca"))
    assert "reissued-without-revocation" not in findings(
        ended("certificate_unknown", crl_urls=("http://c.test/1.crl",))
    )
    assert "reissued-without-revocation" not in findings(facts(shop, fake, inner, outer))


def test_a_server_that_staples() -> None:
    mine = certificate("www.test")
    served = handshake("www.test", mine, client="10.9.9.9", server="10.5.5.5")
    found = findings(facts(mine, served, exchange(mine, client="10.5.5.5", time=1)))
    assert "10.5.5.5 asks about its own certificate (1 query)" in found["staple-fetch"].summary
    asked = facts(shop, outer, exchange(shop, time=1))
    assert "staple-fetch" not in findings(asked)
