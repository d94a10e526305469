"""Counts, times and limits in words, the same in every format. Nothing here is escaped yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from ocsp_pcap.explain.model import Explanation, Presence, Severity, Verdict
from ocsp_pcap.facts import CaptureFact
from ocsp_pcap.facts.codec import time_text

PRESENCE_MARKS: Final[dict[Presence, str]] = {"present": "✓", "attempted": "!", "absent": "-", "unknown": "?"}
"""A symbol beside the word, so that colour never carries the meaning alone."""

SEVERITY_MARKS: Final[dict[Severity, str]] = {"problem": "✗", "advice": "!", "info": "i"}

_PHRASES: Final[dict[str, tuple[str, str]]] = {
    "dns-failed": ("1 failed in DNS", "{} failed in DNS"),
    "responder-unreachable": ("1 could not reach its responder", "{} could not reach their responders"),
    "http-error": ("1 got an HTTP error", "{} got HTTP errors"),
    "responder-error": ("1 was refused by its responder", "{} were refused by their responders"),
    "response-invalid": ("1 got an unusable answer", "{} got unusable answers"),
    "no-response": ("1 was asked for without an answer", "{} were asked for without an answer"),
    "stapled": ("1 was stapled", "{} were stapled"),
    "staple-invalid": ("1 had an unusable staple", "{} had unusable staples"),
    "cached": ("1 was still cached", "{} were still cached"),
    "session-resumed": ("1 was a resumed session", "{} were resumed sessions"),
    "no-ocsp-url": ("1 has no OCSP URL", "{} have no OCSP URL"),
    "short-lived": ("1 is short-lived", "{} are short-lived"),
    "reissued-certificate": ("1 was reissued by a proxy", "{} were reissued by a proxy"),
    "not-intercepted": ("1 was only tunnelled", "{} were only tunnelled"),
    "ocsp-disabled": ("1 was not checked (OCSP is off)", "{} were not checked (OCSP is off)"),
    "handshake-failed": ("1 failed its handshake", "{} failed their handshakes"),
    "unexplained": ("1 is unexplained", "{} are unexplained"),
    "certificate-encrypted": ("1 could not be read (encrypted)", "{} could not be read (encrypted)"),
    "capture-filtered": ("1 is undecided (filtered capture)", "{} are undecided (filtered capture)"),
    "capture-incomplete": ("1 is undecided (incomplete capture)", "{} are undecided (incomplete capture)"),
    "ocsp-over-tls": ("1 was asked for over TLS, unreadable", "{} were asked for over TLS, unreadable"),
}

_PRESENCE_ATTENTION: Final[dict[Presence, int]] = {"attempted": 1, "unknown": 3, "absent": 4, "present": 5}
_CAUSE_ATTENTION: Final = {"staple-invalid": 1, "ocsp-disabled": 2, "unexplained": 2, "handshake-failed": 3}

CALM: Final = 4
"""From this level of :func:`attention` on, nothing is wrong."""


def attention(verdict: Verdict) -> int:
    """Return how soon a verdict should be looked at: 0 first (revoked), then failures, then the rest."""
    if verdict.status == "revoked":
        return 0
    return _CAUSE_ATTENTION.get(verdict.cause, _PRESENCE_ATTENTION.get(verdict.presence, 1))


def count(number: int, one: str, several: str | None = None) -> str:
    """Return a number with its noun."""
    return f"1 {one}" if number == 1 else f"{number:,} {several or one + 's'}"


def headline(explanation: Explanation, shown: Sequence[Verdict], folded: int) -> str:
    """Answer the question in one sentence: for how many certificates OCSP was seen, and why not for the rest.

    ``shown`` are the verdicts that the report lists, ``folded`` how many intermediates it leaves out.
    """
    if not shown:
        return _nothing(explanation)
    validators = len({verdict.validator.address for verdict in shown})
    seen = sum(verdict.presence == "present" for verdict in shown)
    if len(shown) == 1:
        sentence = f"OCSP was {'' if seen else 'not '}seen for the only certificate"
    else:
        sentence = f"OCSP was seen for {seen or 'none'} of {len(shown):,} certificates"
    if validators > 1:
        sentence += f" ({validators} validators)"
    reasons = _reasons(shown)
    sentence += f"; {', '.join(reasons)}." if reasons else "."
    revoked = sum(verdict.status == "revoked" for verdict in shown)
    if revoked:
        sentence += f" {count(revoked, 'certificate is', 'certificates are')} REVOKED."
    if folded:
        sentence += f" {count(folded, 'intermediate')} without OCSP traffic not counted."
    return sentence


def _nothing(explanation: Explanation) -> str:
    """Say that there is nothing to explain."""
    exchanges = len(explanation.unmatched_exchanges)
    sentence = "No certificate and no TLS handshake to explain."
    if exchanges:
        sentence += (
            f" {count(exchanges, 'OCSP exchange')} belong{'s' if exchanges == 1 else ''} to no handshake."
        )
    return sentence


def _reasons(verdicts: Iterable[Verdict]) -> list[str]:
    """Return a phrase for each cause of verdicts without an answer, what needs attention first."""
    counts: Counter[str] = Counter()
    urgency: dict[str, int] = {}
    for verdict in verdicts:
        if verdict.presence != "present":
            counts[verdict.cause] += 1
            level = min(max(attention(verdict), 1), urgency.get(verdict.cause, 9))
            urgency[verdict.cause] = level
    order = sorted(counts, key=lambda cause: (urgency[cause], -counts[cause], cause))
    return [cause_phrase(cause, counts[cause]) for cause in order]


def cause_phrase(cause: str, number: int) -> str:
    """Return a phrase such as ``2 were stapled``."""
    one, several = _PHRASES.get(cause, (f"1 is {cause}", f"{{}} are {cause}"))
    return one if number == 1 else several.format(f"{number:,}")


def moment(time: int | None, *, fraction: bool = False) -> str:
    """Return a time in UTC for human readers, to the second or, with ``fraction``, to the microsecond."""
    if time is None:
        return "unknown"
    text = time_text(time)
    return f"{text[:10]} {text[11:26] if fraction else text[11:19]} UTC"


def time_span(first: int | None, last: int | None) -> str:
    """Return the time from the first to the last packet, the date only once where it is the same."""
    if first is None or last is None:
        return "no time stamps"
    start, end = moment(first), moment(last)
    if start[:10] == end[:10]:
        end = end[11:]
    return f"{start.removesuffix(' UTC')} → {end} ({duration(last - first)})"


def duration(nanoseconds: int) -> str:
    """Return a length of time with two units at most."""
    seconds = nanoseconds / 1e9
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} days {hours % 24} h"


def capture_limits(capture: CaptureFact) -> tuple[str, ...]:
    """Return what limits the testimony of a capture, the worst first."""
    limits = []
    if capture.damage:
        limits.append(f"damaged: {capture.damage}")
    if capture.dropped:
        limits.append(f"{count(capture.dropped, 'packet')} dropped while capturing")
    if capture.truncated_packets:
        snaplen = f" (snaplen {capture.snaplen})" if capture.snaplen else ""
        limits.append(f"{count(capture.truncated_packets, 'packet')} cut short{snaplen}")
    if capture.tcp_gaps:
        limits.append(count(capture.tcp_gaps, "gap in TCP streams", "gaps in TCP streams"))
    if capture.one_sided_streams:
        limits.append(count(capture.one_sided_streams, "one-sided TCP stream"))
    if capture.undecoded_packets:
        limits.append(f"{count(capture.undecoded_packets, 'packet')} not decoded")
    return (*limits, *capture.notes)


def capture_size(capture: CaptureFact) -> str:
    """Return the number of packets and the time span of a capture, and of how many files it consists."""
    files = f"{count(len(capture.files), 'file')}, " if capture.files else ""
    return f"{files}{count(capture.packets, 'packet')}, {time_span(capture.first_time, capture.last_time)}"
