"""Next steps in the words of a product."""

from __future__ import annotations

import pytest

from ocsp_pcap.explain.causes import CAUSES
from ocsp_pcap.explain.products import known_products, product, product_steps
from ocsp_pcap.explain.site import Proxy, Source

COMING = {
    "no-responder-for-issuer",
    "failure-cached",
    "leaf-only",
    "responders-failing",
    "certificates-hidden",
    "quic-bypass",
    "selective-interception",
    "ocsp-on-child-too",
    "reissued-without-revocation",
    "staple-fetch",
    "slow-responder",
}
"""Codes of the contract that need not be there yet."""


def test_the_products_of_the_contract() -> None:
    assert {"proxysg", "squid", "f5-sslo", "panos", "fortigate", "mitmproxy"} <= set(known_products())


@pytest.mark.parametrize("name", known_products())
def test_each_file_can_be_used(name: str) -> None:
    found = product(name)
    assert found is not None
    for step in found.steps:
        assert step.codes <= CAUSES.keys() | COMING
        assert (
            step.text[:1].islower()
            or not step.text[:1].isalpha()
            or step.text.split()[0] in (found.name, "OCSP", "Device", "Configuration")
        )
        assert not step.text.endswith(".")
        assert step.done is None or hasattr(Proxy("parent"), step.key)
        assert "{" not in step.text


def test_steps_of_a_product() -> None:
    steps = product_steps(Proxy("parent", product="sgos"), "ocsp-disabled")
    assert steps[0].startswith("ProxySG: enable OCSP on the proxy")
    assert all(step.endswith("(from the documentation, not tried)") for step in steps)
    assert "not tried" not in product_steps(Proxy("parent", product="squid"), "ocsp-disabled")[0]
    assert product_steps(Proxy("parent", product="other"), "ocsp-disabled") == ()
    assert product_steps(Proxy("parent"), "ocsp-disabled") == ()


def test_what_is_done_already_is_said() -> None:
    source = Source("site.toml", 3, "toml", "[proxies.parent] ocsp = true")
    told = Proxy("parent", product="proxysg", ocsp=True, sources=(("ocsp", source),))
    first = product_steps(told, "unexplained")[0]
    assert first.endswith("Already so: site.toml:3 says “[proxies.parent] ocsp = true”")
    assert (
        "the site file says ocsp = true"
        in product_steps(Proxy("parent", product="proxysg", ocsp=True), "unexplained")[0]
    )


def test_what_is_off_already_is_said() -> None:
    steps = product_steps(Proxy("child", product="proxysg", ocsp=False), "reissued-certificate")
    assert steps[0].endswith("Already so: the site file says ocsp = false")
    assert "Already" not in product_steps(Proxy("child", product="proxysg"), "reissued-certificate")[0]


def test_what_a_certificate_carries_is_up_to_the_proxy_that_made_it() -> None:
    squid = Proxy("parent", product="squid")
    assert product_steps(squid, "reissued-certificate") == ()
    (step,) = product_steps(squid, "reissued-certificate", of_maker=True)
    assert step == (
        "Squid: the certificates that it makes carry neither an OCSP nor a CRL address: who receives them "
        "has nobody to ask"
    )
