"""How often a validator could have asked, and how far that tells 'OCSP is off' from 'just not seen'.

Only leaves count: answers about intermediates last for up to a year, and many validators never ask
about those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.lifetimes import DAY, Lifetime, Lifetimes
from ocsp_pcap.explain.model import Validator
from ocsp_pcap.explain.responders import responder_hosts
from ocsp_pcap.explain.rules.answer import Question
from ocsp_pcap.explain.rules.handshake import stapled
from ocsp_pcap.explain.visits import Visit
from ocsp_pcap.explain.windows import span_words
from ocsp_pcap.facts import CertificateFact, CrlFetchFact

ENOUGH: Final = 5
"""Signs without a single query before OCSP is likely to be off."""
CRL_SIGNS: Final = 2
"""What a CRL fetched instead counts for: revocation is checked, and another way."""
LONGEST: Final = 10 * DAY
"""Longest validity of an OCSP response for a TLS server (Baseline Requirements 4.9.10)."""


@dataclass(frozen=True, slots=True)
class Occasions:
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
        """Silence on all these occasions is better explained by OCSP being off than by a cache."""
        return not self.asked_elsewhere and self.certificates > 0 and (self.signs >= ENOUGH or self.outlived)

    def words(self) -> str:
        """Say what there was, for sentences that go on."""
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


def occasions_of(case: Case) -> dict[str, Occasions]:
    """Return the occasions of each validator, by its identity, where there are any."""
    lifetimes = Lifetimes(case)
    fetches: dict[str, list[CrlFetchFact]] = {}
    for fetch in case.facts.crl_fetches:
        fetches.setdefault(case.identity(fetch.client), []).append(fetch)
    found: dict[str, list[tuple[CertificateFact, list[Visit]]]] = {}
    for (identity, sha256), visits in case.visits_of.items():
        certificate = case.facts.certificates[sha256]
        if not responder_hosts(certificate.ocsp_urls):
            continue
        due = [visit for visit in visits if _is_due(case, visit, certificate)]
        if due:
            found.setdefault(identity, []).append((certificate, due))
    return {
        identity: _sum_up(case, identity, rows, lifetimes, fetches.get(identity, []))
        for identity, rows in found.items()
    }


def _is_due(case: Case, visit: Visit, certificate: CertificateFact) -> bool:
    """A validator without a cached answer would ask after this handshake."""
    handshake = visit.handshake
    if handshake.certificates[0] != certificate.sha256:
        return False
    if not (handshake.complete or handshake.application_data) or case.inner_leg(visit) is not None:
        return False
    if not handshake.staples:
        return True
    validator = Validator(handshake.client, "unknown")
    return stapled(Question(case, visit, validator, certificate, 0)) is None


def _sum_up(
    case: Case,
    identity: str,
    rows: list[tuple[CertificateFact, list[Visit]]],
    lifetimes: Lifetimes,
    fetches: list[CrlFetchFact],
) -> Occasions:
    proxy = case.proxy(rows[0][1][0].handshake.client)
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
    fetched = _speaking_for([certificate for certificate, _ in rows], fetches)
    times = {id(visit): visit.time for _, visits in rows for visit in visits}
    return Occasions(
        certificates=len(rows),
        handshakes=len(times),
        span=max(times.values()) - min(times.values()),
        refreshes=refreshes,
        outlived=outlived,
        lifetime=shortest,
        crl_fetches=len(fetched),
        first_crl=fetched[0] if fetched else None,
        asked_elsewhere=any(certificate.sha256 in case.asked_by_strangers for certificate, _ in rows),
    )


def _speaking_for(certificates: list[CertificateFact], fetches: list[CrlFetchFact]) -> list[CrlFetchFact]:
    urls = {url for certificate in certificates for url in certificate.crl_urls}
    issuers = {certificate.issuer for certificate in certificates}
    return [fetch for fetch in fetches if fetch.url in urls or (fetch.issuer or "") in issuers]


__all__ = ["ENOUGH", "LONGEST", "Occasions", "occasions_of"]
