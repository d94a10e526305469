"""Bounds of explaining: where one cuts a search short, nothing is confirmed that the rest may refute."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from ocsp_pcap import bounds
from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.forecast import forecast
from ocsp_pcap.explain.grounds import absences
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import After, Due
from ocsp_pcap.explain.grounds.weigh import standing_doubts
from ocsp_pcap.explain.model import Explanation, Sighting
from ocsp_pcap.explain.question import Question
from ocsp_pcap.facts import Fact
from ocsp_pcap.report.html import render_html
from ocsp_pcap.report.json import explanation_to_text
from ocsp_pcap.report.markdown import render_markdown
from ocsp_pcap.report.schema import load
from ocsp_pcap.report.text import render_text

from .facts_factory import (
    CHILD,
    CLIENT,
    PARENT,
    PARENT_INSIDE,
    PROXY_CA,
    RESPONDER,
    at,
    attempt,
    capture,
    certificate,
    crl_fetch,
    dns,
    exchange,
    facts,
    handshake,
    outcome,
    question,
    response,
    single,
    verdict,
)


@pytest.fixture(autouse=True)
def _bounds_as_before() -> Iterator[None]:
    yield
    bounds.set_to({})
    bounds.take_reached()


SHOP, OTHER, BARE = certificate(), certificate("other.test"), certificate(serial="ba", ocsp=())
ELSEWHERE = certificate("else.test", ocsp=("http://else.test/",))
REISSUED = certificate(issuer=PROXY_CA)
V6 = "2001:db8::30"
STALE = response(single(SHOP, next_update=-1000))
CRL = attempt("established", time=0.2)


def fresh(time: float) -> tuple[Fact, ...]:
    """A visit with a fresh staple, and a query right after."""
    return handshake("shop.test", SHOP, time=time, staples=(response(SHOP),)), exchange(SHOP, time=time + 0.1)


def visits(*times: float, **other: Any) -> tuple[Fact, ...]:
    return tuple(handshake("else.test", ELSEWHERE, time=time, **other) for time in times)


@dataclass(frozen=True)
class Story:
    """What a cause is confirmed by; what changes nothing; what speaks against it, and as which doubt."""

    cause: str
    doubt: str
    told: tuple[Fact, ...]
    crowd: tuple[Fact, ...]
    rival: tuple[Fact, ...]
    context: dict[str, Any] = field(default_factory=dict)

    def sighting(self, *more: Fact) -> Sighting:
        """Return what is said of the first handshake that was told."""
        everything = facts(SHOP, OTHER, BARE, ELSEWHERE, REISSUED, capture(), *self.told, *self.crowd, *more)
        in_order = replace(
            everything,
            handshakes=tuple(sorted(everything.handshakes, key=lambda fact: fact.time)),
            ocsp_exchanges=tuple(sorted(everything.ocsp_exchanges, key=lambda fact: fact.time)),
        )
        explanation = explain(in_order, Context(**self.context))
        (found,) = (
            sighting
            for verdict in explanation.verdicts
            for sighting in verdict.sightings
            if sighting.stream == self.told[0].stream  # type: ignore[union-attr]
        )
        return found


STORIES = {
    "another certificate names the responder": Story(
        "dns-failed",
        "other-purpose",
        (handshake("shop.test", SHOP), dns(rcode="NXDOMAIN")),
        visits(-3, -2, 0.1, 0.2),
        (handshake("other.test", OTHER, time=-10),),
    ),
    "another program received a certificate that names the responder": Story(
        "dns-failed",
        "other-asker",
        (handshake("shop.test", SHOP, hello_fingerprint="a"), dns(rcode="NXDOMAIN")),
        (*visits(-3, -2, 0.1, 0.2, hello_fingerprint="a"), *visits(-500, hello_fingerprint="b")),
        (handshake("shop.test", SHOP, time=-10, hello_fingerprint="b"),),
    ),
    "a certificate of another issuer came for this host at that moment": Story(
        "queried",
        "other-asker",
        (handshake("shop.test", SHOP), exchange(SHOP)),
        tuple(handshake("shop.test", SHOP, time=time) for time in (-4, -3, -2)),
        (handshake("shop.test", REISSUED, time=4),),
    ),
    "another host asked around the query": Story(
        "queried",
        "other-asker",
        (handshake("shop.test", SHOP), exchange(SHOP)),
        (
            handshake("shop.test", SHOP, time=-5, client=CLIENT),
            *(exchange(SHOP, time=time, client=CLIENT) for time in (-3, -2, -1)),
            handshake("shop.test", SHOP, time=-5, client=CHILD),
        ),
        (exchange(SHOP, time=0.9, delay=1, client=CHILD),),
    ),
    "another handshake with the certificate brought no staple": Story(
        "queried",
        "other-purpose",
        fresh(0),
        (*fresh(-4), *fresh(-3), *fresh(-2)),
        (handshake("shop.test", SHOP, time=-1),),
    ),
    "a handshake hides its certificate beside staples": Story(
        "queried",
        "other-purpose",
        fresh(0),
        tuple(
            handshake("else.test", time=time, certificate_encrypted=True, version="TLS 1.3")
            for time in (-6, -5, -4)
        ),
        (handshake("shop.test", time=-3, certificate_encrypted=True, version="TLS 1.3"),),
    ),
    "an attempt to reach the responder came to nothing readable": Story(
        "staple-invalid",
        "unread-question",
        (
            handshake("shop.test", SHOP, staples=(STALE,)),
            dns(RESPONDER, time=0.1),
            CRL,
            crl_fetch(stream=CRL.stream),
        ),
        tuple(attempt("established", time=0.3 + n / 10, stream=CRL.stream) for n in range(3)),
        (attempt("established", time=2),),
    ),
    "a later lookup of the responder succeeded": Story(
        "dns-failed",
        "unread-question",
        (handshake("shop.test", SHOP), dns(rcode="NXDOMAIN")),
        tuple(dns(rcode="NXDOMAIN", time=0.6 + n / 10) for n in range(3)),
        (dns(RESPONDER, time=3),),
    ),
    "the other address of the host asked": Story(
        "staple-invalid",
        "other-place",
        (handshake("shop.test", SHOP, staples=(STALE,)),),
        (
            *(handshake("shop.test", SHOP, time=0.5, client=f"2001:db8:9::{n}") for n in range(3)),
            *(exchange(SHOP, time=1 + n / 10, client=f"2001:db8:9::{n}") for n in range(3)),
            handshake("shop.test", SHOP, time=-100, client=V6),
        ),
        (exchange(SHOP, time=2, client=V6),),
    ),
    "another client received a certificate of another issuer": Story(
        "no-ocsp-url",
        "reissue-open",
        (handshake("shop.test", BARE),),
        tuple(handshake("shop.test", BARE, time=0.1 + n / 10, client=CLIENT) for n in range(3)),
        (handshake("shop.test", REISSUED, time=2, client="10.9.0.9"),),
    ),
}


ALWAYS_FOUND = {
    "another certificate names the responder",
    "a certificate of another issuer came for this host at that moment",
    "another handshake with the certificate brought no staple",
    "a handshake hides its certificate beside staples",
    "an attempt to reach the responder came to nothing readable",
    "another client received a certificate of another issuer",
}
"""Stories in which what speaks against it is found in one step, however much stands beside it."""


def left_open(found: Sighting) -> set[str]:
    """Doubts that stand because a bound was reached."""
    return {doubt.code for doubt in found.doubts if "a bound of this program was reached" in doubt.why}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_what_speaks_against_it_is_found(story: Story) -> None:
    """Each story holds: confirmed without the rival, and not confirmed with it."""
    without = story.sighting()
    assert (without.cause, without.confidence) == (story.cause, "confirmed"), without.doubts
    against = story.sighting(*story.rival)
    assert (against.cause, against.confidence) != (story.cause, "confirmed")
    assert not left_open(against)


@pytest.fixture
def few_compared() -> Iterator[None]:
    bounds.adjust({"compared": 2})
    yield
    bounds.set_to({})


@pytest.mark.usefixtures("few_compared")
@pytest.mark.parametrize("name", sorted(ALWAYS_FOUND))
def test_a_busy_host_is_searched_as_a_quiet_one(name: str) -> None:
    story = STORIES[name]
    without, against = story.sighting(), story.sighting(*story.rival)
    assert (without.cause, without.confidence) == (story.cause, "confirmed"), without.doubts
    assert (against.cause, against.confidence) != (story.cause, "confirmed")
    assert not left_open(against)


@pytest.mark.reaches("compared")
@pytest.mark.parametrize("name", sorted(STORIES.keys() - ALWAYS_FOUND))
def test_what_is_left_out_leaves_nothing_confirmed(name: str) -> None:
    story = STORIES[name]
    bounds.adjust({"compared": 2})
    found = story.sighting(*story.rival)
    assert found.confidence != "confirmed"
    assert story.doubt in left_open(found)


def seen(*items: Fact) -> tuple[Sighting, Explanation]:
    """Return what is said of the last handshake of the parent, and all."""
    explanation = explain(facts(SHOP, OTHER, *items))
    sightings = [s for v in explanation.verdicts if v.validator.address == PARENT for s in v.sightings]
    return max(sightings, key=lambda sighting: sighting.time), explanation


@pytest.mark.reaches("legs")
def test_a_hello_of_which_not_all_legs_are_compared_may_be_another_hosts() -> None:
    inner = handshake("shop.test", SHOP, client=CLIENT, server=PARENT_INSIDE, proxied=True, random="aa")
    outer = handshake("shop.test", SHOP, time=0.1, random="aa")
    assert seen(inner, outer, exchange(SHOP))[0].cause == "not-intercepted"
    bounds.adjust({"legs": 1})
    found, _ = seen(inner, outer, exchange(SHOP))
    assert (found.cause, found.confidence) != ("queried", "confirmed")
    assert "may-tunnel" in left_open(found)
    alone, _ = seen(handshake("shop.test", SHOP, time=0.1), exchange(SHOP))
    assert (alone.cause, alone.confidence) == ("queried", "confirmed")


def test_a_request_is_followed_through_many_proxies_and_no_further() -> None:
    hops = [f"10.7.0.{n}" for n in range(6)]
    handed_on = [
        exchange(SHOP, time=1 + n / 100, client=client, server=server)
        for n, (client, server) in enumerate(pairwise(hops))
    ]
    visit = handshake("shop.test", SHOP, client=hops[0])
    assert Case(facts(SHOP, visit, *handed_on), Context()).askers.credit(handed_on[-1]).asker == hops[0]
    bounds.adjust({"legs": 2})
    case = Case(facts(SHOP, visit, *handed_on), Context())
    assert case.cut_short == "legs"
    (sighting,) = (s for v in explain(case.facts).verdicts for s in v.sightings)
    assert sighting.confidence != "confirmed"
    assert "may-tunnel" in left_open(sighting)


@pytest.mark.reaches("agreeing_visits")
def test_a_proxy_whose_addresses_are_not_all_known_may_have_asked_elsewhere() -> None:
    child = {"client": CHILD, "server": PARENT_INSIDE, "proxied": True}
    steps = [handshake("other.test", OTHER, time=t, **child) for t in (-50, -40)]
    steps += [handshake("other.test", OTHER, time=t + 0.1, client=CLIENT) for t in (-50, -40)]
    told = (*steps, handshake("shop.test", SHOP), exchange(SHOP))
    assert seen(*told)[0].confidence == "confirmed"
    bounds.adjust({"agreeing_visits": 1})
    assert left_open(seen(*told)[0]) == {"other-place"}


@pytest.mark.reaches("clock_pairs")
def test_an_offset_from_a_sample_leaves_the_order_in_doubt() -> None:
    child = {"client": CHILD, "server": PARENT_INSIDE, "proxied": True, "capture": "child.pcap"}
    legs = [handshake("other.test", OTHER, time=t, **child) for t in (0, 10, 20)]
    legs += [handshake("other.test", OTHER, time=t + 0.1, capture="parent.pcap") for t in (0, 10, 20)]
    order = Claim("queried", "", grounds=(After(("child.pcap", at(0)), ("parent.pcap", at(1))),))

    def doubts() -> list[Standing]:
        return list(standing_doubts(question(facts(OTHER, *legs), OTHER), order))

    assert not doubts()
    bounds.adjust({"clock_pairs": 8})
    (doubt,) = doubts()
    assert doubt.code == "clock"
    assert "--bound clock_pairs=N" in doubt.why


@pytest.mark.reaches("compared")
def test_a_bound_that_was_reached_is_a_sentence_in_every_form_and_of_this_explanation_only() -> None:
    story = STORIES["a later lookup of the responder succeeded"]
    told = facts(SHOP, *story.told, *story.crowd)
    bounds.adjust({"compared": 2})
    bounds.reached("certificates")
    short = explain(told)
    (sentence,) = short.bounds_reached
    assert re.fullmatch(
        r"a bound of this program was reached (?:once|\d+ times): at most 2 handshakes, queries, lookups or "
        r"attempts of one span of time that an answer is compared with \(--bound compared=N changes it\)",
        sentence,
    )
    text = io.StringIO()
    render_text(short, console=Console(file=text, width=400))
    document = json.loads("".join(explanation_to_text(short)))
    jsonschema.Draft202012Validator(load("explanation")).validate(document)
    assert document["bounds_reached"] == [sentence]
    for form in (text.getvalue(), render_markdown(short).replace("\\", ""), render_html(short)):
        assert sentence in form
    assert bounds.take_reached() == {"certificates": 1}
    bounds.set_to({})
    whole = explain(told)
    assert not whole.bounds_reached
    assert "bounds_reached" not in json.loads("".join(explanation_to_text(whole)))


@pytest.mark.reaches("legs")
def test_a_forecast_says_it_too() -> None:
    legs = [handshake("shop.test", SHOP, client=client, random="aa") for client in (CLIENT, PARENT)]
    assert not forecast(facts(SHOP, *legs)).notes
    bounds.adjust({"legs": 1})
    (note,) = forecast(facts(SHOP, *legs)).notes
    assert "a bound of this program was reached once: at most 1 legs of one ClientHello" in note


def test_a_key_that_many_certificates_share_is_found_among_all_of_them() -> None:
    others = [certificate(f"h{n}.test", PROXY_CA, serial=f"{n + 1:x}", ocsp=()) for n in range(50)]
    made = certificate(issuer=PROXY_CA, ocsp=(), public_key_sha256=others[-1].public_key_sha256)
    told = [handshake(each.sans[0], each, time=n) for n, each in enumerate((*others, made))]
    assert outcome(facts(made, *others, *told))[1] != "confirmed"
    assert outcome(facts(made, *others[:-1], *told[:-2], told[-1])) == ("no-ocsp-url", "confirmed")


def test_a_stranger_is_found_among_many_that_ask() -> None:
    hosts = [f"10.9.0.{n}" for n in range(40)]
    asked = [exchange(SHOP, time=-900, client=host) for host in hosts]
    received = [handshake("shop.test", SHOP, time=-901, client=host) for host in hosts]
    stale = handshake("shop.test", SHOP, staples=(STALE,))
    assert outcome(facts(SHOP, stale, *received, *asked))[1] == "confirmed"
    found = verdict(facts(SHOP, stale, *received[:-1], *asked))
    assert [doubt.code for doubt in found.doubts] == ["other-place"]


def test_a_failure_after_a_hidden_handshake_is_found_however_many_there_were() -> None:
    hidden = [
        handshake("shop.test", time=100 + number, certificate_encrypted=True, version="TLS 1.3")
        for number in range(30)
    ]
    told = (SHOP, handshake("shop.test", SHOP), exchange(SHOP, time=0.1), *hidden)
    last = handshake("shop.test", SHOP, time=400)

    def doubts(*failed: Fact) -> list[str]:
        case = Case(facts(*told, last, *failed), Context())
        asked = Question(case, case.visits[-1], SHOP)
        return [each.code for each in absences.checks_only_some(asked, Due(asked.visit.time))]

    assert doubts() == []
    assert doubts(dns(rcode="NXDOMAIN", time=100.1)) == ["checks-only-some"]
    assert doubts(dns(RESPONDER, time=100.1)) == []
