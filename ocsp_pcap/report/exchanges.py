"""OCSP exchanges in words: where a request went, what it was about, what came of it, in which frames."""

from __future__ import annotations

from collections.abc import Sequence

from ocsp_pcap.explain.headline import revoked_singles
from ocsp_pcap.facts import OcspExchangeFact


def responder_text(exchange: OcspExchangeFact) -> str:
    """Return where a request went, without the request itself that a GET carries in its path."""
    if exchange.url is None:
        return exchange.server
    host = exchange.url.partition("://")[2].partition("/")[0]
    return f"{exchange.method or ''} {host or exchange.url}".strip()


def answer_text(exchange: OcspExchangeFact) -> str:
    """Return what an exchange was about and what came of it: ``serial 4981a6e3: good``."""
    response = exchange.response
    singles = {single.serial: single.status for single in (response.singles if response else ())}
    asked = [each.serial for each in exchange.requests] or list(singles)
    what = f"serial {', '.join(asked)}" if asked else "serial unknown"
    if response is not None and response.parse_error:
        return f"{what}: an answer that is no OCSP response"
    if response is not None and response.response_status != "successful":
        return f"{what}: {response.response_status}"
    statuses = dict.fromkeys(
        _shout(singles.get(serial, "an answer about another serial")) for serial in asked
    )
    strange = [serial for serial, status in singles.items() if status == "revoked" and serial not in asked]
    statuses |= dict.fromkeys(f"REVOKED about serial {serial}" for serial in strange)
    if response is not None and asked:
        return f"{what}: {', '.join(statuses)}"
    return f"{what}: HTTP {exchange.http_status}" if exchange.http_status else f"{what}: no answer"


def _shout(status: str) -> str:
    return status.upper() if status == "revoked" else status


def frames_text(exchange: OcspExchangeFact) -> str:
    """Return the frames of request and answer: ``frames 12, 14``."""
    frames = [frame for frame in (exchange.frames.request, exchange.frames.response) if frame is not None]
    if not frames:
        return "no frame"
    return f"frame{'s' if len(frames) > 1 else ''} {', '.join(map(str, frames))}"


def revoked_first(exchanges: Sequence[OcspExchangeFact]) -> list[OcspExchangeFact]:
    """Return exchanges, those first whose answer calls something revoked: they must not be cut off."""
    return sorted(exchanges, key=lambda exchange: not revoked_singles(exchange))
