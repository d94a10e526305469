"""Taking packets away makes an answer less sure; it never makes a different one certain that was not true.

Facts are removed from complete stories, and every ``confirmed`` verdict about the rest is compared with
the whole. A different cause may be confirmed only where the whole story confirms it, too, beside its
headline (a staple beside a query, say), or where it is one of :data:`ONLY_WITHOUT`: then what the first
answer rested on must be gone, and nothing in what remains tells of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.model import Verdict
from ocsp_pcap.explain.question import Question
from ocsp_pcap.facts import CaptureFact, CertificateFact, Fact, Facts
from tests.unit.explain.weighing import weighed

from .facts_factory import (
    CHILD,
    CLIENT,
    PARENT,
    PARENT_INSIDE,
    PROXY_CA,
    RESPONDER,
    SECOND,
    alert,
    attempt,
    authority,
    broken,
    certificate,
    connection,
    dns,
    error,
    exchange,
    facts,
    handshake,
    reissued,
    response,
    silence,
    single,
    site,
    site_authority,
)

Key: TypeAlias = tuple[str, str | None]

ONLY_WITHOUT: Final[Mapping[str, str]] = {
    "staple-invalid": "that no query followed is part of the cause: a whole connection may be missing unseen",
    "cached": "an earlier answer covers, and the query that was sent all the same is missing",
    "ocsp-disabled": "the site file says so; the traffic that contradicted it is missing",
    "http-error": "the try that succeeded is missing, one that failed remains",
    "responder-error": "the try that succeeded is missing, one that failed remains",
    "response-invalid": "the try that succeeded is missing, one that failed remains",
    "no-response": "the try that succeeded is missing, one that was never answered remains",
    "dns-failed": "the lookup that succeeded, and the query, are missing; one that failed remains",
    "responder-unreachable": "the connection that was opened is missing, one that was refused remains",
}
"""Causes that a rest may confirm although the whole story says otherwise, and why that cannot be told."""


def one_proxy() -> list[Fact]:
    """One validator, without a site file: every way to ask and not to ask."""
    hosts = ("shop", "bank", "mail", "news", "silent", "stale", "again", "wiki")
    shop, bank, mail, news, silent, stale, again, wiki = (certificate(f"{host}.test") for host in hosts)
    bare, short = certificate("bare.test", ocsp=()), certificate("short.test", ocsp=(), days=5)
    lost = silence(silent, time=41, closed="fin")
    answered = [exchange(shop, time=1), exchange(again, time=61), exchange(stale, time=51)]
    old = response(single(stale, next_update=-100))
    return [
        shop, bank, mail, news, silent, stale, again, wiki, bare, short,
        handshake("shop.test", shop, time=0),
        handshake("shop.test", shop, time=30),
        handshake("shop.test", time=35, resumed=True, resumption="ticket"),
        handshake("bank.test", bank, time=10, staples=(response(bank),)),
        exchange(bank, time=11),
        handshake("mail.test", mail, time=20),
        exchange(mail, None, time=21, http_status=503),
        exchange(mail, error("tryLater"), time=22),
        exchange(mail, time=23),
        handshake("news.test", news, time=100),
        dns(time=100.2, kind="AAAA"),
        dns(RESPONDER, time=100.3),
        attempt("refused", time=100.5),
        attempt("established", time=100.8),
        handshake("silent.test", silent, time=40),
        lost,
        connection(lost),
        handshake("stale.test", stale, time=50, staples=(old,)),
        handshake("again.test", again, time=60),
        handshake("again.test", again, time=160),
        broken("wiki.test", wiki, time=200, alerts=(alert("bad_certificate"),)),
        dns(rcode="NXDOMAIN", time=200.4),
        dns(RESPONDER, time=200.5),
        handshake("bare.test", bare, time=300),
        handshake("short.test", short, time=310),
        *answered,
        *map(connection, answered),
    ]  # fmt: skip


def chain(*, intercepts: bool) -> list[Fact]:
    """Three legs in two captures with clocks 90 seconds apart."""
    items: list[Fact] = []
    proxy_ca = authority(PROXY_CA)
    for number, host in enumerate(("shop.test", "bank.test", "bare.test")):
        t = 20 * number
        origin = certificate(host, ocsp=() if host == "bare.test" else ("http://ocsp.ca.test/",))
        shown = reissued(host, issuer_sha256=proxy_ca.sha256) if intercepts else origin
        relayed = {"random": f"{number:02x}"}
        items += [
            origin,
            shown,
            handshake(host, shown, client=CLIENT, server=CHILD, proxied=True, time=t, **relayed),
            handshake(
                host, shown, client=CHILD, server=PARENT_INSIDE, proxied=True, time=t + 0.1, **relayed
            ),
            handshake(
                host, shown, client=CHILD, server=PARENT_INSIDE, proxied=True, time=t - 89.9,
                capture="b.pcap", **relayed,
            ),
            handshake(host, origin, time=t - 89.8, capture="b.pcap", **({} if intercepts else relayed)),
        ]  # fmt: skip
        if host != "bare.test":
            asker = PARENT if intercepts else CLIENT
            query = exchange(origin, time=t - 89, capture="b.pcap", client=asker)
            items += [query, connection(query)]
    return [proxy_ca, *items]


PROXIES = site(
    child={"ocsp": True},
    parent={"ocsp": False, "ca": (site_authority(authority(PROXY_CA)),), "cache_ttl": 300 * SECOND},
)
STORIES: Final[Mapping[str, tuple[list[Fact], Context]]] = {
    "one proxy": (one_proxy(), Context()),
    "one proxy, told": (one_proxy(), Context(site=site(parent={"ocsp": True}))),
    "one proxy that is told to be off": (one_proxy(), Context(site=site(parent={"ocsp": False}))),
    "intercepting": (chain(intercepts=True), Context()),
    "intercepting, told": (chain(intercepts=True), Context(site=PROXIES)),
    "intercepting, by options": (
        chain(intercepts=True),
        Context(capture_roles={"a.pcap": "child", "b.pcap": "parent"}),
    ),
    "tunnelling": (chain(intercepts=False), Context()),
    "tunnelling, told": (chain(intercepts=False), Context(site=site(child={}, parent={"intercepts": False}))),
}


def verdicts(seen: Facts, context: Context) -> dict[Key, Verdict]:
    return {
        (v.validator.address, v.certificate.sha256): v
        for v in explain(seen, context).verdicts
        if v.certificate is not None
    }


def everything_confirmed(seen: Facts, context: Context) -> dict[Key, set[str]]:
    """All causes that are confirmed for any sighting, whether or not they became the headline."""
    case = Case(seen, context)
    held: dict[Key, set[str]] = defaultdict(set)
    for visit in case.visits:
        for position, subject in enumerate(case.chain(visit.handshake)):
            question = Question(case, visit, subject, position)
            held[visit.handshake.client, subject.sha256] |= {
                one.claim.cause for one in weighed(question) if one.confidence == "confirmed"
            }
    return held


def frames_of(items: list[Fact]) -> set[tuple[str, int]]:
    """(capture, frame) of everything that some facts are made of."""
    found: set[tuple[str, int]] = set()
    for item in items:
        if not isinstance(item, CaptureFact | CertificateFact):
            shown = (getattr(item.frames, name) for name in item.frames.__slots__)
            found |= {(item.capture, frame) for frame in shown if frame is not None}
    return found


WHOLE: dict[str, Any] = {}


def whole(name: str) -> Any:
    if name not in WHOLE:
        items, context = STORIES[name]
        seen = facts(*items)
        WHOLE[name] = (seen, verdicts(seen, context), everything_confirmed(seen, context))
    return WHOLE[name]


@pytest.mark.parametrize("name", STORIES)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_rest_confirms_nothing_that_the_whole_denies(name: str, data: st.DataObject) -> None:
    items, context = STORIES[name]
    seen, before, held = whole(name)
    places = [n for n, item in enumerate(items) if not isinstance(item, CertificateFact)]
    gone = data.draw(st.sets(st.sampled_from(places)))
    rest = [item for n, item in enumerate(items) if n not in gone]
    removed = frames_of([items[n] for n in gone])
    # A capture does not shrink by what is taken out of it here.
    for key, after in verdicts(facts(*seen.captures, *rest), context).items():
        if after.confidence != "confirmed" or key not in before or after.cause == before[key].cause:
            continue
        if after.cause in held[key]:
            continue
        assert after.cause in ONLY_WITHOUT, (before[key].cause, after.cause, after.summary)
        rested_on = {(e.capture, e.frame) for e in before[key].evidence}
        sure = before[key].confidence == "confirmed"
        assert not sure or rested_on & removed, (before[key].summary, after.summary)


def test_the_stories_tell_many_causes() -> None:
    """Otherwise the property above would say little."""
    causes = {v.cause for name in STORIES for v in whole(name)[1].values()}
    assert causes >= {
        "queried",
        "no-response",
        "no-ocsp-url",
        "short-lived",
        "reissued-certificate",
        "not-intercepted",
    }


def test_the_stories_hold_together() -> None:
    """Nothing removed, nothing changed: the property compares like with like."""
    for name, (items, context) in STORIES.items():
        assert verdicts(facts(*items), context) == whole(name)[1]


SHOP = certificate()
VISIT = handshake("shop.test", SHOP)
QUERY = exchange(SHOP, time=3)
STALE = response(single(SHOP, next_update=-1000))
LOST = silence(SHOP, time=2, closed="fin")
OFF = site(parent={"ocsp": False, "intercepts": True, "addresses": frozenset({PARENT})})


@pytest.mark.parametrize(
    ("cause", "kept"),
    [
        ("staple-invalid", [handshake("shop.test", SHOP, staples=(STALE,))]),
        ("cached", [exchange(SHOP, time=-500), VISIT]),
        ("ocsp-disabled", [VISIT]),
        ("http-error", [VISIT, exchange(SHOP, None, http_status=503)]),
        ("responder-error", [VISIT, exchange(SHOP, error("tryLater"))]),
        ("response-invalid", [VISIT, exchange(SHOP, response(SHOP, signature="invalid", signer=None))]),
        ("no-response", [VISIT, LOST, connection(LOST)]),
        ("dns-failed", [VISIT, dns(rcode="SERVFAIL")]),
        ("responder-unreachable", [VISIT, dns(RESPONDER), attempt("refused")]),
    ],
)
def test_what_a_rest_cannot_tell(cause: str, kept: list[Fact]) -> None:
    """Each exception is real: it states what remains, and is true of that."""
    context = Context(site=OFF) if cause == "ocsp-disabled" else Context()
    key = PARENT, SHOP.sha256
    assert verdicts(facts(SHOP, *kept, QUERY, connection(QUERY)), context)[key].cause == "queried"
    alone = verdicts(facts(SHOP, *kept), context)[key]
    assert (alone.cause, alone.confidence) == (cause, "confirmed")
    assert cause in ONLY_WITHOUT
