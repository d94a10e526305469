"""Doubts about silence that depend on much that came before."""

from __future__ import annotations

from ocsp_pcap.explain.case import Case, Context
from ocsp_pcap.explain.grounds import absences
from ocsp_pcap.explain.grounds.kinds import Due
from ocsp_pcap.explain.question import Question
from ocsp_pcap.facts import DnsLookupFact

from .facts_factory import certificate, dns, exchange, facts, handshake


def test_a_failure_is_remembered_however_many_visits_follow() -> None:
    """It may hold what failed when it asked again, thirty handshakes ago."""
    shop = certificate()
    later = [handshake("shop.test", shop, time=200 + number) for number in range(30)]
    visits = [handshake("shop.test", shop), handshake("shop.test", shop, time=100), *later]

    def doubts(*failed: DnsLookupFact) -> list[str]:
        case = Case(facts(shop, *visits, exchange(shop, time=0.1), *failed), Context())
        asked = Question(case, case.visits[-1], shop)
        return [each.code for each in absences.checks_only_some(asked, Due(asked.visit.time))]

    assert doubts() == []
    assert doubts(dns(rcode="NXDOMAIN", time=100.1)) == ["checks-only-some"]
