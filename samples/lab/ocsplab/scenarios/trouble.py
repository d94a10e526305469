"""Scenarios in which OCSP is tried and fails, takes another way, or is replaced by a CRL."""

from __future__ import annotations

import shutil
from pathlib import Path

from ocsplab import network
from ocsplab.behind import Origin, Responder
from ocsplab.chain import Chain, Proxy
from ocsplab.lab import Lab
from ocsplab.pki import CRL_URL
from ocsplab.squid import PORT, Validation

from .base import Scenario

RESPONDERS = (
    Responder("ocsp.busy.test", "503"),
    Responder("ocsp.later.test", "try-later"),
    Responder("ocsp.denying.test", "unauthorized"),
    Responder("ocsp.silent.test", "silent"),
    Responder("ocsp.confused.test", "other"),
    Responder("ocsp.forging.test", "forged"),
)


def responder_troubles(lab: Lab, out: Path) -> None:
    """Every origin names another responder, and every responder fails in its own way."""
    kinds = ("nameless", "dead", "refusing", "busy", "later", "denying", "silent", "confused", "forging")
    origins = [Origin("plain.site.test")]
    origins += [Origin(f"{kind}.site.test", ocsp_url=f"http://ocsp.{kind}.test/") for kind in kinds]
    chain = Chain(lab, out, origins, parent=Proxy(validation=Validation()), responders=RESPONDERS)
    chain.start()
    chain.record()
    chain.visit(*(origin.host for origin in origins))
    chain.stop(asked=10)


def crl_instead(lab: Lab, out: Path) -> None:
    """Certificates without an OCSP URL: the parent fetches the CA's CRL where one is named."""
    origins = [
        Origin("plain.site.test"),
        Origin("crl-only.site.test", ocsp_url=None, crl_url=CRL_URL),
        Origin("withdrawn.site.test", status="revoked", ocsp_url=None, crl_url=CRL_URL),
        Origin("short-lived.site.test", ocsp_url=None, days=6),
    ]
    chain = Chain(lab, out, origins, parent=Proxy(validation=Validation(crl_fallback=True)))
    chain.start()
    chain.record()
    chain.visit("plain.site.test", "crl-only.site.test")
    chain.visit("withdrawn.site.test", expect_failure=True)
    chain.visit("short-lived.site.test")
    chain.stop(asked=1)


def forwarding_host(lab: Lab, out: Path) -> None:
    """The parent's queries travel through a forwarding host."""
    origins = [
        Origin("plain.site.test"),
        Origin("revoked.site.test", status="revoked"),
        Origin("no-ocsp.site.test", ocsp_url=None),
    ]
    validation = Validation(proxy=f"{network.FORWARDING_HOST}:{PORT}")
    chain = Chain(lab, out, origins, parent=Proxy(validation=validation), forwarding_host=True)
    chain.start()
    chain.record()
    chain.visit("plain.site.test")
    chain.visit("revoked.site.test", expect_failure=True)
    chain.visit("no-ocsp.site.test")
    chain.stop(asked=2)


def ocsp_over_tls(lab: Lab, out: Path) -> None:
    """One certificate names a responder that is spoken to over TLS."""
    origins = [
        Origin("plain.site.test"),
        Origin("guarded.site.test", ocsp_url="https://ocsp.guarded.test/"),
    ]
    responders = [Responder("ocsp.guarded.test", "tls")]
    chain = Chain(lab, out, origins, parent=Proxy(validation=Validation()), responders=responders)
    chain.start()
    chain.record()
    chain.visit("plain.site.test", "guarded.site.test")
    chain.stop(asked=2)


def slow_responder(lab: Lab, out: Path) -> None:
    """One responder answers after three seconds; another one's IPv6 address, tried first, does not answer."""
    origins = [
        Origin("plain.site.test"),
        Origin("slow.site.test", ocsp_url="http://ocsp.slow.test/"),
        Origin("detour.site.test", ocsp_url="http://ocsp.detour.test/"),
    ]
    responders = [
        Responder("ocsp.slow.test", "slow"),
        Responder("ocsp.detour.test", ipv6=network.UNANSWERED_6),
    ]
    lab.net.give_ipv6()
    lab.net.give_up_connections_early(lab.net.parent)
    validation = Validation(timeout=8)
    chain = Chain(lab, out, origins, parent=Proxy(validation=validation), responders=responders)
    chain.start()
    chain.record(expression="ip or ip6")
    chain.visit("plain.site.test", "slow.site.test", "detour.site.test")
    chain.stop(asked=3)
    shutil.copyfile(lab.directory / "parent" / "access.log", out / "parent-access.log")


PROGRAMS = ("squid",)
SCENARIOS = (
    Scenario("responder-troubles", responder_troubles, PROGRAMS),
    Scenario("crl-instead", crl_instead, PROGRAMS),
    Scenario("forwarding-host", forwarding_host, PROGRAMS),
    Scenario("ocsp-over-tls", ocsp_over_tls, PROGRAMS),
    Scenario("slow-responder", slow_responder, PROGRAMS),
)
