"""When ``capture-incomplete`` is claimed, and how sure."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.facts import HandshakeFrames
from tests.unit.explain.facts_factory import (
    alternatives,
    at,
    broken,
    capture,
    certificate,
    facts,
    handshake,
    outcome,
    verdict,
)

shop = certificate()


def test_a_capture_that_ends_at_once_leaves_no_time_for_a_query() -> None:
    open_still = handshake("shop.test", shop, application_data=False, closed=None)
    seen = facts(shop, open_still, capture(until=0.4))
    assert outcome(seen) == ("capture-incomplete", "likely")
    assert outcome(facts(shop, open_still, capture(until=60)))[0] != "capture-incomplete"


@pytest.mark.parametrize(
    "decided",
    [{"closed": "fin", "closed_by": "client", "closed_time": at(0.3)}, {"application_data": True}],
    ids=["hangs up", "goes on"],
)
def test_whoever_goes_on_or_hangs_up_had_its_time(decided: dict[str, Any]) -> None:
    made_up = handshake("shop.test", shop, **{"application_data": False, "closed": None} | decided)
    assert outcome(facts(shop, made_up, capture(until=0.4)))[0] != "capture-incomplete"


@pytest.mark.parametrize(
    ("defect", "words"),
    [
        ({"missing_bytes": 1200}, "1200 bytes"),
        ({"started_mid_stream": True, "frames": HandshakeFrames(server_hello=4)}, "middle of the connection"),
    ],
)
def test_capture_incomplete(defect: dict[str, Any], words: str) -> None:
    found = verdict(facts(broken(**defect)))
    assert (found.presence, found.cause, found.confidence) == ("unknown", "capture-incomplete", "confirmed")
    assert words in found.summary


def test_a_snaplen_is_named() -> None:
    found = verdict(facts(capture(snaplen=200, truncated_packets=40), broken(missing_bytes=1200)))
    assert "(40 of its packets were captured in part)" in found.summary


def test_one_direction_only() -> None:
    """Of one connection nobody can say whether the server was silent or was not captured."""
    one_sided = broken(one_sided=True)
    assert outcome(facts(one_sided)) == ("capture-incomplete", "likely")
    whole = capture(one_sided_streams=100, tcp_streams=100)
    assert outcome(facts(whole, one_sided)) == ("capture-incomplete", "confirmed")
    silent_quic = broken(one_sided=True, transport="udp")
    assert outcome(facts(whole, silent_quic)) == ("capture-incomplete", "likely")


def test_the_capture_ends_soon_after_the_hello() -> None:
    assert outcome(facts(capture(until=3), broken())) == ("capture-incomplete", "likely")


def test_a_handshake_that_nobody_went_on_with_is_undecided() -> None:
    found = verdict(facts(broken()))
    assert (found.cause, found.confidence) == ("capture-incomplete", "possible")
    assert alternatives(found) == {"handshake-failed"}
    assert outcome(facts(capture(dropped=1), broken())) == ("capture-incomplete", "likely")


def test_a_bound_of_the_program_is_told_as_such_and_is_no_resumption() -> None:
    found = verdict(facts(broken(given_up="handshake_message", complete=True)))
    assert (found.cause, found.confidence) == ("capture-incomplete", "likely")
    assert "a bound of this program (--bound handshake_message=N changes it)" in found.summary
