"""Stories in which the site file or a trace says something else than packets, or more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.grounds.claim import Claim, Standing
from ocsp_pcap.explain.grounds.weigh import weigh
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.trace_entry import TraceEntry
from ocsp_pcap.facts import Facts

from .facts_factory import (
    CHILD,
    PARENT,
    PARENT_INSIDE,
    PROXY_CA,
    RESPONDER_HOST,
    at,
    attempt,
    certificate,
    dns,
    exchange,
    facts,
    findings_of,
    handshake,
    outcome,
    reissued,
    site,
    verdict,
)

SHOP, NEWS, COPY = certificate(), certificate("news.test"), reissued()
VISITS = (
    handshake("shop.test", SHOP, client=CHILD, server=PARENT_INSIDE, proxied=True),
    handshake("shop.test", SHOP, time=0.05),
)


OFF = site(parent={"ocsp": False, "intercepts": True, "addresses": frozenset({PARENT})})
LINES = (TraceEntry("policy.trace", 4, at(0.5), "shop.test", "cached"),)
OTHER_LINES = (TraceEntry("policy.trace", 4, at(0.5), "news.test", "query"),)


@pytest.mark.parametrize(
    ("seen", "trace", "cause"),
    [
        (facts(SHOP, VISITS[1]), LINES, "cached"),
        (facts(SHOP, VISITS[1]), OTHER_LINES, "unexplained"),
        (facts(SHOP, NEWS, VISITS[1], exchange(NEWS, time=30)), (), "cached"),
        (facts(SHOP, VISITS[1], exchange(SHOP)), (), "queried"),
        (facts(SHOP, VISITS[1], exchange(SHOP, time=-50)), (), "cached"),
        (facts(SHOP, VISITS[1], dns(rcode="NXDOMAIN")), (), "dns-failed"),
    ],
    ids=["traced", "trace of another host", "asks of another", "asked", "asked before", "looked up"],
)
def test_where_the_site_file_says_off_and_ocsp_is_seen_the_contradiction_is_told(
    seen: Facts, trace: Any, cause: str
) -> None:
    found = verdict(seen, site=OFF, trace=trace)
    assert (found.cause, found.confidence != "confirmed") == (cause, True)
    assert "told-otherwise" in {doubt.code for doubt in found.doubts}
    assert "the site file" in found.summary
    if cause == "unexplained":
        assert {"ocsp-disabled"} <= {each.cause for each in found.alternatives}
        assert "contradict" in found.summary


def test_a_trace_beside_a_proxy_that_is_off_may_be_that_of_the_other_one() -> None:
    two = site(
        child={"ocsp": True}, parent={"ocsp": False, "intercepts": True, "addresses": frozenset({PARENT})}
    )
    assert outcome(facts(SHOP, VISITS[1]), site=two, trace=LINES) == ("ocsp-disabled", "confirmed")


FORWARDS = site(
    parent={"forwarding_host": "fwd.corp.test:3128", "intercepts": True, "addresses": frozenset({PARENT})}
)


def test_a_forwarding_host_whose_name_does_not_resolve() -> None:
    failed = dns(name="fwd.corp.test", rcode="NXDOMAIN")
    found = verdict(facts(SHOP, VISITS[1], failed), site=FORWARDS)
    assert (found.presence, found.cause, found.confidence) == ("attempted", "dns-failed", "confirmed")
    assert "the forwarding host fwd.corp.test:3128" in found.summary
    assert not any(RESPONDER_HOST in step for step in found.next_steps)
    assert outcome(facts(SHOP, VISITS[1], failed))[0] == "unexplained"
    resolved = dns("10.1.1.9", name="fwd.corp.test"), attempt("refused", server="10.1.1.9", server_port=3128)
    assert outcome(facts(SHOP, VISITS[1], *resolved), site=FORWARDS)[0] == "responder-unreachable"


@pytest.mark.parametrize("asked", [True, False])
def test_one_capture_with_a_private_responder_brings_advice(asked: bool) -> None:
    """What the proxy makes may name a responder of its own; the side that would tell is not there."""
    private = "http://ocsp.corp.test/"
    made = [certificate(name, PROXY_CA, ocsp=(private,)) for name in ("shop.test", "news.test")]
    visits = [
        handshake(each.sans[0], each, client=CHILD, server=PARENT_INSIDE, proxied=True, time=20 * number)
        for number, each in enumerate(made)
    ]
    queries = [
        exchange(each, client=CHILD, url=private, server="10.1.0.77", time=20 * number + 1)
        for number, each in enumerate(made)
    ]
    seen = facts(*made, *visits, *(queries if asked else ()))
    (told,) = findings_of(seen, "ocsp-on-wrong-proxy")
    assert (told.severity, "may be reissued" in told.summary) == ("advice", True)
    assert (" asks about" in told.summary) is asked
    if not asked:
        assert "reissued-certificate" in {each.cause for each in verdict(seen, CHILD).alternatives}
    public = [replace(each, scts=2) for each in made]
    assert not findings_of(facts(*public, *visits, *(queries if asked else ())), "ocsp-on-wrong-proxy")
    alone = facts(made[0], visits[0], *queries[: int(asked)])
    assert not findings_of(alone, "ocsp-on-wrong-proxy")


def test_what_only_the_site_file_says_is_said_with_what_rests_on_it() -> None:
    """Were it wrong, and packets that contradict it missing, the sentence would be true all the same."""
    here, inside, egress = PARENT, PARENT_INSIDE, "10.4.0.30"
    everywhere = frozenset({here, inside, egress})
    told = site(parent={"intercepts": True, "addresses": everywhere})

    def summary(*seen: Any, cause: str, **given: Any) -> str:
        found = verdict(facts(SHOP, *seen), **given)
        assert (found.cause, found.confidence) == (cause, "confirmed")
        return found.summary

    words = summary(VISITS[1], exchange(SHOP, client=egress), cause="queried", site=told)
    said = f"the parent proxy {here} makes its own TLS connections"
    assert words.endswith(f"; {egress} and {here} are one host and {said}, says the site file.")
    assert "site file" not in summary(VISITS[1], exchange(SHOP), cause="queried")
    legs = [
        handshake("shop.test", SHOP, client=client, server=server, proxied=proxied, random="ab" * 32)
        for client, server, proxied in ((CHILD, inside, True), (here, "203.0.113.10", False))
    ]
    one_host = f"; {inside} and {here} are one host, says the site file"
    assert one_host in summary(*legs, cause="not-intercepted", site=told)
    assert "site file" not in summary(*legs, cause="not-intercepted")


@pytest.mark.parametrize("trace", [(), LINES], ids=["query", "line of a trace"])
def test_what_only_the_site_file_says_of_programs_and_traces_is_said_too(trace: Any) -> None:
    """The leg behind the proxy stands for one of two handshakes; the child, out of sight, may trace, too."""
    told = {
        intercepts: site(
            child={"addresses": frozenset({"10.9.9.9"})},
            parent={"intercepts": intercepts, "addresses": frozenset({PARENT, PARENT_INSIDE})},
        )
        for intercepts in (None, True)
    }
    inner = handshake("shop.test", COPY, client=CHILD, server=PARENT_INSIDE, proxied=True, time=-0.1)
    own = handshake("shop.test", SHOP, hello_fingerprint="one")
    beside = handshake("shop.test", SHOP, time=-0.8, hello_fingerprint="other")
    seen = (own,) if trace else (COPY, inner, own, beside, exchange(SHOP))
    said = f"the parent proxy {PARENT} makes its own TLS connections, says the site file."
    for intercepts, sure in ((None, "likely"), (True, "confirmed")):
        found = verdict(facts(SHOP, *seen), PARENT, site=told[intercepts], trace=trace)
        assert (found.cause, found.confidence) == ("cached" if trace else "queried", sure)
        assert found.summary.endswith(said) is (sure == "confirmed")
        assert found.summary.count("makes its own") == int(sure == "confirmed")


def test_what_the_site_file_takes_away_takes_no_other_doubt_of_the_kind_with_it() -> None:
    case = Case(facts(SHOP, VISITS[1]), Context())
    question = Question(case, case.visits[0], SHOP)
    signs = Standing("other-asker", "the two are one host", given=True), Standing("other-asker", "another")
    for order in (signs, signs[::-1]):
        weighed = weigh(question, Claim("queried", "it asked", signs=order), ((),))
        assert (weighed.confidence, weighed.doubts) == ("likely", (signs[1],))
    assert weigh(question, Claim("queried", "it asked", signs=signs[:1]), ((),)).given == signs[:1]
