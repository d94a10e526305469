"""Numbers with their nouns, lists and names, in the words that every sentence and report shares."""

from __future__ import annotations

from collections.abc import Sequence

from ocsp_pcap.explain.model import Validator


def count(number: int, one: str, several: str | None = None) -> str:
    """Return a number with its noun."""
    return f"1 {one}" if number == 1 else f"{number:,} {several or one + 's'}"


def validator_name(validator: Validator) -> str:
    """Return role and address of a validator: ``parent 10.77.2.30``."""
    return validator.address if validator.role == "unknown" else f"{validator.role} {validator.address}"


def listed(parts: list[str]) -> str:
    """Join parts as prose does: ``a``, ``a and b``, ``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def first_of(names: Sequence[str], most: int = 3) -> str:
    """Name the first of some, and count the others: ``a, b, c and 2 more``."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def common_name(subject: str) -> str:
    """Return the common name out of a distinguished name (RFC 4514), else all of it."""
    for part in subject.split(","):
        key, _, value = part.strip().partition("=")
        if key.strip().upper() == "CN" and value:
            return value.strip()
    return subject
