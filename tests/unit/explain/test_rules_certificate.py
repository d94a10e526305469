"""What the certificate itself tells: no responder named, short-lived, reissued by a proxy."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.lifetimes import CHANGE_OF_DEFINITION
from ocsp_pcap.facts import HandshakeFrames

from .facts_factory import (
    BEGIN,
    CHILD,
    CLIENT,
    DAY,
    ORIGIN,
    PARENT,
    PARENT_INSIDE,
    PROXY_CA,
    SECOND,
    alternatives,
    authority,
    certificate,
    exchange,
    facts,
    frames,
    handshake,
    outcome,
    reissued,
    response,
    site,
    site_authority,
    verdict,
    verdicts,
)

CRL = ("http://crl.ca.test/ca.crl",)
bare = certificate(ocsp=())


def inner(host: str, *subjects: Any, **more: Any) -> Any:
    """The leg from the child to the parent."""
    return handshake(host, *subjects, **({"client": CHILD, "server": PARENT_INSIDE, "proxied": True} | more))


def test_no_ocsp_url() -> None:
    visit = handshake("shop.test", bare)
    found = verdict(facts(bare, visit))
    assert (found.presence, found.cause, found.confidence) == ("absent", "no-ocsp-url", "confirmed")
    assert frames(found) == {visit.frames.certificate}
    with_crl = certificate(ocsp=(), crl=CRL)
    assert "it names a CRL" in verdict(facts(with_crl, handshake("shop.test", with_crl))).summary


def test_a_certificate_that_cannot_be_read_may_name_a_responder() -> None:
    broken = certificate(ocsp=(), parse_error="bad serial number")
    found = verdict(facts(broken, handshake("shop.test", broken)))
    assert (found.cause, found.confidence) == ("unexplained", "possible")
    assert "bad serial number" in found.summary


def test_a_staple_is_more_specific_than_a_missing_url() -> None:
    assert outcome(facts(bare, handshake("shop.test", bare, staples=(response(bare),))))[0] == "stapled"


@pytest.mark.parametrize(
    ("days", "since_2026", "cause"),
    [
        (10, False, "short-lived"),
        (10.01, False, "no-ocsp-url"),
        (10, True, "no-ocsp-url"),
        (7, True, "short-lived"),
        (7.01, True, "no-ocsp-url"),
        (6.7, True, "short-lived"),
    ],
)
def test_the_limit_of_short_lived_changed_in_2026(days: float, since_2026: bool, cause: str) -> None:
    change = (CHANGE_OF_DEFINITION - BEGIN) / SECOND
    short = certificate(ocsp=(), days=days, not_before=change if since_2026 else change - 1)
    assert outcome(facts(short, handshake("shop.test", short))) == (cause, "confirmed")


def test_a_short_lived_certificate_that_names_a_responder_may_be_asked_about() -> None:
    short = certificate(days=6)
    found = verdict(facts(short, handshake("shop.test", short)))
    assert found.cause == "unexplained"
    assert "short-lived" in alternatives(found)
    assert outcome(facts(short, handshake("shop.test", short), exchange(short)))[0] == "queried"


def test_a_short_lived_authority_is_no_subscriber_certificate() -> None:
    short = authority(ocsp=(), not_after=BEGIN, not_before=BEGIN - 3 * DAY * SECOND)
    assert outcome(facts(short, handshake("shop.test", short)))[0] == "no-ocsp-url"


def test_signed_by_the_ca_of_the_site_file() -> None:
    """That CA may have issued the server's own certificate: only the other side proves what it is."""
    ca = authority(PROXY_CA)
    fake = reissued(issuer_sha256=ca.sha256)
    seen = facts(ca, fake, inner("shop.test", fake))
    told = site(child={}, parent={"ca": (site_authority(ca),)})
    found = verdict(seen, CHILD, site=told)
    assert (found.presence, found.cause, found.confidence) == ("absent", "reissued-certificate", "likely")
    assert [doubt.code for doubt in found.doubts] == ["reissue-open"]
    assert "The CA of the parent proxy signed it" in found.summary
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


def test_a_reverse_proxy_is_not_said_to_reissue() -> None:
    """Nor is the front's own certificate sure to be genuine: a transparent proxy looks the same."""
    front, behind = certificate(ocsp=(), crl=CRL), certificate(issuer="CN=Internal", ocsp=())
    seen = facts(
        front,
        behind,
        handshake("shop.test", front, client=CLIENT, server=ORIGIN),
        handshake("shop.test", behind, client=ORIGIN, server="10.9.9.9", time=0.1),
    )
    assert outcome(seen, CLIENT) == ("no-ocsp-url", "likely")


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


def test_one_bare_certificate_behind_a_proxy_is_possibly_reissued() -> None:
    one = reissued()
    found = verdict(facts(one, inner("shop.test", one)), CHILD)
    assert (found.cause, found.confidence) == ("no-ocsp-url", "likely")
    assert alternatives(found) == {"reissued-certificate"}
    short = reissued(days=6)
    assert outcome(facts(short, inner("shop.test", short)), CHILD) == ("short-lived", "likely")


def test_a_bare_certificate_behind_a_proxy_that_tunnels_is_genuine() -> None:
    tunnelled = facts(
        bare,
        inner("shop.test", bare, random="aa"),
        handshake("shop.test", bare, random="aa", time=0.1),
    )
    assert outcome(tunnelled, CHILD, site=site(parent={})) == ("no-ocsp-url", "confirmed")


def test_certificates_that_share_a_key_without_a_proxy_are_possibly_reissued() -> None:
    one, two = (certificate(host, ocsp=(), public_key_sha256="00") for host in ("shop.test", "other.test"))
    found = verdict(facts(one, two, handshake("shop.test", one), handshake("other.test", two)))
    assert (found.cause, found.confidence) == ("no-ocsp-url", "likely")
    assert alternatives(found) == {"reissued-certificate"}


def test_what_a_connection_went_through_is_not_known_without_its_start() -> None:
    """Only the server's side was captured: a CONNECT to a proxy would be missing."""
    one = reissued()
    incoming = handshake("shop.test", one, frames=HandshakeFrames(server_hello=5, certificate=6))
    found = verdict(facts(one, incoming))
    assert (found.cause, found.confidence) == ("no-ocsp-url", "likely")
    assert alternatives(found) == {"reissued-certificate"}
    late = handshake("shop.test", one, started_mid_stream=True)
    assert outcome(facts(one, late)) == ("no-ocsp-url", "likely")


def test_an_issuer_that_names_crls_may_be_a_proxy_that_copies_them() -> None:
    one, two = reissued(crl=CRL), reissued("other.test", crl=CRL)
    seen = facts(one, two, inner("shop.test", one), inner("other.test", two))
    assert outcome(seen, CHILD) == ("no-ocsp-url", "likely")


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
