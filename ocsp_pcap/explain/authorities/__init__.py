"""The habits of each certification authority about OCSP, and what the rules of the public web allow.

Half of today's "no OCSP" is neither proxy nor cache: authorities have stopped. The table
(``authorities.toml``) has only what has a source, with its date; this package asks it about certificates.
An authority is inferred from the organization in the issuer's name, which anybody can write: that makes
something expected, and never is a proof that a certificate is that authority's.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ocsp_pcap.explain.site.names import name_within
from ocsp_pcap.facts import CertificateFact

SECOND = 10**9
DAY = 86400 * SECOND


class Authority(NamedTuple):
    """One certification authority, as of the day its source was read."""

    name: str
    organization: str
    """What its issuers' names have as organization (RFC 4514, O=)."""
    urls_end: date
    """From this day on its certificates name no OCSP responder."""
    source: str
    read: date
    most: bool = False
    """That is so for most of its certificates, not for all."""
    when: str | None = None
    """In words, where the source names no day."""
    responders_end: date | None = None
    """From this day on nobody answers at its responders."""


class Limit(NamedTuple):
    """A number of days that holds for certificates issued from a day on."""

    start: date
    days: int
    source: str


@cache
def _table() -> dict[str, Any]:
    import tomllib

    return tomllib.loads(Path(__file__).with_name("authorities.toml").read_text(encoding="utf-8"))


@cache
def authorities() -> tuple[Authority, ...]:
    """Return all authorities of the table."""
    return tuple(Authority(**row) for row in _table()["authority"])


@cache
def limits(name: str) -> tuple[Limit, ...]:
    """Return what the Baseline Requirements say of ``maximum_validity`` or ``short_lived``, by date."""
    return tuple(Limit(**row) for row in _table()["rules"][name])


def authority_of(certificate: CertificateFact) -> Authority | None:
    """Return the authority that a certificate's issuer names."""
    return _authority_named(certificate.issuer)


@lru_cache(4096)
def _authority_named(issuer: str) -> Authority | None:
    found = (a for a in authorities() if name_within(f"O={_escaped(a.organization)}", issuer))
    return next(found, None)


def why_no_url(certificate: CertificateFact) -> str | None:
    """Say why it is to be expected that a certificate names no responder; None: nothing is known.

    A clause in plain text, such as "Let's Encrypt ended OCSP on 2025-05-07: expected, nothing to fix".
    """
    authority = authority_of(certificate)
    if authority is None or certificate.ocsp_urls or _issued(certificate) < authority.urls_end:
        return None
    when = authority.when or f"on {authority.urls_end.isoformat()}"
    if authority.most:
        words = f"{authority.name} took OCSP out of most of its certificates {when}: expected, nothing to fix"
    else:
        words = f"{authority.name} ended OCSP {when}: expected, nothing to fix"
    if certificate.crl_urls:
        words += f"; its CRL is {certificate.crl_urls[0]}"
    return words


def responders_are_off(certificate: CertificateFact, time: int) -> Authority | None:
    """Return the authority of a certificate whose responders no longer answered at a time (nanoseconds)."""
    authority = authority_of(certificate)
    if authority is None or authority.responders_end is None:
        return None
    return authority if _day(time) >= authority.responders_end else None


def outlives_the_rules(certificate: CertificateFact) -> Limit | None:
    """Return the limit that a certificate exceeds: no public authority may have issued it.

    A certificate for a public name that lives longer than that looks reissued, or is of a private CA.
    """
    limit = _limit("maximum_validity", certificate)
    if limit is None or certificate.is_ca:
        return None
    # Both ends count (RFC 5280 4.1.2.5), but some authorities forgot that second: it is let pass.
    return limit if _validity(certificate) - SECOND > limit.days * DAY else None


def short_lived_lifetime(certificate: CertificateFact) -> int | None:
    """Return for how long (nanoseconds) a short-lived certificate is valid; None where it is none.

    The rules have known such certificates since 2024; private authorities issued them before, and for those
    the first limit is the measure.
    """
    if certificate.not_before is None or certificate.not_after is None:
        return None
    # The second that both ends count more (RFC 5280 4.1.2.5) is let pass here, too.
    lifetime = certificate.not_after - certificate.not_before
    if not 0 < lifetime <= DAY * max([limit.days for limit in limits("short_lived")]):
        return None
    limit = _limit("short_lived", certificate) or limits("short_lived")[0]
    return lifetime if lifetime <= limit.days * DAY else None


def may_not_be_known_yet(certificate: CertificateFact, time: int) -> bool:
    """Tell whether a certificate was so new at a time that its responder need not know it."""
    if certificate.not_before is None:
        return False
    age = time - certificate.not_before
    minutes: int = _table()["rules"]["authoritative_within_minutes"]
    return 0 <= age < minutes * 60 * SECOND


def _limit(name: str, certificate: CertificateFact) -> Limit | None:
    """Return the limit for certificates issued on the day of this one; None: it is older than the rules."""
    day = _issued(certificate)
    return next((limit for limit in reversed(limits(name)) if limit.start <= day), None)


def _issued(certificate: CertificateFact) -> date:
    """Return the day of notBefore, which stands for the day of issue; one that cannot be read is no day."""
    return date.min if certificate.not_before is None else _day(certificate.not_before)


def _validity(certificate: CertificateFact) -> int:
    """Return the length of the validity in nanoseconds, both ends counted (RFC 5280 4.1.2.5)."""
    if certificate.not_before is None or certificate.not_after is None:
        return 0
    return certificate.not_after - certificate.not_before + SECOND


def _day(time: int) -> date:
    try:
        return datetime.fromtimestamp(time // 10**9, UTC).date()
    except (ValueError, OverflowError, OSError):
        return date.min if time < 0 else date.max


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(",", "\\,").replace("+", "\\+")
