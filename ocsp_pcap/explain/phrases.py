"""Phrases of causes about a number of certificates, in the words that every report shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ocsp_pcap.explain.causes import CAUSES, URGENCY
from ocsp_pcap.explain.model import Confidence, Validator


def count(number: int, one: str, several: str | None = None) -> str:
    """Return a number with its noun."""
    return f"1 {one}" if number == 1 else f"{number:,} {several or one + 's'}"


def cause_phrase(cause: str, number: int, *, sure: bool = True) -> str:
    """Return what a cause says of so many certificates: ``2 were stapled``, ``2 may have been stapled``."""
    one, several, perhaps = CAUSES[cause].phrase
    words = (one if number == 1 else several) if sure else perhaps
    return f"{number:,} {words}"


def cause_phrases(causes: Iterable[tuple[str, Confidence]]) -> list[str]:
    """Return a phrase for each cause, the urgent first; what is not confirmed is counted apart."""
    counts = Counter((cause, confidence == "confirmed") for cause, confidence in causes)
    return [
        cause_phrase(cause, number, sure=sure)
        for (cause, sure), number in sorted(
            counts.items(), key=lambda item: (cause_rank(item[0][0]), not item[0][1])
        )
    ]


def cause_rank(cause: str) -> tuple[int, str]:
    """Sort key of causes, what has to be acted on first."""
    return (URGENCY.index(cause) if cause in URGENCY else len(URGENCY), cause)


def validator_name(validator: Validator) -> str:
    """Return role and address of a validator: ``parent 10.77.2.30``."""
    return validator.address if validator.role == "unknown" else f"{validator.role} {validator.address}"


def listed(parts: list[str]) -> str:
    """Join parts as prose does: ``a``, ``a and b``, ``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def common_name(subject: str) -> str:
    """Return the common name out of a distinguished name (RFC 4514), else all of it."""
    for part in subject.split(","):
        key, _, value = part.strip().partition("=")
        if key.strip().upper() == "CN" and value:
            return value.strip()
    return subject
