"""One way to make items, for both witnesses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from ocsp_pcap.crosscheck.model import Item
from ocsp_pcap.facts import Transport

Single: TypeAlias = tuple[str, str, int | None, int | None]
"""Serial number, status, thisUpdate and nextUpdate (nanoseconds) of a SingleResponse (RFC 6960 4.2.1)."""

_SECOND = 1_000_000_000


def hello_item(transport: Transport, stream: int, frame: int, sni: str, random: str = "") -> Item:
    """Make the item of a ClientHello; ``sni`` is empty where it names no host."""
    label = f"hello for {sni}" if sni else "hello without a name"
    return Item("client-hello", transport, stream, frame, sni, label, random)


def certificate_item(transport: Transport, stream: int, frame: int | None, sha256: str) -> Item:
    """Make the item of a certificate."""
    return Item("certificate", transport, stream, frame, sha256, f"sha256 {sha256[:16]}…")


def request_item(stream: int, frame: int | None, ids: Sequence[tuple[str, str, str]]) -> Item:
    """Make the item of an OCSP request: issuer name hash, issuer key hash and serial of each CertID."""
    identity = " ".join("/".join(one) for one in ids)
    return Item("request", "tcp", stream, frame, identity, _serials([serial for *_, serial in ids]))


def url_item(stream: int, frame: int | None, url: str) -> Item:
    """Make the item of an OCSP request by GET."""
    return Item("request", "tcp", stream, frame, f"GET {url}", f"GET {url}")


def response_item(
    kind: Literal["staple", "response"],
    transport: Transport,
    stream: int,
    frame: int | None,
    status: str | None,
    singles: Sequence[Single],
) -> Item:
    """Make the item of an OCSP response."""
    identity = f"{status} " + " ".join("/".join(map(str, single)) for single in singles)
    if singles:
        label = ", ".join(
            f"serial {serial} {state} {_time(start)} to {_time(end)}" for serial, state, start, end in singles
        )
    else:
        label = status or "unreadable"
    return Item(kind, transport, stream, frame, identity, label)


def _serials(serials: Sequence[str]) -> str:
    return ("serial " if len(serials) == 1 else "serials ") + ", ".join(serials)


def _time(time: int | None) -> str:
    if time is None:
        return "open"
    try:
        return f"{datetime.fromtimestamp(time // _SECOND, UTC):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return str(time)
