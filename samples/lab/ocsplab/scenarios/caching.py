"""Scenarios about answers that the parent still holds."""

from __future__ import annotations

import time
from pathlib import Path

from ocsplab.behind import Origin
from ocsplab.chain import Chain, Proxy
from ocsplab.lab import Lab
from ocsplab.squid import Validation
from ocsplab.visits import pause

from .base import Scenario


def cached_in_capture(lab: Lab, out: Path) -> None:
    """One site is visited twice; for another the parent renews its cached answer before the visit."""
    chain = Chain(
        lab,
        out,
        [Origin("plain.site.test"), Origin("renewed.site.test")],
        parent=Proxy(validation=Validation(renew=True)),
        response_minutes=1,
    )
    chain.start()
    chain.visit("renewed.site.test")
    asked = time.monotonic()
    pause(22)
    chain.record()
    chain.visit("plain.site.test")
    pause(max(0.0, asked + 32 - time.monotonic()))
    chain.visit("renewed.site.test", "plain.site.test")
    chain.stop(asked=2)


def _cached_before_capture(lab: Lab, out: Path, *, trace: bool) -> None:
    origins = [Origin("plain.site.test"), Origin("shop.site.test")]
    chain = Chain(lab, out, origins, parent=Proxy(validation=Validation()))
    chain.start()
    chain.visit("plain.site.test")
    pause(1)
    if trace:
        chain.parent_proxy.trace.write_text("")
    chain.record()
    chain.visit("shop.site.test", "plain.site.test")
    chain.stop(asked=1, trace=trace)


def cached_before_capture(lab: Lab, out: Path) -> None:
    """The answer for one site came before the capture began; nothing but the packets is known."""
    _cached_before_capture(lab, out, trace=False)


def cached_before_capture_with_trace(lab: Lab, out: Path) -> None:
    """The same, with the parent's policy trace beside the capture."""
    _cached_before_capture(lab, out, trace=True)


def ttl_override(lab: Lab, out: Path) -> None:
    """The parent keeps answers for six seconds although they are good for four days."""
    origins = [Origin("plain.site.test"), Origin("shop.site.test")]
    chain = Chain(lab, out, origins, parent=Proxy(validation=Validation(ttl=6.0)))
    chain.start()
    chain.record()
    chain.visit("plain.site.test", "shop.site.test")
    pause(1)
    chain.visit("plain.site.test")
    pause(6)
    chain.visit("plain.site.test")
    pause(7)
    chain.visit("plain.site.test", "shop.site.test")
    chain.stop(asked=5)


def repeated_queries(lab: Lab, out: Path) -> None:
    """The parent's cache is broken: it asks at every visit."""
    chain = Chain(lab, out, [Origin("plain.site.test")], parent=Proxy(validation=Validation(ttl=0.0)))
    chain.start()
    chain.record()
    for seconds in (2.0, 3.1, 2.2, 0.0):
        chain.visit("plain.site.test")
        pause(seconds)
    chain.stop(asked=4)


PROGRAMS = ("squid",)
SCENARIOS = (
    Scenario("cached-in-capture", cached_in_capture, PROGRAMS),
    Scenario("cached-before-capture", cached_before_capture, PROGRAMS),
    Scenario("cached-before-capture-with-trace", cached_before_capture_with_trace, PROGRAMS),
    Scenario("ttl-override", ttl_override, PROGRAMS),
    Scenario("repeated-queries", repeated_queries, PROGRAMS),
)
