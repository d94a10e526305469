"""Distinguished names and times as text and numbers, for structures that ``cryptography`` refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

SECOND = 1_000_000_000


def nanoseconds(moment: datetime) -> int:
    """Return a time as nanoseconds since the epoch; a time without zone is UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    elapsed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (elapsed.days * 86_400 + elapsed.seconds) * SECOND + elapsed.microseconds * 1_000


def name_text(der: bytes) -> str:
    """Return a DER Name (RFC 5280 4.1.2.4) as RFC 4514 text, attribute by attribute.

    An attribute whose value cannot be decoded is given in the ``#hex`` form of RFC 4514 2.4. Raises
    ValueError where the bytes are no Name at all.
    """
    from asn1crypto import x509

    return ",".join(
        "+".join(map(_attribute_text, relative_name))
        for relative_name in reversed(x509.Name.load(der).chosen)
    )


def _attribute_text(attribute: Any) -> str:
    from cryptography import x509

    kind, value = attribute["type"], attribute["value"]
    identifier = x509.ObjectIdentifier(kind.dotted)
    try:
        return x509.NameAttribute(identifier, value.native).rfc4514_string()
    except (ValueError, TypeError, UnicodeError):
        return f"{identifier.dotted_string}=#{value.dump().hex()}"
