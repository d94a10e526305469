"""When ``session-resumed`` is claimed, and how sure."""

from __future__ import annotations

from typing import Any

from ocsp_pcap.facts import HandshakeFrames
from tests.unit.explain.facts_factory import (
    certificate,
    exchange,
    facts,
    frames,
    handshake,
    outcome,
    verdict,
)


def resumption(**more: Any) -> Any:
    return handshake("shop.test", resumed=True, resumption="ticket", **more)


shop, other = certificate(), certificate("other.test")


def test_session_resumed() -> None:
    visit = resumption()
    found = verdict(facts(visit))
    assert (found.presence, found.cause, found.confidence) == ("absent", "session-resumed", "confirmed")
    assert frames(found) == {visit.frames.server_hello}
    assert "by session ticket" in found.summary


def test_a_resumption_without_its_hello_is_likely() -> None:
    assert outcome(facts(resumption(frames=HandshakeFrames(server_hello=5)))) == ("session-resumed", "likely")


def test_a_resumed_session_joins_the_certificate_of_the_same_server() -> None:
    found = verdict(facts(shop, handshake("shop.test", shop), exchange(shop), resumption(time=60)))
    assert found.cause == "queried"
    assert [s.cause for s in found.sightings] == ["queried", "session-resumed"]


def test_a_complete_handshake_without_a_certificate() -> None:
    found = verdict(facts(handshake("shop.test")))
    assert (found.cause, found.confidence) == ("session-resumed", "likely")
    assert "anonymous or pre-shared key" in found.summary
