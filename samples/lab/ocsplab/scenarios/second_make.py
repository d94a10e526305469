"""Scenarios with mitmproxy: staples, resumed sessions, TLS 1.3 on all legs."""

from __future__ import annotations

import shutil
from pathlib import Path

from ocsplab.behind import Origin
from ocsplab.chain import Chain, Proxy
from ocsplab.lab import Lab
from ocsplab.programs import run
from ocsplab.squid import Validation
from ocsplab.visits import pause

from .base import Scenario


def staples(lab: Lab, out: Path) -> None:
    """The parent asks for staples: fresh, stale, about another certificate, promised and missing."""
    origins = [
        Origin("plain.site.test"),
        Origin("stapled.site.test", staple="good"),
        Origin("stale.site.test", staple="stale"),
        Origin("mismatched.site.test", staple="other"),
        Origin("promised.site.test", staple="good", must_staple=True),
        Origin("forgotten.site.test", must_staple=True),
    ]
    parent = Proxy(make="mitmproxy", validation=Validation(query_after_bad_staple=False))
    chain = Chain(lab, out, origins, parent=parent)
    chain.start()
    chain.behind.wait_until_stale()
    chain.record()
    chain.visit(*(origin.host for origin in origins))
    chain.stop(asked=2)


def resumed_sessions(lab: Lab, out: Path) -> None:
    """The parent resumes its TLS sessions; one of them began before the capture."""
    origins = [Origin("plain.site.test"), Origin("shop.site.test")]
    parent = Proxy(make="mitmproxy", validation=Validation(), resume=True)
    chain = Chain(lab, out, origins, parent=parent)
    chain.start()
    chain.visit("plain.site.test")
    pause(1)
    chain.record()
    chain.visit("plain.site.test", "shop.site.test", "shop.site.test", "plain.site.test")
    chain.stop(asked=1)


def _tls13(lab: Lab, out: Path) -> Chain:
    origins = [
        Origin("plain.site.test", tls="TLSv1.3"),
        Origin("revoked.site.test", status="revoked", tls="TLSv1.3"),
        Origin("stapled.site.test", staple="good", tls="TLSv1.3"),
        Origin("no-ocsp.site.test", ocsp_url=None, tls="TLSv1.3"),
    ]
    chain = Chain(
        lab,
        out,
        origins,
        child=Proxy(make="mitmproxy", tls="TLS1_3"),
        parent=Proxy(make="mitmproxy", tls="TLS1_3", validation=Validation()),
    )
    chain.start()
    chain.record()
    chain.visit(*(origin.host for origin in origins))
    chain.stop(asked=2)
    return chain


def tls13_without_keys(lab: Lab, out: Path) -> None:
    """TLS 1.3 on all legs, and nothing to decrypt it with."""
    _tls13(lab, out)


def tls13_with_keys(lab: Lab, out: Path) -> None:
    """TLS 1.3 on all legs, with the key logs of both proxies."""
    chain = _tls13(lab, out)
    shutil.copyfile(chain.child_proxy.directory / "tls.keys", out / "child.keys")
    shutil.copyfile(chain.parent_proxy.directory / "tls.keys", out / "parent.keys")


def tls13_with_embedded_keys(lab: Lab, out: Path) -> None:
    """TLS 1.3, with the keys inside the parent's capture file."""
    chain = _tls13(lab, out)
    keys = chain.parent_proxy.directory / "tls.keys"
    (out / "child.pcap").unlink()
    plain = out / "parent.pcap"
    run(
        ["editcap", "-F", "pcapng", "--inject-secrets", f"tls,{keys}", str(plain), str(out / "parent.pcapng")]
    )
    plain.unlink()


SCENARIOS = (
    Scenario("staples", staples, ("squid", "mitmdump")),
    Scenario("resumed-sessions", resumed_sessions, ("squid", "mitmdump")),
    Scenario("tls13-without-keys", tls13_without_keys, ("mitmdump",)),
    Scenario("tls13-with-keys", tls13_with_keys, ("mitmdump",)),
    Scenario("tls13-with-embedded-keys", tls13_with_embedded_keys, ("mitmdump", "editcap")),
)
