"""What a cause says of a number of certificates, in the words that every report shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from ocsp_pcap.explain.model import Confidence, Validator

PHRASES: Final[dict[str, tuple[str, str, str]]] = {
    "queried": ("was asked about", "were asked about", "may have been asked about"),
    "dns-failed": ("failed in DNS", "failed in DNS", "may have failed in DNS"),
    "responder-unreachable": (
        "could not be asked about (no TCP connection to the responder)",
        "could not be asked about (no TCP connection to the responders)",
        "may not have been asked about for want of a TCP connection to the responder",
    ),
    "http-error": ("got an HTTP error", "got HTTP errors", "may have got an HTTP error"),
    "responder-error": (
        "was refused by the responder",
        "were refused by the responders",
        "may have been refused",
    ),
    "response-invalid": ("got an unusable answer", "got unusable answers", "may have got an unusable answer"),
    "no-response": ("got no answer", "got no answer", "may have got no answer"),
    "stapled": ("was stapled", "were stapled", "may have been stapled"),
    "staple-invalid": ("had an unusable staple", "had unusable staples", "may have had an unusable staple"),
    "cached": (
        "is still covered by an earlier answer",
        "are still covered by earlier answers",
        "may still be covered by an earlier answer",
    ),
    "session-resumed": (
        "was not sent (session resumed)",
        "were not sent (sessions resumed)",
        "may not have been sent (session resumed)",
    ),
    "no-ocsp-url": ("names no responder", "name no responder", "may name no responder"),
    "short-lived": ("is short-lived", "are short-lived", "may be exempt as short-lived"),
    "reissued-certificate": (
        "was reissued by a proxy upstream",
        "were reissued by a proxy upstream",
        "may have been reissued by a proxy upstream",
    ),
    "not-intercepted": ("was only tunnelled", "were only tunnelled", "may have been only tunnelled"),
    "ocsp-disabled": (
        "was not checked (OCSP is off)",
        "were not checked (OCSP is off)",
        "may not have been checked because OCSP is off there",
    ),
    "leaf-only": (
        "is an intermediate, and only leaves are asked about",
        "are intermediates, and only leaves are asked about",
        "may be left out because only leaves are asked about",
    ),
    "failure-cached": (
        "was not asked about again after a failure",
        "were not asked about again after a failure",
        "may not have been asked about again after a failure",
    ),
    "no-responder-for-issuer": (
        "has an issuer without a configured responder",
        "have issuers without a configured responder",
        "may have an issuer without a configured responder",
    ),
    "handshake-failed": (
        "came in a handshake that failed",
        "came in handshakes that failed",
        "may not have mattered: the handshake failed",
    ),
    "unexplained": (
        "was not asked about (the packets do not tell why)",
        "were not asked about (the packets do not tell why)",
        "was perhaps not asked about (the packets do not tell why)",
    ),
    "certificate-encrypted": (
        "is encrypted (TLS 1.3 without keys)",
        "are encrypted (TLS 1.3 without keys)",
        "may be hidden by encryption",
    ),
    "capture-filtered": (
        "stays open (no traffic of the kind OCSP travels in was captured)",
        "stay open (no traffic of the kind OCSP travels in was captured)",
        "stay open, perhaps because the capture holds no traffic of the kind OCSP travels in",
    ),
    "capture-incomplete": (
        "stays open (the capture is incomplete)",
        "stay open (the capture is incomplete)",
        "stay open, perhaps because the capture is incomplete",
    ),
    "ocsp-over-tls": (
        "was asked about over TLS that cannot be read",
        "were asked about over TLS that cannot be read",
        "may have been asked about over TLS that cannot be read",
    ),
}
"""Cause: what it says of one certificate, of several, and of any number where it is not confirmed."""

ORDER: Final[tuple[str, ...]] = (
    "dns-failed",
    "responder-unreachable",
    "http-error",
    "responder-error",
    "response-invalid",
    "no-response",
    "staple-invalid",
    "ocsp-disabled",
    "unexplained",
    "failure-cached",
    "no-responder-for-issuer",
    "certificate-encrypted",
    "capture-filtered",
    "capture-incomplete",
    "ocsp-over-tls",
    "reissued-certificate",
    "not-intercepted",
    "no-ocsp-url",
    "stapled",
    "cached",
    "session-resumed",
    "short-lived",
    "leaf-only",
    "handshake-failed",
    "queried",
)
"""Causes, what an engineer has to act on first."""


def count(number: int, one: str, several: str | None = None) -> str:
    """Return a number with its noun."""
    return f"1 {one}" if number == 1 else f"{number:,} {several or one + 's'}"


def cause_phrase(cause: str, number: int, *, sure: bool = True) -> str:
    """Return what a cause says of so many certificates: ``2 were stapled``, ``2 may have been stapled``."""
    one, several, perhaps = PHRASES.get(cause, (f"is {cause}", f"are {cause}", f"may be {cause}"))
    words = (one if number == 1 else several) if sure else perhaps
    return f"{number:,} {words}"


def cause_phrases(causes: Iterable[tuple[str, Confidence]]) -> list[str]:
    """Return a phrase for each cause, what has to be acted on first; what is not confirmed is told apart."""
    counts = Counter((cause, confidence == "confirmed") for cause, confidence in causes)
    return [
        cause_phrase(cause, number, sure=sure)
        for (cause, sure), number in sorted(
            counts.items(), key=lambda item: (cause_rank(item[0][0]), not item[0][1])
        )
    ]


def cause_rank(cause: str) -> tuple[int, str]:
    """Sort key of causes, what has to be acted on first."""
    return (ORDER.index(cause) if cause in ORDER else len(ORDER), cause)


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
