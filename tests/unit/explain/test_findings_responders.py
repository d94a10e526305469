"""Findings about responders: those that fail, and those that are slow."""

from __future__ import annotations

from dataclasses import replace

from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.findings import responders_failing
from ocsp_pcap.explain.findings.common import View
from ocsp_pcap.explain.model import Doubt
from ocsp_pcap.facts import CertificateFact, OcspExchangeFact

from .facts_factory import (
    PARENT,
    attempt,
    capture,
    certificate,
    dns,
    exchange,
    facts,
    findings,
    handshake,
    silence,
)

shop = certificate()
outer = handshake("shop.test", shop, time=0.1)
many = [certificate(f"host{n}.test") for n in range(4)]
outers = [handshake(subject.sans[0], subject, time=n) for n, subject in enumerate(many)]


def refused(subject: CertificateFact, time: float) -> OcspExchangeFact:
    return exchange(subject, None, http_status=503, time=time)


def test_answers_that_may_be_missing_are_no_failures() -> None:
    silent = facts(*many, *outers, *(silence(subject, time=n + 0.1) for n, subject in enumerate(many)))
    assert "responders-failing" not in findings(silent)
    heard = [attempt("established", time=n, stream=900 + n) for n in range(len(many))]
    asked = [silence(subject, time=n + 0.1, stream=900 + n) for n, subject in enumerate(many)]
    assert "no-response 4" in findings(facts(*many, *outers, *heard, *asked))["responders-failing"].summary
    lossy = facts(capture(tcp_gaps=1), *many, *outers, *heard, *asked)
    assert "responders-failing" not in findings(lossy)


def test_most_queries_fail() -> None:
    failing = facts(*many, *outers, *(refused(subject, time=n + 0.1) for n, subject in enumerate(many[:3])))
    found = findings(failing)["responders-failing"]
    assert found.severity == "problem"
    assert "about all in vain (http-error 3)" in found.summary
    assert "host0.test, host1.test, host2.test" in found.summary


def test_a_clock_in_doubt_is_no_failing_responder() -> None:
    said = Doubt("clock", "the clock may be wrong")
    verdicts = explain(
        facts(*many, *outers, *(refused(s, time=n + 0.1) for n, s in enumerate(many)))
    ).verdicts
    doubted = [replace(verdict, doubts=(said,)) for verdict in verdicts]
    case = Case(facts(*many), Context())
    assert list(responders_failing.find(View(case, doubted, lambda _: True))) == []
    assert list(responders_failing.find(View(case, verdicts, lambda _: True)))


def test_few_failures_are_no_finding() -> None:
    one = facts(*many, *outers, silence(many[0], time=0.1))
    assert "responders-failing" not in findings(one)
    half = facts(
        *many,
        *outers,
        *(silence(subject, time=n + 0.1) for n, subject in enumerate(many[:2])),
        *(exchange(subject, time=n + 2.1) for n, subject in enumerate(many[2:])),
    )
    assert "responders-failing" not in findings(half)


def test_answers_that_take_long() -> None:
    found = findings(facts(shop, outer, exchange(shop, time=1, delay=3)))["slow-responder"]
    assert "waited for 1 answer longer than a second, at most 3.0 s" in found.summary
    assert "slow-responder" not in findings(facts(shop, outer, exchange(shop, time=1)))


def test_ipv6_is_tried_first() -> None:
    asked = exchange(shop, time=4, client=PARENT)
    lookup = dns(asked.server, "2001:db8::80")
    tried = attempt("unanswered", server="2001:db8::80", time=1)
    found = findings(facts(shop, outer, lookup, tried, asked))["slow-responder"]
    assert "tried 2001:db8::80 over IPv6 first (unanswered), and asked 3.0 s later" in found.summary


def test_the_address_of_the_other_ip_version_is_likely_its_own() -> None:
    asked = exchange(shop, time=4, client=PARENT)
    lookup = dns(asked.server, "2001:db8::80")
    tried = attempt("unanswered", server="2001:db8::80", client="2001:db8::30", time=1)
    found = findings(facts(shop, outer, lookup, tried, asked))["slow-responder"]
    words = (
        "tried 2001:db8::80 over IPv6 first (from 2001:db8::30, likely its own, unanswered), and asked 3.0 s"
    )
    assert words in found.summary
    # Another host, which looked the name up itself.
    own = dns(asked.server, "2001:db8::80", client="2001:db8::30")
    assert "slow-responder" not in findings(facts(shop, outer, lookup, own, tried, asked))
    # Another host of the same IP version.
    stranger = attempt("unanswered", server="198.51.100.9", client="192.0.2.99", time=1)
    both = dns(asked.server, "198.51.100.9")
    assert "slow-responder" not in findings(facts(shop, outer, both, stranger, asked))


def test_late_answers_and_detours_of_one_host_are_one_finding() -> None:
    late = exchange(shop, time=1, delay=3, client=PARENT)
    asked = exchange(shop, time=12, client=PARENT)
    tried = attempt("unanswered", server="2001:db8::80", time=9)
    found = findings(facts(shop, outer, dns(asked.server, "2001:db8::80"), late, tried, asked))
    summary = found["slow-responder"].summary
    assert (
        "at most 3.0 s, and tried 2001:db8::80 over IPv6 first (unanswered), and asked 3.0 s later" in summary
    )
