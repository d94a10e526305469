"""Chances to ask that a validator had, and how far they tell 'OCSP is off' from 'just not seen'.

Only leaves count: answers about intermediates last for up to a year, and many validators never ask
about those.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.hosts import Host
from ocsp_pcap.explain.lifetimes import DAY, Lifetime, Lifetimes
from ocsp_pcap.explain.question import Question
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.explain.stapling import staple_problem
from ocsp_pcap.explain.visits import Visit
from ocsp_pcap.explain.windows import span_words
from ocsp_pcap.facts import CertificateFact, CrlFetchFact

ENOUGH: Final = 5
"""Signs without a single query before OCSP is likely to be off."""
CRL_SIGNS: Final = 2
"""What a CRL fetched instead counts for: revocation is checked, and another way."""
LONGEST: Final = 10 * DAY
"""Longest validity of an OCSP response for a TLS server (Baseline Requirements 4.9.10)."""


@dataclass(frozen=True)
class Chances:
    """When one validator could have asked, were OCSP on and nothing cached."""

    certificates: int
    """Distinct leaves that name a responder, received without a fresh staple."""
    handshakes: int
    """In which they were received."""
    span: int
    """Nanoseconds from the first of these to the last."""
    refreshes: int
    """Queries that would have been due even if an answer about each had been fresh at its first handshake."""
    outlived: bool
    """Some certificate was received at times further apart than any answer about it lasts."""
    lifetime: Lifetime
    """For how long answers about them last."""
    crl_fetches: int
    """Downloads of CRLs that speak for one of them."""
    first_crl: CrlFetchFact | None
    """The first of these."""
    asked_elsewhere: bool
    """Some host that was not seen to receive one of them asked about it: perhaps this one, another way."""

    @property
    def signs(self) -> int:
        """How many times a validator with OCSP on would hardly have kept silent."""
        return self.certificates + self.refreshes + (CRL_SIGNS if self.crl_fetches else 0)

    @property
    def look_switched_off(self) -> bool:
        """Silence on all these chances is better explained by OCSP being off than by a cache."""
        return not self.asked_elsewhere and self.certificates > 0 and (self.signs >= ENOUGH or self.outlived)

    @cached_property
    def words(self) -> str:
        """What there was, for sentences that go on."""
        met = "1 certificate" if self.certificates == 1 else f"{self.certificates} different certificates"
        text = f"it met {met} that name{'s' if self.certificates == 1 else ''} a responder"
        if self.handshakes > 1:
            text += f", in {self.handshakes} handshakes over {span_words(self.span)}"
        if self.refreshes:
            times = "once" if self.refreshes == 1 else f"{self.refreshes} times"
            text += (
                f"; answers from before the capture would have run out {times} in that time (they last "
                f"{self.lifetime.words}, {self.lifetime.reason})"
            )
        if self.crl_fetches:
            lists = "a CRL that speaks" if self.crl_fetches == 1 else f"{self.crl_fetches} CRLs that speak"
            text += f"; it fetched {lists} for them instead"
        return text


def chances_to_ask(case: Case) -> dict[str, Chances]:
    """Return what chances to ask each validator had, by its identity, where there were any."""
    lifetimes, known = Lifetimes(case), case.facts.certificates
    eligible = {sha256 for sha256, leaf in known.items() if responder_hosts(leaf.ocsp_urls)}
    found: dict[str, Chances] = {}
    for identity, host in case.hosts.items():
        due: dict[str, list[Visit]] = {}
        for visit in host.visits:
            for sha256 in visit.handshake.certificates[:1]:
                if sha256 in eligible and _is_due(case, visit, known[sha256]):
                    due.setdefault(sha256, []).append(visit)
        if due:
            rows = [(known[sha256], due[sha256]) for sha256 in host.received if sha256 in due]
            found[identity] = _sum_up(case, host, rows, lifetimes)
    return found


def answers_last(question: Question) -> str | None:
    """Say how long answers about the certificates that this validator meets last."""
    chances = question.case.once(chances_to_ask).get(question.asker.identity)
    if chances is None or not question.eligible:
        return None
    return chances.lifetime.words if chances.lifetime.seconds else None


def _is_due(case: Case, visit: Visit, leaf: CertificateFact) -> bool:
    """A validator without a cached answer would ask after this handshake."""
    handshake = visit.handshake
    if not (handshake.complete or handshake.application_data) or case.hellos.inner_leg(visit) is not None:
        return False
    staple = case.staple_for(visit, leaf)
    return staple is None or staple_problem(staple[0], staple[1], handshake.time) is not None


def _sum_up(
    case: Case, host: Host, rows: list[tuple[CertificateFact, list[Visit]]], lifetimes: Lifetimes
) -> Chances:
    proxy = host.proxy
    refreshes = 0
    outlived = False
    shortest: Lifetime | None = None
    for certificate, visits in rows:
        until, lifetime = lifetimes.held_until(certificate, visits[0].time, proxy)
        if shortest is None or lifetime.seconds < shortest.seconds:
            shortest = lifetime
        for visit in visits[1:]:
            if visit.time >= until:
                refreshes += 1
                until, _ = lifetimes.held_until(certificate, visit.time, proxy)
        outlived = outlived or visits[-1].time - visits[0].time > LONGEST
    assert shortest is not None
    fetched = _speaking_for(host, [certificate for certificate, _ in rows])
    times = {id(visit): visit.time for _, visits in rows for visit in visits}
    return Chances(
        certificates=len(rows),
        handshakes=len(times),
        span=max(times.values()) - min(times.values()),
        refreshes=refreshes,
        outlived=outlived,
        lifetime=shortest,
        crl_fetches=len(fetched),
        first_crl=fetched[0] if fetched else None,
        asked_elsewhere=any(_asked_by_stranger(case, certificate) for certificate, _ in rows),
    )


def _asked_by_stranger(case: Case, certificate: CertificateFact) -> bool:
    """Some host asked about a certificate that it was not seen to receive."""
    return bool(case.strangers_to(certificate))


def _speaking_for(host: Host, certificates: list[CertificateFact]) -> list[CrlFetchFact]:
    about = {url for certificate in certificates for url in certificate.crl_urls}
    about |= {certificate.issuer for certificate in certificates}
    return list({id(fetch): fetch for key in about for fetch in host.fetches.get(key, ())}.values())


__all__ = ["ENOUGH", "LONGEST", "Chances", "answers_last", "chances_to_ask"]
