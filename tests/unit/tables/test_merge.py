"""Facts of several runs as those of one."""

from __future__ import annotations

from dataclasses import replace

from ocsp_pcap.facts import Facts
from ocsp_pcap.tables.merge import better, merged, strangers

from .parts import capture, certificate, sample


def test_one_source_stays_as_it_is() -> None:
    facts = sample("staples")
    assert merged([facts])[0] is facts


def test_sources_follow_each_other() -> None:
    first, second = sample("direct"), sample("staples")
    facts, names = merged([first, second])
    assert facts.captures == first.captures + second.captures
    assert facts.handshakes == first.handshakes + second.handshakes
    assert list(facts.certificates) == list(first.certificates | second.certificates)
    assert names == [{c.path: c.path for c in each.captures} for each in (first, second)]


def test_a_capture_that_both_know_counts_once() -> None:
    facts = sample("staples")
    again, names = merged([facts, facts])
    assert again == facts
    assert names[0] == names[1]


def test_another_capture_of_the_same_name_gets_a_name_of_its_own() -> None:
    path = "capture.pcap"
    one, two = sample("direct"), sample("handshake-failed")
    one, two = (
        replace(
            facts,
            captures=(replace(facts.captures[0], path=path),),
            **{
                name: tuple(replace(fact, capture=path) for fact in getattr(facts, name))
                for name in ("handshakes", "ocsp_exchanges", "crl_fetches", "dns_lookups", "tcp_attempts")
            },
        )
        for facts in (one, two)
    )
    facts, names = merged([one, two, one, two])
    assert [c.path for c in facts.captures] == [path, f"{path}#2"]
    assert names == [{path: path}, {path: f"{path}#2"}] * 2
    assert [h.capture for h in facts.handshakes] == (
        [path] * len(one.handshakes) + [f"{path}#2"] * len(two.handshakes)
    )
    assert not list(strangers(facts))
    facts, names = merged([one, two], own=1)
    assert names == [{path: f"{path}#2"}, {path: path}]
    assert [c.path for c in facts.captures] == [f"{path}#2", path]


def test_the_certificate_that_is_better_known_counts() -> None:
    alone = certificate(issuer_name_hashes=(("sha1", "01"),))
    with_issuer = certificate(
        issuer_sha256="cd",
        issuer_name_hashes=(("sha1", "01"), ("sha256", "02")),
        issuer_key_hashes=(("sha1", "03"),),
    )
    for pair in ((alone, with_issuer), (with_issuer, alone)):
        assert better(*pair) == with_issuer
        facts, _ = merged([Facts(certificates={"ab": each}) for each in pair])
        assert facts.certificates == {"ab": with_issuer}


def test_facts_of_captures_that_nobody_knows() -> None:
    facts = sample("direct")
    assert not list(strangers(facts))
    assert list(strangers(replace(facts, captures=(capture("other"),)))) == [facts.captures[0].path] * sum(
        bool(each) for each in (facts.handshakes, facts.ocsp_exchanges, facts.dns_lookups, facts.tcp_attempts)
    )
