"""When ``handshake-failed`` is claimed, and how sure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ocsp_pcap.facts import ExchangeFrames, HandshakeFrames
from tests.unit.explain.facts_factory import (
    RESPONDER,
    alert,
    broken,
    capture,
    certificate,
    dns,
    exchange,
    facts,
    frames,
    handshake,
    outcome,
    verdict,
)

shop, other = certificate(), certificate("other.test")


@pytest.mark.parametrize("subjects", [(), (shop,)], ids=["before", "after the certificate"])
def test_handshake_failed_by_alert(subjects: tuple[Any, ...]) -> None:
    visit = broken("shop.test", *subjects, alerts=(alert("unknown_ca"),))
    found = verdict(facts(*subjects, visit))
    assert (found.presence, found.cause, found.confidence) == ("absent", "handshake-failed", "confirmed")
    assert frames(found) == {99}


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_its_steps_lead_to_the_stream_as_wireshark_names_it(transport: str) -> None:
    visit = broken("shop.test", alerts=(alert("unknown_ca"),), transport=transport)
    assert f"{transport}.stream eq {visit.stream}" in verdict(facts(visit)).next_steps[0]


@pytest.mark.parametrize("name", ["bad_certificate", "certificate_unknown", "handshake_failure"])
def test_an_alert_that_may_mean_revocation_is_likely(name: str) -> None:
    assert outcome(facts(shop, broken("shop.test", shop, alerts=(alert(name),)))) == (
        "handshake-failed",
        "likely",
    )
    by_server = broken("shop.test", shop, alerts=(alert(name, "server"),))
    assert outcome(facts(shop, by_server)) == ("handshake-failed", "confirmed")
    # Two of these are about a certificate, which was there though it is not in the capture.
    unseen = "confirmed" if name == "handshake_failure" else "likely"
    assert outcome(facts(broken(alerts=(alert(name),)))) == ("handshake-failed", unseen)


def test_who_sent_finished_had_accepted_the_certificate_in_whatever_order_packets_stand() -> None:
    visit = broken("shop.test", shop, alerts=(alert("handshake_failure", "server"),))
    later = replace(visit.frames, client_finished=visit.alerts[0].frame + 1)
    assert outcome(facts(shop, replace(visit, frames=later)))[0] != "handshake-failed"


@pytest.mark.parametrize("name", ["certificate_revoked", "bad_certificate_status_response", "close_notify"])
def test_an_alert_that_is_no_failure_before_the_check(name: str) -> None:
    assert outcome(facts(shop, broken("shop.test", shop, alerts=(alert(name),))))[0] != "handshake-failed"


def test_a_warning_is_no_failure() -> None:
    visit = broken("shop.test", shop, alerts=(alert("unrecognized_name", "server", "warning"),))
    assert outcome(facts(shop, visit))[0] != "handshake-failed"
    done = handshake("shop.test", shop, alerts=(alert("internal_error"),))
    assert outcome(facts(shop, done))[0] != "handshake-failed"


@pytest.mark.parametrize("how", ["rst", "fin"])
def test_handshake_failed_by_the_end_of_the_connection(how: str) -> None:
    ended = {"closed": how, "early_end": True}
    assert outcome(facts(broken(**ended))) == ("handshake-failed", "confirmed")
    assert outcome(facts(shop, broken("shop.test", shop, **ended))) == ("handshake-failed", "likely")
    hidden = broken(certificate_encrypted=True, **ended)
    assert outcome(facts(hidden)) == ("handshake-failed", "likely")
    assert outcome(facts(capture(dropped=5), broken(**ended))) == ("handshake-failed", "likely")


def test_a_server_that_only_resets_is_no_missing_direction() -> None:
    refused = broken(closed="rst", early_end=True, one_sided=True, frames=HandshakeFrames(client_hello=4))
    assert outcome(facts(refused)) == ("handshake-failed", "confirmed")
    assert outcome(facts(capture(one_sided_streams=3), refused)) == ("capture-incomplete", "likely")


def test_a_query_comes_before_a_failure() -> None:
    visit = broken("shop.test", shop, alerts=(alert("unknown_ca"),))
    assert outcome(facts(shop, visit, exchange(shop)))[0] == "queried"


@pytest.mark.parametrize(("step", "sure"), [(0, "confirmed"), (20 * 10**6, "likely"), (10**9, "likely")])
def test_where_packets_are_out_of_order_what_was_looked_for_may_have_come_before_the_alert(
    step: int, sure: str
) -> None:
    """By the frames the responder was looked for after the refusal only."""
    visit = replace(broken("shop.test", shop), alerts=(replace(alert("protocol_version"), frame=9_990),))
    later = replace(dns(RESPONDER, time=0.5), frames=ExchangeFrames(9_991, 9_992))
    assert outcome(facts(shop, capture(step_back=step), visit, later)) == ("handshake-failed", sure)
