"""When ``reissued-certificate`` is claimed, and how sure."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.explain.facts_factory import (
    CHILD,
    CLIENT,
    PARENT,
    PARENT_INSIDE,
    PROXY_CA,
    authority,
    certificate,
    facts,
    frames,
    handshake,
    outcome,
    reissued,
    site,
    site_authority,
    verdict,
    verdicts,
)


def inner(host: str, *subjects: Any, **more: Any) -> Any:
    """The leg from the child to the parent."""
    return handshake(host, *subjects, **({"client": CHILD, "server": PARENT_INSIDE, "proxied": True} | more))


CRL = ("http://crl.ca.test/ca.crl",)


def test_signed_by_the_ca_of_the_site_file() -> None:
    """That CA may have issued the server's own certificate: only the other side proves what it is."""
    ca = authority(PROXY_CA)
    fake = reissued(issuer_sha256=ca.sha256)
    seen = facts(ca, fake, inner("shop.test", fake))
    told = site(child={}, parent={"ca": (site_authority(ca),)})
    found = verdict(seen, CHILD, site=told)
    assert (found.presence, found.cause, found.confidence) == ("absent", "reissued-certificate", "likely")
    assert [doubt.code for doubt in found.doubts] == ["reissue-open"]
    assert "The CA that the site file gives for the parent proxy signed it" in found.summary
    assert any(e.capture == "parent-ca.pem" for e in found.evidence)
    origin = certificate()
    both = facts(ca, fake, origin, inner("shop.test", fake), handshake("shop.test", origin, time=0.3))
    assert outcome(both, CHILD, site=told) == ("reissued-certificate", "confirmed")


def test_the_same_issuer_name_without_the_signature_is_no_proof() -> None:
    ca = authority(PROXY_CA)
    fake = reissued(issuer_sha256=None)
    told = site(child={}, parent={"ca": (site_authority(ca),)})
    assert outcome(facts(ca, fake, inner("shop.test", fake)), CHILD, site=told)[1] != "confirmed"


def test_reissued_told_from_both_sides() -> None:
    origin, fake = certificate(), reissued()
    here, there = inner("shop.test", fake), handshake("shop.test", origin, time=0.3)
    seen = facts(origin, fake, here, there)
    found = verdict(seen, CHILD, site=site(parent={}))
    assert (found.cause, found.confidence) == ("reissued-certificate", "confirmed")
    assert frames(found) == {here.frames.certificate, there.frames.certificate}
    assert "The parent proxy received another certificate" in found.summary


def test_a_resumed_visit_beside_the_original_does_not_hide_it() -> None:
    origin, fake = certificate(), reissued()
    here, there = inner("shop.test", fake), handshake("shop.test", origin, time=0.3)
    resumed = handshake("shop.test", time=0.1, resumed=True, resumption="ticket")
    found = verdict(facts(origin, fake, here, resumed, there), CHILD, site=site(parent={}))
    assert (found.cause, found.confidence) == ("reissued-certificate", "confirmed")
    assert there.frames.certificate in frames(found)


def test_reissued_by_the_first_proxy_of_the_chain() -> None:
    """The child intercepts, the parent tunnels: the client's certificate is the child's work."""
    origin, fake = certificate(), reissued()
    seen = facts(
        origin,
        fake,
        handshake("shop.test", fake, client=CLIENT, server=CHILD, proxied=True),
        inner("shop.test", origin, time=0.1, random="ab"),
        handshake("shop.test", origin, time=0.2, random="ab"),
    )
    found = verdicts(seen, site=site(child={}, parent={}))
    assert found[CLIENT, "shop.test"].cause == "reissued-certificate"
    assert found[CLIENT, "shop.test"].confidence == "confirmed"
    assert "The child proxy received" in found[CLIENT, "shop.test"].summary
    assert found[CHILD, "shop.test"].cause not in ("reissued-certificate", "not-intercepted")
    assert found[PARENT, "shop.test"].cause == "not-intercepted"


@pytest.mark.parametrize(
    "there",
    [
        {"time": 60},
        {"time": -10},
        {"client": CLIENT},
        {"server_port": 8443},
    ],
    ids=["long after", "before", "another host's", "another port"],
)
def test_visits_that_are_not_the_other_side(there: dict[str, Any]) -> None:
    origin, fake = certificate(), reissued()
    seen = facts(origin, fake, inner("shop.test", fake), handshake("shop.test", origin, **there))
    assert outcome(seen, CHILD, site=site(parent={}))[1] != "confirmed"


def test_a_host_with_two_certificates_behind_a_tunnel() -> None:
    """A CDN has certificates of two CAs; the hello that the parent relays for another is not this one's."""
    one, two = certificate(ocsp=()), certificate(issuer="CN=Second CA", ocsp=())
    seen = facts(
        one,
        two,
        inner("shop.test", one, random="aa"),
        inner("shop.test", two, random="bb", client="10.1.0.21"),
        handshake("shop.test", two, random="bb", time=0.1),
    )
    assert outcome(seen, CHILD, site=site(parent={}))[1] != "confirmed"


def test_the_other_side_of_a_certificate_with_a_crl_or_a_short_life_is_likely() -> None:
    """That is what a public certificate without responder looks like, too."""
    origin = certificate()
    for genuine_looks in (reissued(crl=CRL), reissued(days=6)):
        seen = facts(origin, genuine_looks, inner("shop.test", genuine_looks), handshake("shop.test", origin))
        assert outcome(seen, CHILD, site=site(parent={})) == ("reissued-certificate", "likely")


def test_reissued_by_its_looks() -> None:
    one, two = reissued(), reissued("other.test")
    both = facts(one, two, inner("shop.test", one), inner("other.test", two))
    assert outcome(both, CHILD) == ("reissued-certificate", "likely")
    private = authority(PROXY_CA)
    known = reissued(issuer_sha256=private.sha256)
    assert outcome(facts(private, known, inner("shop.test", known)), CHILD) == (
        "reissued-certificate",
        "likely",
    )


def test_a_responder_of_its_own_does_not_make_a_certificate_genuine() -> None:
    """The responder of a private CA is named in what the proxy reissues, too."""
    ca = authority(PROXY_CA)
    private = certificate(issuer=PROXY_CA)
    told = site(child={}, parent={"ca": (site_authority(ca),)})
    found = verdict(facts(ca, private, inner("shop.test", private)), CHILD, site=told)
    assert (found.cause, found.confidence) == ("reissued-certificate", "likely")
    origin = certificate()
    both = facts(ca, private, origin, inner("shop.test", private), handshake("shop.test", origin, time=0.3))
    assert outcome(both, CHILD, site=told) == ("reissued-certificate", "confirmed")
    assert outcome(both, CHILD, site=site(child={}, parent={})) == ("reissued-certificate", "likely")


def test_of_two_certificates_the_one_behind_a_proxy_is_no_original_whatever_roles_are_given() -> None:
    copy, real = reissued(), certificate(ocsp=())
    inner = handshake("shop.test", copy, client=CHILD, server=PARENT_INSIDE, proxied=True)
    seen = facts(copy, real, inner, handshake("shop.test", real, time=0.05))
    swapped = site(child={"addresses": frozenset({PARENT})}, parent={"addresses": frozenset({CHILD})})
    assert outcome(seen, site=swapped) != ("reissued-certificate", "confirmed")
