"""Until when a validator may answer from its cache, and by what: the window of one answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple, TypeAlias

from ocsp_pcap.explain.clocks import SECOND
from ocsp_pcap.explain.site import Proxy
from ocsp_pcap.facts import OcspExchangeFact, SingleFact

WindowBasis: TypeAlias = Literal["ttl-override", "next-update", "max-age", "expires"]
BASIS_WORDS: dict[WindowBasis, str] = {
    "ttl-override": "the TTL override of the site file",
    "next-update": "its nextUpdate",
    "max-age": "its Cache-Control",
    "expires": "its Expires header",
}
NO_TENTH: Final = SECOND // 20
"""What is shorter would be printed as 0.0 s."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Window(NamedTuple):
    """The time for which an answer may be held."""

    end: int
    """Nanoseconds since the epoch, by the clock of the reference capture."""
    basis: WindowBasis

    @property
    def words(self) -> str:
        """Say until when, and by what: ``2026-01-02 03:04:05 UTC (its nextUpdate)``."""
        return f"{utc(self.end)} ({BASIS_WORDS[self.basis]})"


def answer_window(
    exchange: OcspExchangeFact, single: SingleFact, answer_time: int, proxy: Proxy | None
) -> Window | None:
    """Return the window of a usable answer; None: nothing says that it may be held at all.

    The TTL override of the site file comes first, then nextUpdate (RFC 6960 4.2.2.1), then the HTTP
    freshness of the answer, in which max-age overrules Expires (RFC 9111 4.2.1).
    """
    if proxy is not None and proxy.cache_ttl is not None:
        return Window(answer_time + proxy.cache_ttl, "ttl-override")
    if single.next_update is not None:
        return Window(single.next_update, "next-update")
    return http_window(exchange, answer_time)


def http_window(exchange: OcspExchangeFact, answer_time: int) -> Window | None:
    """Return the window that HTTP gives an answer (RFC 9111 4.2); None: it gives none."""
    if exchange.max_age is not None:
        end = answer_time + exchange.max_age * SECOND
        return Window(end, "max-age") if exchange.max_age else None
    if exchange.expires is not None and exchange.expires > answer_time:
        return Window(exchange.expires, "expires")
    return None


def utc(time: int) -> str:
    """Return nanoseconds since the epoch as date and time in UTC, to the second."""
    try:
        moment = _EPOCH + timedelta(seconds=time // SECOND)
    except OverflowError:
        return "the end of time"
    return f"{moment.isoformat(sep=' ')[:19]} UTC"


def span_words(nanoseconds: int) -> str:
    """Return a length of time in one unit."""
    seconds = max(nanoseconds, 0) / SECOND
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 or seconds == int(seconds) else tenths(nanoseconds)


def tenths(nanoseconds: int) -> str:
    """Return a length of time in tenths of a second; what is shorter than half of one in milliseconds."""
    if not 0 < nanoseconds < NO_TENTH:
        return f"{nanoseconds / SECOND:.1f} s"
    return "less than 1 ms" if nanoseconds < SECOND // 1000 else f"{nanoseconds * 1000 / SECOND:.0f} ms"
