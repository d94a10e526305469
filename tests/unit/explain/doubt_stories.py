"""For each cause with proofs a story that confirms it; for each doubt a change that lets exactly it stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from ocsp_pcap.explain.grounds import absences, kinds, messages, purposes, senders, tunnels
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.kinds import Ground, Kind
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.site import Source
from ocsp_pcap.explain.trace_entry import TraceEntry
from ocsp_pcap.explain.visits import Query
from ocsp_pcap.facts import (
    CaptureFact,
    CertificateFact,
    DnsLookupFact,
    ExchangeFrames,
    Fact,
    HandshakeFact,
    HandshakeFrames,
    OcspExchangeFact,
    ResponseFact,
    TcpAttemptFact,
)

from .facts_factory import (
    BEGIN,
    CHILD,
    CLIENT,
    PARENT,
    PARENT_INSIDE,
    PROXY_CA,
    RESPONDER,
    RESPONDER_HOST,
    SECOND,
    alert,
    at,
    attempt,
    authority,
    broken,
    capture,
    certificate,
    connection,
    dns,
    error,
    exchange,
    handshake,
    reissued,
    response,
    silence,
    single,
    site,
    site_authority,
)


@dataclass(frozen=True)
class Story:
    """Facts, what the user told, and the handshake and certificate that are asked about."""

    visit: HandshakeFact
    subject: CertificateFact | None
    more: tuple[Fact, ...] = ()
    capture: CaptureFact = field(default_factory=capture)
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def items(self) -> tuple[Fact, ...]:
        """All facts."""
        subject = () if self.subject is None else (self.subject,)
        return (self.capture, *subject, self.visit, *self.more)

    def with_more(self, *more: Fact) -> Story:
        """The story with further facts."""
        return replace(self, more=(*self.more, *more))

    def told_that(self, **told: Any) -> Story:
        """The story with other words of the user."""
        return replace(self, told={**self.told, **told})

    def captured(self, **changes: Any) -> Story:
        """The story with other properties of its capture."""
        return replace(self, capture=replace(self.capture, **changes))

    def edited(self, old: Fact, **changes: Any) -> Story:
        """The story with one fact changed."""
        new: Any = replace(old, **changes)  # type: ignore[type-var]
        if old is self.visit:
            return replace(self, visit=new)
        if old is self.subject:
            return replace(self, subject=new)
        assert any(item is old for item in self.more)
        return replace(self, more=tuple(new if item is old else item for item in self.more))


SHOP, BARE = certificate(), certificate(ocsp=())
ORIGIN, FAKE = certificate(serial="5a"), reissued()
AUTHORITY = authority(PROXY_CA)
SIGNED = reissued(serial="6b", issuer_sha256=AUTHORITY.sha256)
ALONE = frozenset({PARENT})
LOST = silence(SHOP, time=2, closed="fin")
LINE = TraceEntry("policy.trace", 2, at(0), "shop.test", "cached")


def shop(*more: Fact, **told: Any) -> Story:
    """A visit of shop.test, whose certificate names a responder."""
    return Story(handshake("shop.test", SHOP), SHOP, more, told=told)


def only(subject: CertificateFact | None, **other: Any) -> Story:
    """One visit, and nothing else."""
    return Story(handshake("shop.test", *(() if subject is None else (subject,)), **other), subject)


def to_parent(subject: CertificateFact, **other: Any) -> HandshakeFact:
    """The leg from the child to the parent."""
    return handshake("shop.test", subject, client=CHILD, server=PARENT_INSIDE, proxied=True, **other)


STORIES: Final[Mapping[str, tuple[Story, ...]]] = {
    "queried": (shop(exchange(SHOP)),),
    "response-invalid": (shop(exchange(SHOP, response(single(SHOP, next_update=-1000)))),),
    "responder-error": (shop(exchange(SHOP, error("tryLater"))),),
    "http-error": (shop(exchange(SHOP, None, http_status=503)),),
    "no-response": (shop(LOST, connection(LOST)),),
    "responder-unreachable": (shop(dns(RESPONDER), attempt("refused")),),
    "dns-failed": (shop(dns(rcode="NXDOMAIN")),),
    "not-intercepted": (
        Story(
            handshake("shop.test", SHOP, time=0.1, random="aa"), SHOP, (to_parent(SHOP, random="aa"),)
        ).told_that(site=site(child={}, parent={})),
    ),
    "session-resumed": (only(None, resumed=True, resumption="ticket"),),
    "handshake-failed": (
        Story(broken("shop.test", early_end=True, closed="rst"), None),
        Story(broken("shop.test", SHOP, alerts=(alert("unknown_ca"),)), SHOP),
    ),
    "stapled": (only(SHOP, staples=(response(SHOP),)),),
    "staple-invalid": (only(SHOP, staples=(response(single(SHOP, next_update=-1000)),)),),
    "cached": (shop(exchange(SHOP, time=-50)), shop(trace=(LINE,))),
    "reissued-certificate": (
        Story(to_parent(FAKE), FAKE, (ORIGIN, handshake("shop.test", ORIGIN, time=0.3))).told_that(
            site=site(parent={})
        ),
    ),
    "short-lived": (only(certificate(ocsp=(), days=5)),),
    "no-ocsp-url": (only(BARE),),
    "no-responder-for-issuer": (
        shop(site=site(parent={"issuers": ("CN=Corp CA",), "intercepts": True, "addresses": ALONE})),
    ),
    "certificate-encrypted": (only(None, certificate_encrypted=True, version="TLS 1.3"),),
    "ocsp-disabled": (shop(site=site(parent={"ocsp": False, "intercepts": True, "addresses": ALONE})),),
    "capture-incomplete": (Story(broken("shop.test", missing_bytes=1200), None),),
}
"""Cause: stories in which it is confirmed, which together have every kind of ground of its proofs."""


def first(claim: Claim, kind: Kind) -> Any:
    """The first ground of a kind."""
    return next(ground for ground in claim.grounds if isinstance(ground, kind))


def _fact(ground: kinds.Sent | kinds.For) -> OcspExchangeFact | DnsLookupFact | TcpAttemptFact:
    return ground.act.exchange if isinstance(ground.act, Query) else ground.act


def _seconds(time: int) -> float:
    return (time - BEGIN) / SECOND


def _bytes_missing(story: Story, ground: kinds.Saw) -> Story:
    fact = ground.fact
    if isinstance(fact, HandshakeFact):
        if ground.part == "end":
            return story.captured(dropped=3)
        return story.edited(
            fact, **({"missing_bytes": 9} if ground.part == "staple" else {"server_hello_cut": True})
        )
    assert isinstance(fact, OcspExchangeFact)
    if fact.http_status != 200:
        return story.edited(fact, missing_bytes=9)
    return story.edited(fact, frames=ExchangeFrames(None, fact.frames.response))


def _bytes_disputed(story: Story, ground: kinds.Saw | kinds.Read) -> Story:
    """Packets disagree about bytes behind the ClientHello: of those in it the host's name is one."""
    frames = ground.fact.frames
    last = frames.client_hello if isinstance(frames, HandshakeFrames) else frames.request
    assert last is not None
    return story.edited(ground.fact, ambiguous=(last + 1, last + 2))


