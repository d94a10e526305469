"""The time for which an answer about a certificate would be held, as the captures show it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Final, Literal, NamedTuple, TypeAlias

from ocsp_pcap.explain.case import Case
from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.site import Proxy
from ocsp_pcap.explain.spans import nearest_first
from ocsp_pcap.explain.windows import http_window, span_words
from ocsp_pcap.facts import CertificateFact, ResponseFact, SingleFact

Basis: TypeAlias = Literal["ttl-override", "same-certificate", "same-issuer", "not-kept", "assumed"]

HOUR: Final = 3600 * SECOND
DAY: Final = 24 * HOUR
ASSUMED: Final = 4 * DAY
"""A usual lifetime: CA/Browser Forum Baseline Requirements 4.9.10 allow 8 hours to 10 days."""


@dataclass(frozen=True)
class Lifetime:
    """For how long an answer is held, and how that is known."""

    basis: Basis
    seconds: int
    """The shortest time for which answers of this kind would be held."""
    reason: str

    @cached_property
    def words(self) -> str:
        """Say how long, rounded up to whole units where it is a moment short of them."""
        seconds = self.seconds
        for size in (86_400, 3600, 60):
            if seconds >= size and -seconds % size <= 5:
                seconds += -seconds % size
                break
        return span_words(seconds * SECOND)


class _Kept(NamedTuple):
    """One SingleResponse as it came: nanoseconds since the epoch, clocks corrected."""

    seen: int
    this_update: int
    held_until: int | None
    """nextUpdate (RFC 6960 4.2.2.1), else what HTTP allows (RFC 9111 4.2); None: neither says anything."""


SEEN: Final[Callable[[_Kept], int]] = attrgetter("seen")


class Lifetimes:
    """All usable answers of a case, from responders and in staples, by certificate and by issuer."""

    def __init__(self, case: Case) -> None:
        self._by_certificate: dict[tuple[str, str, str], list[_Kept]] = defaultdict(list)
        self._shortest: dict[tuple[str, ...], int] = {}
        """Issuer, or certificate, to the shortest time that an answer about it was good for."""
        for exchange in case.exchanges:
            if exchange.response is not None:
                answered = exchange.response_time if exchange.response_time is not None else exchange.time
                seen = case.clock(exchange.capture, answered)
                fresh = http_window(exchange, seen)
                self._learn(exchange.response, seen, fresh.end if fresh is not None else None)
        for visit in case.visits:
            for staple in visit.handshake.staples:
                self._learn(staple, visit.time, None)
        for answers in self._by_certificate.values():
            answers.sort(key=SEEN)

    def _learn(self, response: ResponseFact, seen: int, fresh_until: int | None) -> None:
        if response.response_status != "successful" or response.signature == "invalid":
            return
        for single in response.singles:
            held_until = single.next_update if single.next_update is not None else fresh_until
            if held_until is not None and held_until <= seen:
                continue
            answer = _Kept(seen, single.this_update, held_until)
            key = _key(single)
            self._by_certificate[key].append(answer)
            if held_until is not None:
                remaining = held_until - seen
                for about in (key, key[:2]):
                    self._shortest[about] = min(remaining, self._shortest.get(about, remaining))

    def held_until(
        self, certificate: CertificateFact, time: int, proxy: Proxy | None
    ) -> tuple[int, Lifetime]:
        """Return until when an answer that came at a time would be held, and how that is known.

        The TTL override of the site file comes first, then answers about this very certificate, then
        the shortest-lived answer about another certificate of its issuer, then an assumption.
        """
        if proxy is not None and proxy.cache_ttl is not None:
            reason = f"the TTL override of the site file ([proxies.{proxy.role}] cache_ttl)"
            return time + proxy.cache_ttl, Lifetime("ttl-override", proxy.cache_ttl // SECOND, reason)
        issuers = list(certificate.issuer_name_hashes)
        own = [key for issuer in issuers if (key := (*issuer, certificate.serial)) in self._by_certificate]
        if own:
            return self._from_own(own, time)
        remaining = [self._shortest[issuer] for issuer in issuers if issuer in self._shortest]
        if remaining:
            words = "the shortest that an answer about another certificate of the same issuer was good for"
            return time + min(remaining), Lifetime("same-issuer", min(remaining) // SECOND, words)
        return time + ASSUMED, Lifetime(
            "assumed",
            ASSUMED // SECOND,
            "assumed, for no answer about it or its issuer is in the captures: 4 days are usual, and the "
            "CA/Browser Forum's Baseline Requirements (4.9.10) allow 8 hours to 10 days",
        )

    def _from_own(self, keys: Sequence[tuple[str, str, str]], time: int) -> tuple[int, Lifetime]:
        current = [held for key in keys if (held := _current(self._by_certificate[key], time)) is not None]
        if current:
            _, until = min(current)
            words = "an answer about this very certificate"
            return until, Lifetime("same-certificate", (until - time) // SECOND, words)
        remaining = [self._shortest[key] for key in keys if key in self._shortest]
        if remaining:
            words = "the shortest that an answer about this very certificate was good for"
            return time + min(remaining), Lifetime("same-certificate", min(remaining) // SECOND, words)
        words = (
            "its answers have neither nextUpdate nor HTTP freshness: newer information is always available"
        )
        return time, Lifetime("not-kept", 0, words)


def _current(answers: Sequence[_Kept], time: int) -> tuple[int, int] | None:
    """Return how far from a time the nearest answer that is good then was seen, and until when it is good."""
    for answer in nearest_first(answers, time, SEEN):
        if answer.held_until is not None and answer.this_update <= time < answer.held_until:
            return abs(answer.seen - time), answer.held_until
    return None


def _key(single: SingleFact) -> tuple[str, str, str]:
    return single.hash_algorithm, single.issuer_name_hash, single.serial
