"""Findings about responders, hidden certificates, and connections that pass the proxies by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.engine import explain
from ocsp_pcap.explain.findings import responders_failing
from ocsp_pcap.explain.findings.common import View
from ocsp_pcap.explain.model import Doubt, Finding
from ocsp_pcap.facts import Facts

from .facts_factory import (
    CHILD,
    PARENT,
    PARENT_INSIDE,
    alert,
    attempt,
    capture,
    certificate,
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

shop, fake = certificate(), reissued()
inner = handshake("shop.test", fake, client=CHILD, server=PARENT_INSIDE, proxied=True)
outer = handshake("shop.test", shop, time=0.1)
many = [certificate(f"host{n}.test") for n in range(4)]
outers = [handshake(subject.sans[0], subject, time=n) for n, subject in enumerate(many)]


def findings(seen: Facts, **told: Any) -> dict[str, Finding]:
    context = Context(site=site(**({"child": {}, "parent": {}} | told)))
    return {f.code: f for f in explain(seen, context).findings}


def test_most_queries_fail() -> None:
    failing = facts(*many, *outers, *(silence(subject, time=n + 0.1) for n, subject in enumerate(many[:3])))
    found = findings(failing)["responders-failing"]
    assert found.severity == "problem"
    assert "about all in vain (no-response 3)" in found.summary
    assert "host0.test, host1.test, host2.test" in found.summary


def test_a_clock_in_doubt_is_no_failing_responder() -> None:
    said = Doubt("clock", "the clock may be wrong")
    verdicts = explain(
        facts(*many, *outers, *(silence(s, time=n + 0.1) for n, s in enumerate(many)))
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


def hidden(host: str, time: float, **other: Any) -> Any:
    return handshake(host, time=time, version="TLS 1.3", certificate_encrypted=True, **other)


def test_hidden_certificates_and_the_best_guess() -> None:
    good, bad = certificate("a.test"), certificate("b.test")
    revoked = response(single(bad, "revoked"))
    seen = facts(
        capture(),
        hidden("a.test", 0),
        hidden("b.test", 100),
        exchange(good, time=0.3),
        exchange(bad, revoked, time=100.4),
    )
    found = findings(seen)["certificates-hidden"]
    assert found.severity == "advice"
    assert "2 handshakes hide their certificates" in found.summary
    first, second = found.summary.index("answered REVOKED"), found.summary.index("answered good")
    assert first < second
    assert "0.4 s after the handshake with b.test: probably for it" in found.summary


def test_nothing_hidden_is_no_finding() -> None:
    assert "certificates-hidden" not in findings(facts(shop, outer))


def test_quic_past_the_proxies() -> None:
    client = replace(
        handshake("video.test", time=1, client="10.9.9.9"), transport="udp", version="TLS 1.3", tunnel=None
    )
    found = findings(facts(shop, fake, inner, outer, client))["quic-bypass"]
    assert "1 connection goes past the proxies as QUIC: video.test" in found.summary
    own = replace(client, client=PARENT)
    assert "quic-bypass" not in findings(facts(shop, fake, inner, outer, own))


def test_some_hosts_are_tunnelled() -> None:
    bank = certificate("bank.test")
    random = {"client_random": "ab" * 32, "server_random": "cd" * 32}
    behind = replace(
        handshake("bank.test", bank, client=CHILD, server=PARENT_INSIDE, proxied=True, time=5), **random
    )
    before = replace(handshake("bank.test", bank, time=5.1), **random)
    told = {"parent": {"addresses": frozenset({PARENT, PARENT_INSIDE})}}
    found = findings(facts(shop, fake, bank, inner, outer, behind, before), **told)
    assert "only tunnels bank.test, and intercepts shop.test" in found["selective-interception"].summary
    assert "selective-interception" not in findings(facts(shop, fake, inner, outer), **told)


def test_ocsp_at_the_child_as_well() -> None:
    both = facts(shop, fake, inner, outer, exchange(shop))
    found = findings(both, child={"ocsp": True}, parent={"ocsp": True})
    assert found["ocsp-on-child-too"].severity == "advice"
    assert "ocsp-on-wrong-proxy" not in found
    assert "ocsp-on-child-too" not in findings(both, child={"ocsp": False}, parent={"ocsp": True})
    assert "ocsp-on-child-too" not in findings(both, parent={"ocsp": True})
    genuine = facts(shop, handshake("shop.test", shop, client=CHILD, server=PARENT_INSIDE, proxied=True))
    assert "ocsp-on-child-too" not in findings(genuine, child={"ocsp": True}, parent={"ocsp": True})


def test_clients_that_give_up() -> None:
    def ended(description: str, **other: Any) -> Facts:
        given_up = replace(inner, alerts=(alert(description),), complete=False)
        return facts(shop, replace(fake, **other), given_up, outer)

    found = findings(ended("certificate_unknown"))["reissued-without-revocation"]
    assert f"{CHILD} ended the handshake" in found.summary
    assert "(shop.test)" in found.summary
    assert "reissued-without-revocation" not in findings(ended("unknown_ca"))
    assert "reissued-without-revocation" not in findings(
        ended("certificate_unknown", crl_urls=("http://c.test/1.crl",))
    )
    assert "reissued-without-revocation" not in findings(facts(shop, fake, inner, outer))


def test_a_server_that_staples() -> None:
    mine = certificate("www.test")
    served = handshake("www.test", mine, client="10.9.9.9", server="10.5.5.5")
    found = findings(facts(mine, served, exchange(mine, client="10.5.5.5", time=1)))
    assert "10.5.5.5 asks about its own certificate (1 query)" in found["staple-fetch"].summary
    asked = facts(shop, outer, exchange(shop, time=1))
    assert "staple-fetch" not in findings(asked)


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