def _other_hops(story: Story, ground: kinds.Sent) -> Story:
    return story.edited(_fact(ground), client_ttl=63).edited(story.visit, client_ttl=64)


def _hands_on_another(story: Story, _: Ground) -> Story:
    """The validator is seen to tunnel another connection."""
    inner = handshake("else.test", client=CLIENT, server=PARENT, proxied=True, random="ee", time=-20)
    outer = handshake("else.test", client=PARENT, random="ee", time=-19.9)
    return story.with_more(inner, outer)


def _inner_side_not_captured(story: Story, _: Ground) -> Story:
    return story.told_that(site=site(parent={"ocsp": False, "addresses": ALONE}))


def _asks_of_some_issuers_only(story: Story, _: Ground) -> Story:
    """The same, of a proxy of which it is not said that it intercepts."""
    return story.told_that(site=site(parent={"issuers": ("CN=Corp CA",), "addresses": ALONE}))


def _hidden_just_before(story: Story, ground: kinds.For) -> Story:
    time = _seconds(_fact(ground).time) - 0.05
    return story.with_more(handshake(None, certificate_encrypted=True, version="TLS 1.3", time=time))


def _for_something_else(story: Story, ground: kinds.For) -> Story:
    fact = _fact(ground)
    if isinstance(fact, OcspExchangeFact):
        later = fact.response_time + 100 * SECOND if fact.response_time is not None else None
        return story.edited(fact, time=fact.time + 100 * SECOND, response_time=later)
    assert story.subject is not None
    return story.edited(story.subject, crl_urls=(f"http://{RESPONDER_HOST}/ca.crl",))


def _issuer_not_seen(story: Story, _: kinds.Means) -> Story:
    assert story.subject is not None
    return story.edited(story.subject, issuer_key_hashes=(), authority_key_id=None, issuer_sha256=None)


def _runs_out_within_minutes(story: Story, ground: kinds.Held) -> Story:
    soon = replace(ground.single, next_update=ground.time + (-100 if ground.refuted else 100) * SECOND)

    def until(answer: ResponseFact) -> ResponseFact:
        return replace(answer, singles=tuple(soon if one is ground.single else one for one in answer.singles))

    for item in story.more:
        if isinstance(item, OcspExchangeFact) and item.response is not None:
            story = story.edited(item, response=until(item.response))
    return story.edited(story.visit, staples=tuple(map(until, story.visit.staples)))


def _clock_set_back(story: Story, _: Ground) -> Story:
    return story.captured(step_back=2 * SECOND)


def _capture_ends(story: Story, ground: kinds.Silence | kinds.NoOtherTry | kinds.Unanswered) -> Story:
    if isinstance(ground, kinds.Unanswered):
        last = ground.fact.time + SECOND
    else:
        last = ground.since + SECOND if isinstance(ground, kinds.NoOtherTry) else story.visit.client_data_time
    return story.captured(last_time=last)


