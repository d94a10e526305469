"""When ``no-ocsp-url`` is claimed, and how sure."""

from __future__ import annotations

from typing import Any

from ocsp_pcap.facts import HandshakeFrames
from tests.unit.explain.facts_factory import (
    CHILD,
    CLIENT,
    ORIGIN,
    PARENT_INSIDE,
    alternatives,
    certificate,
    facts,
    frames,
    handshake,
    outcome,
    reissued,
    response,
    site,
    verdict,
)

CRL = ("http://crl.ca.test/ca.crl",)

bare = certificate(ocsp=())


def inner(host: str, *subjects: Any, **more: Any) -> Any:
    """The leg from the child to the parent."""
    return handshake(host, *subjects, **({"client": CHILD, "server": PARENT_INSIDE, "proxied": True} | more))


def test_a_responder_that_no_http_client_can_ask() -> None:
    ldap = certificate(ocsp=("ldap://directory.test/",))
    found = verdict(facts(ldap, handshake("shop.test", ldap)))
    assert (found.cause, found.confidence) == ("no-ocsp-url", "confirmed")
    assert "that can be asked over HTTP (ldap://directory.test/)" in found.summary


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


def test_a_connection_to_the_port_of_a_proxy_whose_connect_is_not_in_the_capture() -> None:
    bare = certificate(ocsp=())
    visit = handshake("shop.test", bare, server=PARENT_INSIDE, server_port=3128, client=CLIENT)
    tunnelled = handshake(
        "other.test",
        certificate("other.test"),
        server=PARENT_INSIDE,
        client=CLIENT,
        proxied=True,
        server_port=3128,
    )
    alone = verdict(facts(bare, visit), CLIENT)
    beside = verdict(facts(bare, visit, tunnelled), CLIENT)
    assert [(each.cause, each.confidence) for each in (alone, beside)] == [
        ("no-ocsp-url", "confirmed"),
        ("no-ocsp-url", "likely"),
    ]
