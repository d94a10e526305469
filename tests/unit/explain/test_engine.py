"""From the rules' answers to verdicts: which one is the headline, and what a verdict sums up."""

from __future__ import annotations

import pytest

from ocsp_pcap.explain.causes import CAUSES
from ocsp_pcap.explain.engine import RANK, explain
from ocsp_pcap.facts import Facts, HandshakeFact

from .facts_factory import (
    CHILD,
    PARENT,
    RESPONDER,
    alert,
    alternatives,
    authority,
    broken,
    capture,
    certificate,
    dns,
    exchange,
    facts,
    frames,
    handshake,
    response,
    silence,
    verdict,
    verdicts,
)

URL = ("http://ocsp.ca.test/",)
shop = certificate()
middle = authority("CN=Middle", self_signed=False, ocsp=URL)


def test_nothing_seen_explains_nothing() -> None:
    found = explain(Facts())
    assert (found.verdicts, found.findings, found.chains, found.notes) == ((), (), (), ())


def test_every_cause_has_its_place() -> None:
    assert set(RANK) == {code for code, entry in CAUSES.items() if entry.kind == "cause"}


def test_one_verdict_sums_up_all_visits_of_a_certificate() -> None:
    visits = [handshake("shop.test", shop, time=t) for t in (200, 0, 100)]
    (found,) = explain(facts(shop, *visits, exchange(shop, time=101))).verdicts
    assert found.cause == "queried"
    assert [s.time for s in found.sightings] == sorted(visit.time for visit in visits)
    assert [s.frame for s in found.sightings] == [visits[n].frames.certificate for n in (1, 2, 0)]


def test_each_validator_has_its_own_verdict() -> None:
    seen = facts(
        shop, handshake("shop.test", shop), handshake("shop.test", shop, client=CHILD), exchange(shop)
    )
    assert {address: v.cause for (address, _), v in verdicts(seen).items()} == {
        PARENT: "queried",
        CHILD: "unexplained",
    }


def test_each_certificate_has_its_own_verdict() -> None:
    """One name, two certificates, as on a CDN: the query was for one of them."""
    other = certificate(serial="abc")
    visits = [handshake("shop.test", shop), handshake("shop.test", other, time=1)]
    found = explain(facts(shop, other, *visits, exchange(other, time=1.5))).verdicts
    causes = {v.certificate.sha256: v.cause for v in found if v.certificate}
    assert causes[other.sha256] == "queried"
    assert causes[shop.sha256] != "queried"


def test_the_strongest_sighting_is_the_headline() -> None:
    """Present before attempted before absent before unknown."""
    stapled = handshake("shop.test", shop, staples=(response(shop),))
    bare = handshake("shop.test", shop, time=100)
    assert verdict(facts(shop, stapled, bare)).cause == "stapled"
    tried = facts(shop, stapled, bare, silence(shop, time=101))
    assert verdict(tried).presence == "attempted"
    asked = facts(shop, stapled, bare, silence(shop, time=101), handshake("shop.test", shop, time=200))
    assert verdict(facts(*asked, exchange(shop, time=201))).presence == "present"


@pytest.mark.parametrize(
    "beside",
    [
        handshake("shop.test", time=50, resumed=True, resumption="ticket"),
        broken("shop.test", shop, time=50, alerts=(alert("unknown_ca"),)),
        broken("shop.test", time=50, alerts=(alert("protocol_version"),)),
    ],
    ids=["resumed", "failed", "failed before the certificate"],
)
def test_what_explains_only_itself_is_no_headline(beside: HandshakeFact) -> None:
    """The handshake that showed the certificate remains unexplained, or hidden by a filter."""
    visit = handshake("shop.test", shop)
    found = verdict(facts(shop, visit, beside))
    assert (found.cause, found.confidence, len(found.sightings)) == ("unexplained", "possible", 2)
    if not beside.certificates:
        hidden = facts(capture(ports_seen=(53, 443)), shop, visit, dns(RESPONDER), beside)
        assert verdict(hidden).cause == "capture-filtered"


def test_the_chain_is_explained_without_its_root() -> None:
    root = authority()
    found = explain(facts(shop, middle, root, handshake("shop.test", shop, middle, middle, root))).verdicts
    roles = {v.certificate.sha256: v.chain_role for v in found if v.certificate}
    assert roles == {shop.sha256: "leaf", middle.sha256: "intermediate"}
    alone = explain(facts(root, handshake("shop.test", root))).verdicts
    assert [v.chain_role for v in alone] == ["leaf"]


def test_a_query_for_the_issuer_is_not_one_for_the_leaf() -> None:
    seen = facts(shop, middle, handshake("shop.test", shop, middle), exchange(middle))
    causes = {v.chain_role: v.cause for v in explain(seen).verdicts}
    assert causes["intermediate"] == "queried"
    assert causes["leaf"] != "queried"


def test_what_holds_besides_the_headline_stays_as_evidence() -> None:
    stapled = handshake("shop.test", shop, staples=(response(shop),))
    found = verdict(facts(shop, stapled, exchange(shop)))
    assert found.cause == "queried"
    assert stapled.frames.certificate_status in frames(found)
    assert found.alternatives == ()


def test_alternatives_stand_under_what_is_not_confirmed_only() -> None:
    found = verdict(facts(shop, handshake("shop.test", shop)))
    assert alternatives(found) == {"ocsp-disabled", "cached"}
    assert "unexplained" not in alternatives(found)
    (sighting,) = found.sightings
    assert sighting.alternatives == found.alternatives


def test_a_handshake_without_certificate_stands_alone_where_none_is_known() -> None:
    hidden = [handshake("shop.test", certificate_encrypted=True, time=t) for t in (0, 9)]
    (found,) = explain(facts(*hidden)).verdicts
    assert found.certificate is None
    assert (found.host, found.cause, len(found.sightings)) == ("shop.test", "certificate-encrypted", 2)


@pytest.mark.parametrize(
    ("sni", "connect", "host"),
    [("a.test", "b.test", "a.test"), (None, "b.test", "b.test"), (None, None, "shop.test")],
)
def test_the_host_is_the_sni_else_that_of_connect_else_the_first_name(
    sni: str | None, connect: str | None, host: str
) -> None:
    (found,) = explain(facts(shop, handshake(sni, shop, connect_host=connect))).verdicts
    assert found.host == host


def test_hosts_are_chosen_by_pattern() -> None:
    other = certificate("www.other.test")
    seen = facts(shop, other, handshake("shop.test", shop), handshake("www.other.test", other))
    chosen = [v.host for v in explain(seen, hosts=["*.OTHER.test"]).verdicts]
    assert chosen == ["www.other.test"]
    assert len(explain(seen, hosts=["shop.*", "*.other.*"]).verdicts) == 2


def test_sentences_and_next_steps_are_for_human_beings() -> None:
    found = verdict(facts(shop, handshake("shop.test", shop), exchange(shop, None, http_status=503)))
    assert found.summary[0].isupper() or found.summary[0].isdigit()
    assert found.summary.endswith(".")
    assert any("ocsp.ca.test" in step for step in found.next_steps)


def test_certificates_that_the_facts_do_not_hold_are_left_out() -> None:
    (found,) = explain(facts(handshake("shop.test", shop))).verdicts
    assert found.certificate is None