def _capture_drops(story: Story, _: Ground) -> Story:
    return story.captured(dropped=3)


def _stranger_asks(story: Story, _: Ground) -> Story:
    return story.with_more(exchange(story.subject, client="10.9.9.9", time=300))


def _tls_to_the_responder(story: Story, ground: kinds.Silence | kinds.NoOtherTry) -> Story:
    time = _seconds(ground.since) + 1
    return story.with_more(
        handshake(RESPONDER_HOST, client=PARENT, server=RESPONDER, time=time, certificate_encrypted=True)
    )


def _port_not_captured(story: Story, _: Ground) -> Story:
    return story.captured(ports_seen=(443,))


def _failed_before(story: Story, ground: kinds.Due) -> Story:
    """An earlier query about the certificate failed."""
    return story.with_more(exchange(story.subject, None, http_status=503, time=_seconds(ground.since) - 30))


def _asked_for_a_nearer_one(story: Story, ground: kinds.Alone) -> Story:
    time = _seconds(ground.since)
    assert story.subject is not None
    return story.with_more(
        handshake("shop.test", story.subject, time=time + 2), exchange(story.subject, time=time + 3)
    )


def _asked_when_it_had_run_out(story: Story, ground: kinds.Alone) -> Story:
    """By the TTL override of the site file, so that asking again says nothing of its habits."""
    told = site(parent={"cache_ttl": 52 * SECOND, "intercepts": True, "addresses": ALONE})
    return _asked_for_a_nearer_one(story, ground).told_that(site=told)


def _weak_source(story: Story, ground: kinds.Told) -> Story:
    (parent,) = story.told["site"].proxies
    weak = Source("squid.conf", 3, "squid", "acl", firm=False)
    told = replace(parent, sources=(("ocsp", weak), ("issuers", weak)))
    return story.told_that(site=replace(story.told["site"], proxies=(told,)))


def _other_line(story: Story, ground: kinds.Traced, **changes: Any) -> Story:
    return story.told_that(trace=(replace(ground.entry, **changes),))


def _line_without_date(story: Story, ground: kinds.Traced) -> Story:
    return _other_line(story, ground, dated=False)


def _another_visit(story: Story, _: Ground) -> Story:
    return story.with_more(handshake("shop.test", SHOP, time=0.5))


def _through_a_proxy(story: Story, _: Ground) -> Story:
    return story.edited(story.visit, tunnel="connect", connect_host="shop.test", server_port=3128)


def _other_side_not_captured(_: Story, __: Ground) -> Story:
    told = site(child={}, parent={"ca": (site_authority(AUTHORITY),)})
    return Story(to_parent(SIGNED), SIGNED, (AUTHORITY,)).told_that(site=told)


def _said_to_be_off(story: Story, _: kinds.Sent) -> Story:
    return story.told_that(site=site(parent={"ocsp": False, "intercepts": True, "addresses": ALONE}))


def _lines_are_mixed(story: Story, ground: kinds.Traced) -> Story:
    return _other_line(story, ground, certain=False)


Change: TypeAlias = Callable[[Story, Any], Story]
CHANGES: Final[Mapping[Callable[[Question, Any], Iterator[Standing]], Change]] = {
    messages.packets_lost: _bytes_missing,
    messages.ambiguous_bytes: _bytes_disputed,
    senders.other_asker: _other_hops,
    senders.told_otherwise: _said_to_be_off,
    tunnels.may_tunnel: _hands_on_another,
    purposes.hidden_rival: _hidden_just_before,
    purposes.other_purpose: _for_something_else,
    messages.trust_open: _issuer_not_seen,
    messages.validity_clock: _runs_out_within_minutes,
    messages.order_clock: _clock_set_back,
    absences.span_not_covered: _capture_ends,
    absences.packets_lost: _capture_drops,
    absences.other_place: _stranger_asks,
    absences.unread_question: _tls_to_the_responder,
    absences.capture_blind: _port_not_captured,
    absences.checks_only_some: _failed_before,
    absences.asked_beside: _asked_for_a_nearer_one,
    messages.told_otherwise: _weak_source,
    messages.trace_told_otherwise: _lines_are_mixed,
    messages.source_clock: _line_without_date,
    messages.trace_rivals: _another_visit,
    messages.reissue_open: _through_a_proxy,
}
"""What lets a doubt stand, in whatever story."""
OWN_CHANGES: Final[Mapping[tuple[str, Kind, str], Change]] = {
    ("ocsp-disabled", kinds.Received, "may-tunnel"): _inner_side_not_captured,
    ("no-responder-for-issuer", kinds.Received, "may-tunnel"): _asks_of_some_issuers_only,
    ("cached", kinds.Alone, "other-purpose"): _asked_when_it_had_run_out,
    ("reissued-certificate", kinds.Genuine, "reissue-open"): _other_side_not_captured,
}
"""The same for one cause, where its story needs another change."""
SIGNS_ONLY: Final = frozenset(
    {"capture-filtered", "failure-cached", "leaf-only", "ocsp-over-tls", "unexplained"}
)
"""Causes that nothing proves."""
