"""Staples: what is wrong with one (RFC 6960 3.2), and whether the client refused it."""

from __future__ import annotations

from typing import Final

from ocsp_pcap.explain.model import Status
from ocsp_pcap.explain.visits import CLOCK_SKEW
from ocsp_pcap.facts import HandshakeFact, ResponseFact, SingleFact

REFUSAL: Final = "bad_certificate_status_response"
"""Alert of a client that refuses the staple, or that there was none (RFC 6066 8, RFC 8446 6.2)."""


PROVE_NOTHING: Final = frozenset({"response-invalid", "staple-invalid"})
"""Causes of answers that prove nothing."""


def staple_problem(response: ResponseFact, single: SingleFact | None, time: int) -> str | None:
    """Say which rule of RFC 6960 3.2 a staple breaks at a time; None: none."""
    if response.parse_error:
        return f"it cannot be read: {response.parse_error}"
    if response.response_status != "successful":
        return f"its status is {response.response_status}"
    if single is None:
        return "it is about another certificate"
    if response.signature == "invalid":
        return response.signature_note or "its signature does not verify"
    if single.this_update > time + CLOCK_SKEW:
        return "its thisUpdate lies in the future"
    if single.next_update is not None and single.next_update < time:
        return "it is stale, its nextUpdate had passed"
    return None


def validity_words(*, sure: bool) -> str:
    """Say of an answer that proves nothing how sure that is, for sentences that go on."""
    return "is not valid" if sure else "may not be valid"


def status_in_vain(single: SingleFact | None) -> Status | None:
    """Return what an answer that proves nothing says: only that a certificate is revoked must not be lost."""
    return "revoked" if single is not None and single.status == "revoked" else None


def refused_staple(handshake: HandshakeFact) -> bool:
    """The client refused the staple, or that there was none (RFC 6066 8, RFC 7633 4.2.3.1)."""
    alerts = handshake.alerts
    return bool(alerts) and any(a.sender == "client" and a.description == REFUSAL for a in alerts)
