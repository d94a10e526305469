"""Scenarios about which proxy of the chain asks."""

from __future__ import annotations

from pathlib import Path

from ocsplab.behind import Origin
from ocsplab.chain import Chain, Proxy
from ocsplab.lab import Lab
from ocsplab.other_software import serve_quic, visit_by_quic
from ocsplab.squid import Validation

from .base import Scenario


def ocsp_on_child(lab: Lab, out: Path) -> None:
    """OCSP is enabled on the child, where it can never see a responder's URL, and not on the parent."""
    origins = [
        Origin("plain.site.test"),
        Origin("shop.site.test"),
        Origin("no-ocsp.site.test", ocsp_url=None),
    ]
    chain = Chain(lab, out, origins, child=Proxy(validation=Validation()), parent=Proxy())
    chain.start()
    chain.record()
    chain.visit("plain.site.test", "shop.site.test", "no-ocsp.site.test")
    chain.stop(asked=0)


def ocsp_at_parent(lab: Lab, out: Path) -> None:
    """Best practice: the parent asks, about leaves and intermediate, and refuses what is revoked."""
    origins = [
        Origin("plain.site.test"),
        Origin("shop.site.test"),
        Origin("revoked.site.test", status="revoked"),
        Origin("unlisted.site.test", status="unknown"),
    ]
    chain = Chain(
        lab,
        out,
        origins,
        parent=Proxy(validation=Validation(check_intermediates=True)),
        intermediate_ocsp=True,
    )
    chain.start()
    chain.record()
    chain.visit("plain.site.test", "shop.site.test")
    chain.visit("revoked.site.test", expect_failure=True)
    chain.visit("unlisted.site.test")
    chain.stop(asked=5)


def parent_tunnels(lab: Lab, out: Path) -> None:
    """The parent does not intercept, so the child sees the origins' certificates and asks."""
    origins = [
        Origin("plain.site.test"),
        Origin("shop.site.test"),
        Origin("no-ocsp.site.test", ocsp_url=None),
    ]
    chain = Chain(lab, out, origins, child=Proxy(validation=Validation()), parent=Proxy(intercepts=False))
    chain.start()
    chain.record()
    chain.visit("plain.site.test", "shop.site.test", "no-ocsp.site.test")
    chain.stop(asked=2)


def ocsp_nowhere(lab: Lab, out: Path) -> None:
    """Neither proxy asks."""
    origins = [Origin("plain.site.test"), Origin("shop.site.test")]
    chain = Chain(lab, out, origins)
    chain.start()
    chain.record()
    chain.visit("plain.site.test", "shop.site.test")
    chain.stop(asked=0)


def revoked_but_used(lab: Lab, out: Path) -> None:
    """The parent asks and is told *revoked*, but only writes that down."""
    origins = [Origin("plain.site.test"), Origin("revoked.site.test", status="revoked")]
    chain = Chain(lab, out, origins, parent=Proxy(validation=Validation(enforce=False)))
    chain.start()
    chain.record()
    chain.visit("plain.site.test", "revoked.site.test")
    chain.stop(asked=2)


def several_children(lab: Lab, out: Path) -> None:
    """Two children share one parent, and with it one cache of answers."""
    origins = [Origin("plain.site.test"), Origin("shop.site.test"), Origin("news.site.test")]
    chain = Chain(
        lab, out, origins, parent=Proxy(validation=Validation()), child_b=Proxy(validation=Validation())
    )
    chain.start()
    chain.record()
    chain.tap(lab.net.child_b, "child-b.pcap")
    chain.visit("plain.site.test", "shop.site.test")
    chain.visit_through_child_b("plain.site.test", "news.site.test")
    chain.stop(asked=3)


def ocsp_on_both(lab: Lab, out: Path) -> None:
    """OCSP is enabled on the parent, where it belongs, and on the child, where it finds nothing to ask."""
    origins = [Origin("plain.site.test"), Origin("shop.site.test")]
    validating = Proxy(validation=Validation())
    chain = Chain(lab, out, origins, child=validating, parent=validating)
    chain.start()
    chain.record()
    chain.visit("plain.site.test", "shop.site.test")
    chain.stop(asked=2)


def some_hosts_tunnelled(lab: Lab, out: Path) -> None:
    """The parent tunnels a bank and intercepts the rest: the bank's certificate is the child's to check."""
    origins = [Origin("plain.site.test"), Origin("bank.site.test")]
    parent = Proxy(validation=Validation(), splices_hosts=("bank.site.test",))
    chain = Chain(lab, out, origins, parent=parent)
    chain.start()
    chain.record()
    chain.visit("plain.site.test", "bank.site.test")
    chain.stop(asked=1)


def quic_past_the_proxies(lab: Lab, out: Path) -> None:
    """A browser's QUIC connection is routed by both proxies and opened by neither."""
    origins = [Origin("plain.site.test"), Origin("video.site.test")]
    chain = Chain(lab, out, origins, parent=Proxy(validation=Validation()))
    chain.start()
    host = "video.site.test"
    leaf, address = chain.behind.leaves[host], chain.behind.address_of(host)
    serve_quic(lab, leaf, address)
    chain.record()
    chain.visit("plain.site.test")
    visit_by_quic(lab, lab.net.client, host, address, chain.behind.authority.root)
    chain.stop(asked=1)


PROGRAMS = ("squid",)
SCENARIOS = (
    Scenario("ocsp-on-child", ocsp_on_child, PROGRAMS),
    Scenario("ocsp-at-parent", ocsp_at_parent, PROGRAMS),
    Scenario("parent-tunnels", parent_tunnels, PROGRAMS),
    Scenario("ocsp-nowhere", ocsp_nowhere, PROGRAMS),
    Scenario("revoked-but-used", revoked_but_used, PROGRAMS),
    Scenario("several-children", several_children, PROGRAMS),
    Scenario("ocsp-on-both", ocsp_on_both, PROGRAMS),
    Scenario("quic-past-the-proxies", quic_past_the_proxies, PROGRAMS),
    Scenario("some-hosts-tunnelled", some_hosts_tunnelled, PROGRAMS),
)
