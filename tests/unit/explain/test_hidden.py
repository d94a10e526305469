"""Hidden certificates, and the queries that may be for them."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.hidden import is_quic
from ocsp_pcap.explain.site import Proxy, Site
from ocsp_pcap.facts import HandshakeFact
from ocsp_pcap.report.filters import evidence_filters

from .facts_factory import (
    CLIENT,
    PARENT,
    RESPONDER,
    RESPONDER_HOST,
    certificate,
    crl_fetch,
    dns,
    exchange,
    facts,
    frames,
    handshake,
    verdict,
)


def hidden(host: str | None = "shop.test", **more: Any) -> HandshakeFact:
    return handshake(host, **{"version": "TLS 1.3", "certificate_encrypted": True} | more)


shop, other = certificate(), certificate("other.test")


def parent_site() -> Context:
    return Context(Site("site.toml", (Proxy("parent", frozenset({PARENT})),)))


def test_what_stays_readable_is_evidence() -> None:
    visit = hidden()
    found = verdict(facts(visit))
    assert frames(found) == {visit.frames.client_hello, visit.frames.server_hello}
    assert "no session is resumed" in found.evidence[0].note
    assert "SNI shop.test; it asks for a staple, so one may be" in found.evidence[1].note
    assert found.alternatives == ()


def test_the_tunnel_is_named() -> None:
    found = verdict(facts(hidden(proxied=True)))
    assert "; it travels behind connect shop.test; " in found.evidence[1].note


def test_no_staple_is_hidden_where_none_was_asked_for() -> None:
    assert "so none is hidden" in verdict(facts(hidden(status_request=False))).evidence[1].note
    for doubt in ({"client_hello_cut": True}, {"encrypted_client_hello": True}):
        found = verdict(facts(hidden(status_request=False, **doubt)))
        assert "staple" not in found.evidence[1].note


def test_the_name_of_an_encrypted_client_hello_is_the_outer_one() -> None:
    found = verdict(facts(hidden(encrypted_client_hello=True)))
    assert "shop.test is only its outer name" in found.summary
    assert (found.cause, found.confidence) == ("certificate-encrypted", "confirmed")


def test_keys_that_open_another_part_only() -> None:
    assert "do not open the part that holds it" in verdict(facts(hidden(decrypted=True))).summary


def test_a_query_that_follows_is_offered() -> None:
    query = exchange(shop, time=1)
    found = verdict(facts(hidden(), query))
    assert (found.presence, found.cause, found.confidence, found.status) == (
        "unknown",
        "certificate-encrypted",
        "confirmed",
        None,
    )
    (alternative,) = found.alternatives
    assert alternative.cause == "queried"
    assert shop.serial in alternative.why
    assert "likely its query" in alternative.why
    assert query.frames.request in frames(found)
    assert found.sightings[0].alternatives == found.alternatives


def test_downloads_and_lookups_that_follow_are_evidence() -> None:
    fetch, lookup = crl_fetch(time=1), dns("198.51.100.1", time=2)
    others = (crl_fetch(time=9), crl_fetch(time=1, client=CLIENT))
    found = verdict(facts(hidden(), fetch, lookup, *others))
    assert [e.note for e in found.evidence[2:]] == [
        f"CRL download soon after: {fetch.url}",
        f"DNS lookup soon after: {lookup.name}, which serves OCSP or CRLs",
    ]
    assert found.alternatives == ()


def test_a_query_with_a_visible_certificate_is_not_offered() -> None:
    visible = handshake("shop.test", shop, time=-1)
    explanation = explain(facts(shop, visible, hidden("other.test"), exchange(shop, time=1)))
    (found,) = [v for v in explanation.verdicts if v.host == "other.test"]
    assert found.alternatives == ()


@pytest.mark.parametrize(
    "query",
    [
        exchange(shop, time=6),
        exchange(shop, time=-1),
        exchange(shop, time=1, client=CLIENT),
    ],
    ids=["much later", "before", "of another host"],
)
def test_other_queries_are_not_offered(query: Any) -> None:
    assert verdict(facts(hidden(), query)).alternatives == ()


def test_the_responder_itself_is_not_what_was_asked_about() -> None:
    visit = hidden(RESPONDER_HOST, server=RESPONDER, time=0.9)
    query = exchange(shop, time=1, stream=visit.stream)
    for asked in (query, exchange(shop, time=1)):
        assert verdict(facts(visit, asked), host=RESPONDER_HOST).alternatives == ()


def test_of_several_hidden_certificates_the_nearest_is_favoured() -> None:
    explanation = explain(facts(hidden("a.test"), hidden("b.test", time=0.5), exchange(shop, time=1)))
    why = {v.host: v.alternatives[0].why for v in explanation.verdicts}
    assert "of 2 hidden certificates shortly before it is the nearest" in why["b.test"]
    assert "this is one of them" in why["a.test"]
    assert "likely" not in why["a.test"]


def test_each_query_goes_with_the_handshake_before_it() -> None:
    explanation = explain(
        facts(
            hidden("a.test"),
            exchange(shop, time=0.2),
            hidden("b.test", time=0.5),
            exchange(other, time=0.7),
        )
    )
    why = {v.host: v.alternatives[0].why for v in explanation.verdicts}
    assert shop.serial in why["a.test"]
    assert other.serial not in why["a.test"]
    assert other.serial in why["b.test"]


def test_the_sighting_with_a_query_is_the_headline() -> None:
    found = verdict(facts(hidden(), hidden(time=60), exchange(shop, time=61)))
    assert [a.cause for a in found.alternatives] == ["queried"]
    assert [len(s.alternatives) for s in found.sightings] == [0, 1]


@pytest.mark.parametrize(
    ("transport", "version", "tunnel", "expected"),
    [
        ("udp", "TLS 1.3", None, True),
        ("udp", None, None, True),
        ("tcp", "TLS 1.3", None, False),
    ],
)
def test_what_is_quic(transport: str, version: str | None, tunnel: str | None, expected: bool) -> None:
    assert is_quic(handshake("a.test", transport=transport, version=version, tunnel=tunnel)) is expected


def test_evidence_over_udp_names_its_transport() -> None:
    visit = handshake("shop.test", shop, transport="udp", version="TLS 1.3")
    found = verdict(facts(shop, visit, exchange(shop)))
    assert found.evidence[0].transport == "udp"
    assert "udp.stream eq" in " ".join(f.text for f in evidence_filters(found.evidence[:1]))


def test_quic_past_a_proxy_is_said() -> None:
    visit = hidden(client=CLIENT, transport="udp")
    explanation = explain(facts(handshake("a.test", shop), shop, visit), parent_site())
    # Once, as a finding that shows the connection, and not as a note besides.
    (bypass,) = [finding for finding in explanation.findings if finding.code == "quic-bypass"]
    assert [(item.stream, item.transport) for item in bypass.evidence] == [(visit.stream, "udp")]
    assert not any("QUIC" in note for note in explanation.notes)
    (found,) = [v for v in explanation.verdicts if v.validator.address == CLIENT]
    assert found.summary.endswith("it went past the proxy, which validated nothing.")


@pytest.mark.parametrize("client", [PARENT, CLIENT], ids=["of the proxy itself", "no proxy known"])
def test_quic_that_passed_no_proxy(client: str) -> None:
    context = parent_site() if client == PARENT else Context()
    explanation = explain(facts(hidden(client=client, transport="udp")), context)
    assert not any(finding.code == "quic-bypass" for finding in explanation.findings)


def test_many_quic_connections_make_one_sentence() -> None:
    visits = [hidden(f"{number}.test", client=CLIENT, transport="udp", time=number) for number in range(9)]
    (bypass,) = [f for f in explain(facts(*visits), parent_site()).findings if f.code == "quic-bypass"]
    assert bypass.summary.startswith("9 connections go past the proxies")
    assert "and 6 more" in bypass.summary


def test_only_a_connection_over_quic_is_told_to_block_it() -> None:
    tcp, quic = verdict(facts(hidden())), verdict(facts(hidden(transport="udp")))
    assert tcp.cause == quic.cause == "certificate-encrypted"
    assert not any("UDP" in step for step in tcp.next_steps)
    assert any("block UDP port 443" in step for step in quic.next_steps)
