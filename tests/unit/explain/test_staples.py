"""The rows of the staple ledger."""

from __future__ import annotations

from dataclasses import replace

from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.model import StapleRow
from ocsp_pcap.facts import Facts

from .facts_factory import (
    CHILD,
    DAY,
    PARENT,
    alert,
    at,
    broken,
    certificate,
    facts,
    handshake,
    response,
    single,
)

shop, mail = certificate(), certificate("mail.test")


def rows(seen: Facts) -> dict[tuple[str, str | None], StapleRow]:
    """The rows by validator and host."""
    return {(row.validator.address, row.host): row for row in explain(seen).staples}


def test_a_fresh_staple_and_for_how_long() -> None:
    asked = {"status_request": True}
    seen = facts(
        shop,
        handshake("Shop.test", shop, time=10, staples=(response(shop),), **asked),
        handshake("shop.test", shop, time=20, **asked),
    )
    row = rows(seen)[PARENT, "shop.test"]
    assert (row.handshakes, row.requested, row.sent, row.fresh, row.unseen) == (2, 2, 1, 1, 0)
    assert (row.fresh_until, row.fresh_for) == (at(DAY), at(DAY) - at(10))
    assert (row.stale_since, row.problem, row.refused) == (None, None, 0)


def test_a_stale_staple_and_since_when() -> None:
    old = response(single(shop, this_update=-3 * DAY, next_update=-DAY))
    row = rows(facts(shop, handshake("shop.test", shop, staples=(old,))))[PARENT, "shop.test"]
    assert (row.sent, row.fresh, row.stale_since, row.fresh_until) == (1, 0, at(-DAY), None)
    assert row.problem == "it is stale, its nextUpdate had passed"


def test_a_staple_about_another_certificate_is_not_fresh() -> None:
    row = rows(facts(shop, mail, handshake("shop.test", shop, staples=(response(mail),))))[
        PARENT, "shop.test"
    ]
    assert (row.sent, row.fresh, row.problem) == (1, 0, "it is about another certificate")


def test_refusals_come_first_and_point_to_the_alert() -> None:
    refusal = alert("bad_certificate_status_response")
    seen = facts(
        mail, shop, handshake("mail.test", mail), broken("shop.test", shop, client=CHILD, alerts=(refusal,))
    )
    first, other = explain(seen).staples
    assert (first.host, first.refused, first.validator.address) == ("shop.test", 1, CHILD)
    assert first.evidence[0].frame == refusal.frame
    assert (other.host, other.refused) == ("mail.test", 0)


def test_what_encryption_hides_is_not_called_missing() -> None:
    hidden = handshake("shop.test", certificate_encrypted=True, version="TLS 1.3")
    row = rows(facts(hidden))[PARENT, "shop.test"]
    assert (row.sent, row.unseen) == (0, 1)


def test_a_hello_that_is_cut_does_not_say_that_nothing_was_asked() -> None:
    cut = replace(handshake("shop.test", shop), status_request=False, client_hello_cut=True)
    row = rows(facts(shop, cut))[PARENT, "shop.test"]
    assert (row.requested, row.request_unseen) == (0, 1)


def test_without_a_staple_a_row_leads_to_the_handshake() -> None:
    bare = handshake("shop.test", shop)
    (item,) = rows(facts(shop, bare))[PARENT, "shop.test"].evidence
    assert item.frame == bare.frames.certificate
