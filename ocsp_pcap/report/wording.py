"""Counts, times and limits in words, the same in every format. Nothing here is escaped yet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ocsp_pcap.explain.model import LinkKind, Presence, Severity, Verdict
from ocsp_pcap.explain.phrases import count
from ocsp_pcap.facts import CaptureFact
from ocsp_pcap.facts.times import time_text

PRESENCE_MARKS: Final[dict[Presence, str]] = {"present": "✓", "attempted": "!", "absent": "-", "unknown": "?"}
"""A symbol beside the word, so that colour never carries the meaning alone."""

SEVERITY_MARKS: Final[dict[Severity, str]] = {"problem": "✗", "advice": "!", "info": "i"}

LINK_MARKS: Final[dict[LinkKind, str]] = {
    "tls": "",
    "staple": "✓",
    "staple-revoked": "✗",
    "staple-unusable": "!",
    "ocsp": "✓",
    "ocsp-revoked": "✗",
    "ocsp-unknown": "!",
    "ocsp-failed": "!",
    "crl": "",
    "missing": "✗ no OCSP:",
    "impossible": "✗ no OCSP possible:",
    "needless": "- no OCSP needed:",
    "hidden": "? cannot tell:",
}
"""What stands before the label of a link: colour alone must not say how OCSP went there."""

GHOSTS: Final[frozenset[LinkKind]] = frozenset({"missing", "impossible", "needless", "hidden"})
"""Links along which nothing went."""

_PRESENCE_ATTENTION: Final[dict[Presence, int]] = {"attempted": 1, "unknown": 3, "absent": 4, "present": 5}
_KEYS_SERVED: Final = re.compile(
    r": opened (?:([0-9]+) of the \1 sessions (?:it has keys for|with RSA key exchange that use it)"
    r"|[0-9]+ of the [0-9]+ sessions it has keys for(?:; [0-9]+ are (?:in other|not in the) captures){1,2})$"
)
"""Notes on keys that left no session closed that they are for."""
_CAUSE_ATTENTION: Final = {"staple-invalid": 1, "ocsp-disabled": 2, "unexplained": 2, "handshake-failed": 3}

CALM: Final = 4
"""From this level of :func:`attention` on, nothing is wrong."""


def attention(verdict: Verdict) -> int:
    """Return how soon a verdict should be looked at: 0 first (revoked), then failures, then the rest."""
    if verdict.status == "revoked":
        return 0
    return _CAUSE_ATTENTION.get(verdict.cause, _PRESENCE_ATTENTION.get(verdict.presence, 1))


def verdict_colour(verdict: Verdict) -> str:
    """Return what decides the colour of a verdict: green is only what was seen and is good.

    That is its presence, or ``revoked``; a status ``unknown`` looks like an attempt that brought nothing.
    """
    if verdict.status == "revoked":
        return "revoked"
    return "attempted" if verdict.status == "unknown" else verdict.presence


def presence_words(presence: Presence, colour: str) -> str:
    """Return a presence with the symbol before it: a tick only where what was seen is good."""
    mark = PRESENCE_MARKS.get(presence, "?") if colour == presence else "!"
    return f"{mark} {presence}"


def status_colour(verdict: Verdict) -> str:
    """Return what decides the colour of a verdict's status: ``good`` is green only where it counts."""
    usable = verdict.presence in ("present", "absent") and verdict.cause != "staple-invalid"
    return "good" if verdict.status == "good" and usable else verdict_colour(verdict)


def colour_of_all(verdicts: Sequence[Verdict]) -> str:
    """Return the colour of some verdicts of one cause: that of the worst of them."""
    colours = {verdict_colour(verdict) for verdict in verdicts}
    return next(each for each in ("revoked", "attempted", *colours) if each in colours)


def doubt_clause(verdict: Verdict) -> str:
    """Return why a verdict is not confirmed, as a sentence; empty where nothing is said about it."""
    if verdict.confidence == "confirmed" or not verdict.doubts:
        return ""
    reasons = "; ".join(dict.fromkeys(doubt.why.rstrip(".") for doubt in verdict.doubts))
    return f"{verdict.confidence.capitalize()} only, because {reasons}."


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
    return (*limits, *(note for note in capture.notes if not _KEYS_SERVED.search(note)))


def capture_remarks(capture: CaptureFact) -> tuple[str, ...]:
    """Return what is said of a capture and limits nothing: keys that opened whatever is there to open."""
    return tuple(note for note in capture.notes if _KEYS_SERVED.search(note))


def capture_size(capture: CaptureFact) -> str:
    """Return the number of packets and the time span of a capture, and of how many files it consists."""
    files = f"{count(len(capture.files), 'file')}, " if capture.files else ""
    return f"{files}{count(capture.packets, 'packet')}, {time_span(capture.first_time, capture.last_time)}"


def wrapped(text: str, width: int, most: int) -> list[str]:
    """Return text in lines of a width, broken between words where that is possible, ``most`` of them."""
    lines: list[str] = []
    rest = text
    while rest and len(lines) < most:
        if len(rest) <= width:
            return [*lines, rest]
        cut = rest.rfind(" ", 0, width + 1)
        if cut > width // 3:
            lines.append(rest[:cut].rstrip())
        else:
            # What is left of a word that is longer than a line would not be read as a part of it.
            cut = end if (end := rest.find(" ")) > 0 else len(rest)
            lines.append(rest[: max(width - 1, 0)] + "…" if cut > width else rest[:cut])
        rest = rest[cut:].lstrip()
    if rest and lines:
        lines[-1] = lines[-1][: max(width - 1, 0)] + "…"
    return lines
