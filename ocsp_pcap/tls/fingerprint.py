"""A fingerprint of the software that sent a ClientHello: what does not vary from visit to visit."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import Final

from ocsp_pcap.tls.events import ClientHello

_LENGTH: Final = 32
"""Hex digits of a fingerprint."""
_VARYING: Final = frozenset((0, 16, 21, 41, 42, 44))
"""Extensions that one client sends at one time and not at another: server_name, ALPN, padding,
pre_shared_key, early_data, cookie."""


def hello_fingerprint(hello: ClientHello) -> str | None:
    """Return 32 hex digits that are the same for the ClientHellos of one TLS stack; None where one is cut.

    As in JA3, over versions, cipher suites, extension types, groups and point formats; as in JA4, without
    GREASE (RFC 8701) and with the extension types sorted, since browsers permute them. Different software
    can have the same.
    """
    if not hello.complete:
        return None
    return _fingerprint(
        (hello.legacy_version, *hello.supported_versions),
        hello.cipher_suites,
        hello.extensions,
        hello.groups,
        hello.point_formats,
    )


@lru_cache(1024)
def _fingerprint(
    versions: tuple[int, ...],
    suites: tuple[int, ...],
    extensions: tuple[int, ...],
    groups: tuple[int, ...],
    formats: tuple[int, ...],
) -> str:
    kinds = sorted(set(_without_grease(extensions)) - _VARYING)
    parts = versions, _without_grease(suites), kinds, _without_grease(groups), formats
    text = ",".join("-".join(map(str, part)) for part in parts)
    return sha256(text.encode()).hexdigest()[:_LENGTH]


def _without_grease(numbers: Iterable[int]) -> list[int]:
    return [n for n in numbers if n & 0x0F0F != 0x0A0A or n >> 8 != n & 0xFF]
