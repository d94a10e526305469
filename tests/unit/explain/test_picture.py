"""The picture of the chain: who is there, what each link carried, where OCSP should have gone."""

from __future__ import annotations

from typing import Any

from ocsp_pcap.explain.case import Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.model import Picture
from ocsp_pcap.facts import Fact, Facts

from .facts_factory import (
    CHILD,
    DAY,
    PARENT,
    PARENT_INSIDE,
    RESPONDER_HOST,
    attempt,
    certificate,
    crl_fetch,
    dns,
    exchange,
    facts,
    handshake,
    reissued,
    response,
    silence,
    single,
    site,
)

shop, mail = certificate(), certificate("mail.test")
inside = reissued()
chain = (
    shop, inside,
    handshake("shop.test", inside, client=CHILD, server=PARENT_INSIDE, proxied=True),
    handshake("shop.test", shop, time=0.1),
)  # fmt: skip


def picture(*items: Fact, hosts: tuple[str, ...] = (), **context: Any) -> Picture:
    return explain(facts(*items), Context(**context), hosts).picture


def links(drawn: Picture) -> set[tuple[str, str, str]]:
    kinds = {node.id: node.kind for node in drawn.nodes}
    return {(kinds[link.source], kinds[link.target], link.kind) for link in drawn.links}


def test_nothing_seen_draws_nothing() -> None:
    assert explain(Facts()).picture == Picture()


def test_hosts_stand_in_the_order_of_the_way_to_the_origin() -> None:
    drawn = picture(*chain, exchange(shop), site=site(child={"ocsp": True}, parent={"ocsp": True}))
    assert [(node.kind, node.name) for node in drawn.nodes] == [
        ("child", CHILD), ("parent", PARENT), ("responder", RESPONDER_HOST), ("origin", "shop.test"),
    ]  # fmt: skip
    assert drawn.nodes[0].notes == ("site: OCSP on",)
    assert {
        ("child", "parent", "tls"), ("parent", "origin", "tls"), ("parent", "responder", "ocsp")
    } <= links(drawn)  # fmt: skip
    (asked,) = [link for link in drawn.links if link.kind == "ocsp"]
    assert asked.label == "1 OCSP request: good"
    assert [item.frame for item in asked.evidence]


def test_where_ocsp_should_have_gone_a_ghost_goes_with_the_reason() -> None:
    drawn = picture(*chain, site=site(child={"ocsp": True}, parent={"ocsp": False}))
    ghosts = {link.kind: link for link in drawn.links if link.kind in ("missing", "impossible")}
    assert ("parent", "responder", "missing") in links(drawn)
    assert "OCSP is off" in ghosts["missing"].label


def test_staples_failures_and_crls() -> None:
    stapled = handshake("shop.test", shop, staples=(response(shop),))
    drawn = picture(shop, mail, stapled, handshake("mail.test", mail), silence(mail), crl_fetch())
    assert {
        ("origin", "host", "staple"), ("host", "responder", "needless"), ("host", "responder", "ocsp-failed"),
        ("host", "crl", "crl"),
    } <= links(drawn)  # fmt: skip


def test_a_query_is_not_missing_where_the_packets_do_not_decide() -> None:
    visits = [handshake("shop.test", shop, time=60 * number) for number in range(2)]
    explanation = explain(facts(shop, *visits))
    assert [verdict.confidence for verdict in explanation.verdicts] == ["possible"]
    assert {link.kind for link in explanation.picture.links} == {"tls", "hidden"}


def test_only_what_is_good_is_drawn_as_good() -> None:
    stale = response(single(shop, this_update=-2 * DAY, next_update=-DAY))
    revoked = response(single(mail, "revoked"))
    drawn = picture(
        shop, mail,
        handshake("shop.test", shop, staples=(stale,)), handshake("mail.test", mail, staples=(revoked,)),
        exchange(shop, "unknown"), exchange(mail, "revoked"),
    )  # fmt: skip
    found = {link.kind: link.label for link in drawn.links}
    assert not {"staple", "ocsp"} & set(found)
    assert found["staple-unusable"].startswith("1 OCSP staple, not usable: it is stale")
    assert found["staple-revoked"] == "1 OCSP staple in the handshakes: REVOKED"
    assert found["ocsp-unknown"] == "1 OCSP request: unknown"
    assert found["ocsp-revoked"] == "1 OCSP request: REVOKED"


def test_an_attempt_without_a_packet_to_the_responder_is_drawn_as_failed() -> None:
    drawn = picture(shop, handshake("shop.test", shop), dns("198.51.100.1"), attempt())
    assert ("host", "responder", "ocsp-failed") in links(drawn)


def test_a_forwarding_host_stands_between() -> None:
    asked = exchange(shop, server="10.3.0.1", via_proxy=True)
    drawn = picture(shop, handshake("shop.test", shop), asked)
    assert {("host", "proxy", "ocsp"), ("proxy", "responder", "hidden")} <= links(drawn)


def test_many_hosts_of_a_kind_are_one_figure() -> None:
    visits = [
        item
        for number in range(30)
        for item in (
            handshake(f"h{number}.test", shop, client=f"10.9.0.{number}"),
            exchange(shop, client=f"10.9.0.{number}"),
        )
    ]
    drawn = picture(shop, *visits)
    assert [node.title for node in drawn.nodes] == ["30 TLS clients", "OCSP responder", "30 origins"]
    assert len(drawn.links) < 6
    labels = {link.kind: link.label for link in drawn.links}
    assert labels["tls"] == "30 TLS handshakes: 1 certificate"
    assert labels["ocsp"] == "30 OCSP requests: good"


def test_chosen_hosts_choose_what_is_drawn() -> None:
    both = (shop, mail, handshake("shop.test", shop), handshake("mail.test", mail), exchange(shop))
    drawn = picture(*both, hosts=("mail.test",))
    assert [node.name for node in drawn.nodes if node.kind == "origin"] == ["mail.test"]
    assert not any(link.kind == "ocsp" for link in drawn.links)


def test_only_what_a_proxy_made_is_called_reissued() -> None:
    genuine = handshake("mail.test", mail, client=CHILD, server=PARENT_INSIDE, proxied=True, time=9)

    def label(*seen: Fact) -> str:
        drawn = picture(*chain, mail, *seen, site=site(child={}, parent={}))
        kinds = {node.id: node.kind for node in drawn.nodes}
        (told,) = {each.label for each in drawn.links if each.kind == "tls" and kinds[each.source] == "child"}
        return told

    assert label() == "1 TLS handshake: 1 certificate reissued by Proxy CA"
    assert label(genuine) == "2 TLS handshakes: 2 certificates, 1 reissued by Proxy CA"
    other = reissued("news.test", "CN=Other CA")
    visits = (
        handshake("news.test", other, client=CHILD, server=PARENT_INSIDE, proxied=True, time=20),
        handshake("news.test", certificate("news.test"), time=20.1),
    )
    assert label(other, certificate("news.test"), *visits) == (
        "2 TLS handshakes: 2 certificates reissued by Proxy CA and others"
    )
