"""Scenarios about how the capture was taken."""

from __future__ import annotations

from pathlib import Path

from ocsplab.behind import Origin
from ocsplab.chain import Chain, Proxy
from ocsplab.lab import Lab
from ocsplab.network import PARENT_OUTER
from ocsplab.squid import Validation

from .base import Scenario


def _chain(lab: Lab, out: Path) -> Chain:
    origins = [
        Origin("plain.site.test"),
        Origin("shop.site.test"),
        Origin("no-ocsp.site.test", ocsp_url=None),
    ]
    chain = Chain(lab, out, origins, parent=Proxy(validation=Validation()))
    chain.start()
    return chain


def _visit_all(chain: Chain) -> None:
    chain.visit(*(origin.host for origin in chain.origins))
    chain.stop(asked=sum(origin.ocsp_url is not None for origin in chain.origins))


def all_interfaces(lab: Lab, out: Path) -> None:
    """One file holds both sides of the parent."""
    chain = _chain(lab, out)
    chain.tap(lab.net.parent, "all.pcap", interface="any")
    _visit_all(chain)


def all_interfaces_parent_tunnels(lab: Lab, out: Path) -> None:
    """One file holds both sides of a parent that only tunnels."""
    origins = [Origin("plain.site.test"), Origin("no-ocsp.site.test", ocsp_url=None)]
    chain = Chain(lab, out, origins, child=Proxy(validation=Validation()), parent=Proxy(intercepts=False))
    chain.start()
    chain.tap(lab.net.parent, "all.pcap", interface="any")
    _visit_all(chain)


def port_80_filtered(lab: Lab, out: Path) -> None:
    """The capture filter left out plain HTTP, in which OCSP travels."""
    chain = _chain(lab, out)
    chain.record(child=False, expression="ip and not tcp port 80")
    _visit_all(chain)


def snaplen_200(lab: Lab, out: Path) -> None:
    """Every packet is cut after 200 bytes."""
    chain = _chain(lab, out)
    chain.record(snaplen=200)
    _visit_all(chain)


def only_outgoing(lab: Lab, out: Path) -> None:
    """The capture holds what the parent sent, not what it received."""
    chain = _chain(lab, out)
    chain.record(child=False, expression=f"src host {PARENT_OUTER}")
    _visit_all(chain)


def only_incoming(lab: Lab, out: Path) -> None:
    """The capture holds what the parent received, not what it sent."""
    chain = _chain(lab, out)
    chain.record(child=False, expression=f"dst host {PARENT_OUTER}")
    _visit_all(chain)


PROGRAMS = ("squid",)
SCENARIOS = (
    Scenario("all-interfaces", all_interfaces, PROGRAMS),
    Scenario("all-interfaces-parent-tunnels", all_interfaces_parent_tunnels, PROGRAMS),
    Scenario("port-80-filtered", port_80_filtered, PROGRAMS),
    Scenario("snaplen-200", snaplen_200, PROGRAMS),
    Scenario("only-outgoing", only_outgoing, PROGRAMS),
    Scenario("only-incoming", only_incoming, PROGRAMS),
)
