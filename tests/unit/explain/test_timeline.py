"""Timelines of validators."""

from __future__ import annotations

from ocsp_pcap.explain.engine import explain

from .facts_factory import (
    CHILD,
    DAY,
    PARENT,
    at,
    certificate,
    exchange,
    facts,
    handshake,
    response,
    silence,
    single,
)

shop, mail = certificate(), certificate("mail.test")


def test_a_lane_tells_handshakes_queries_and_how_long_the_answer_covers() -> None:
    visits = (handshake("shop.test", shop), handshake("shop.test", shop, time=60))
    (line,) = explain(facts(shop, *visits, exchange(shop))).timelines
    (lane,) = line.lanes
    assert (line.validator.address, lane.name, lane.certificate) == (PARENT, "shop.test", shop.sha256)
    assert [(event.kind, event.time) for event in lane.events] == [
        ("handshake", at(0)), ("query", at(1)), ("handshake", at(60)),
    ]  # fmt: skip
    assert [(cover.start, cover.end) for cover in lane.covers] == [(at(1.1), at(DAY))]
    assert "answered good" in lane.events[1].label


def test_a_revoked_answer_does_not_look_like_a_good_one() -> None:
    seen = facts(shop, handshake("shop.test", shop), exchange(shop, "revoked"))
    (lane,) = explain(seen).timelines[0].lanes
    assert [event.kind for event in lane.events] == ["handshake", "revoked"]
    assert [cover.status for cover in lane.covers] == ["revoked"]


def test_staples_and_failures_have_marks_of_their_own() -> None:
    stapled = handshake("shop.test", shop, staples=(response(shop),))
    seen = facts(shop, mail, stapled, handshake("mail.test", mail, time=5), silence(mail, time=6))
    (line,) = explain(seen).timelines
    kinds = {lane.name: [event.kind for event in lane.events] for lane in line.lanes}
    assert kinds == {"shop.test": ["staple"], "mail.test": ["handshake", "failed"]}
    (cover,) = line.lanes[0].covers
    assert "staple" in cover.label


def test_staples_that_cannot_be_used_or_say_revoked_look_so() -> None:
    stale = handshake(
        "shop.test", shop, staples=(response(single(shop, this_update=-2 * DAY, next_update=-DAY)),)
    )
    bad = handshake("mail.test", mail, staples=(response(single(mail, "revoked")),), time=5)
    (line,) = explain(facts(shop, mail, stale, bad)).timelines
    kinds = {lane.name: [event.kind for event in lane.events] for lane in line.lanes}
    assert kinds == {"shop.test": ["staple-unusable"], "mail.test": ["staple-revoked"]}
    covers = {lane.name: [cover.status for cover in lane.covers] for lane in line.lanes}
    assert covers == {"shop.test": [], "mail.test": ["revoked"]}


def test_an_answer_unknown_is_not_drawn_as_good() -> None:
    seen = facts(shop, handshake("shop.test", shop), exchange(shop, "unknown"))
    (lane,) = explain(seen).timelines[0].lanes
    assert [event.kind for event in lane.events] == ["handshake", "unknown"]


def test_each_validator_has_its_own_those_that_ask_first() -> None:
    seen = facts(
        shop, handshake("shop.test", shop, client=CHILD), handshake("shop.test", shop), exchange(shop)
    )
    assert [line.validator.address for line in explain(seen).timelines] == [PARENT, CHILD]


def test_many_certificates_are_counted_where_there_is_no_room() -> None:
    known = [certificate(f"h{number}.test") for number in range(50)]
    visits = [handshake(f"h{number}.test", each, time=number) for number, each in enumerate(known)]
    (line,) = explain(facts(*known, *visits)).timelines
    assert (len(line.lanes), line.omitted) == (20, 30)
