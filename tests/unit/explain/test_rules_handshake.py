"""What the handshake alone tells: staples, resumption, encryption, failure, missing bytes."""

from __future__ import annotations

from typing import Any

import pytest

from ocsp_pcap.explain.engine import explain
from ocsp_pcap.facts import HandshakeFrames

from .facts_factory import (
    DAY,
    alert,
    alternatives,
    authority,
    broken,
    capture,
    certificate,
    error,
    exchange,
    facts,
    frames,
    handshake,
    outcome,
    response,
    single,
    verdict,
)

shop, other = certificate(), certificate("other.test")
middle = authority("CN=Middle", self_signed=False, ocsp=("http://ocsp.ca.test/",), serial="77")


def stapled(*staples: Any, **more: Any) -> Any:
    return handshake("shop.test", shop, staples=staples, **more)


def test_a_fresh_staple() -> None:
    visit = stapled(response(shop))
    found = verdict(facts(shop, visit))
    assert (found.presence, found.cause, found.confidence) == ("absent", "stapled", "confirmed")
    assert found.status == "good"
    assert frames(found) == {visit.frames.certificate_status}


@pytest.mark.parametrize(
    ("staple", "more"),
    [
        (response(shop, signature="unverifiable"), {}),
        (response(single(shop, next_update=None)), {}),
        (response(single(shop, this_update=200)), {}),
        (response(shop), {"status_request": False}),
    ],
    ids=["unverifiable", "no nextUpdate", "thisUpdate minutes ahead", "nobody asked for it"],
)
def test_a_staple_that_some_validators_would_not_take_is_likely(staple: Any, more: dict[str, Any]) -> None:
    assert outcome(facts(shop, stapled(staple, **more))) == ("stapled", "likely")


def test_a_staple_for_a_certificate_whose_issuer_was_not_seen_is_likely() -> None:
    loose = certificate(issuer_known=False)
    visit = handshake("shop.test", loose, staples=(response(loose),))
    assert outcome(facts(loose, visit)) == ("stapled", "likely")


@pytest.mark.parametrize(
    ("staple", "reason"),
    [
        (response(single(shop, next_update=-1000)), "stale"),
        (response(single(shop, this_update=DAY, next_update=2 * DAY)), "future"),
        (response(other), "another certificate"),
        (response(shop, signature="invalid", signer=None), "signature"),
        (error("tryLater"), "tryLater"),
        (error(None, parse_error="no DER"), "no DER"),
    ],
)
def test_a_staple_that_proves_nothing(staple: Any, reason: str) -> None:
    visit = stapled(staple)
    found = verdict(facts(shop, other, visit))
    assert (found.presence, found.cause, found.confidence) == ("absent", "staple-invalid", "confirmed")
    assert reason in found.summary
    assert visit.frames.certificate_status in frames(found)


def test_after_a_bad_staple_the_query_is_the_answer() -> None:
    assert outcome(facts(shop, stapled(response(other)), exchange(shop)))[0] == "queried"


@pytest.mark.parametrize(
    "defect",
    [{"dropped": 1}, {"tcp_gaps": 1}, {"one_sided_streams": 1}, {"ports_seen": (443,)}],
    ids=str,
)
def test_that_no_query_followed_is_not_proven_by_a_capture_that_may_lack_it(defect: dict[str, Any]) -> None:
    seen = facts(capture(**defect), shop, stapled(response(single(shop, next_update=-1000))))
    assert outcome(seen) == ("staple-invalid", "likely")


def test_what_packets_cannot_decide_about_a_staple() -> None:
    """A clock may be off by five minutes, and a validator may trust a responder that nobody else does."""
    for staple, doubt in (
        (response(single(shop, next_update=-100)), "clock"),
        (response(shop, signature="invalid"), "trust-open"),
    ):
        found = verdict(facts(shop, stapled(staple)))
        assert (found.cause, [d.code for d in found.doubts]) == ("staple-invalid", [doubt])


def test_a_bad_staple_of_a_certificate_without_responder_needs_no_query_to_be_missed() -> None:
    silent = certificate(ocsp=(), crl=("http://crl.ca.test/",))
    visit = handshake("shop.test", silent, staples=(response(single(silent, next_update=-1000)),))
    assert outcome(facts(capture(ports_seen=(443,)), silent, visit)) == ("staple-invalid", "confirmed")


def test_a_staple_hashed_in_a_way_nobody_knows_may_be_the_right_one() -> None:
    staple = response(single(shop, hash_algorithm="sha3_256", issuer_name_hash="00"))
    assert outcome(facts(shop, stapled(staple))) == ("staple-invalid", "likely")


def test_a_staple_stale_by_less_than_the_clocks_differ() -> None:
    copies = [
        handshake(
            "shop.test",
            shop,
            time=t,
            random="aa",
            capture=c,
            staples=(response(single(shop, next_update=-100)),),
        )
        for t, c in ((0, "a.pcap"), (600, "b.pcap"))
    ]
    assert outcome(facts(shop, *copies)) == ("staple-invalid", "likely")


def test_of_several_staples_the_good_one_counts() -> None:
    visit = stapled(response(single(shop, next_update=-100)), response(shop))
    assert outcome(facts(shop, visit)) == ("stapled", "confirmed")


def test_a_staple_for_the_intermediate_only() -> None:
    visit = handshake("shop.test", shop, middle, staples=(response(middle),))
    seen = facts(shop, middle, visit)
    assert outcome(seen)[0] not in ("stapled", "staple-invalid")
    about_middle = next(v for v in explain(seen).verdicts if v.chain_role == "intermediate")
    assert (about_middle.cause, about_middle.confidence) == ("stapled", "confirmed")


def test_a_staple_for_the_leaf_says_nothing_bad_of_the_intermediate() -> None:
    visit = handshake("shop.test", shop, middle, staples=(response(single(shop, next_update=-100)),))
    causes = {v.chain_role: v.cause for v in explain(facts(shop, middle, visit)).verdicts}
    assert causes["leaf"] == "staple-invalid"
    assert causes["intermediate"] != "staple-invalid"


def resumption(**more: Any) -> Any:
    return handshake("shop.test", resumed=True, resumption="ticket", **more)


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


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_certificate_encrypted(transport: str) -> None:
    visit = handshake("shop.test", version="TLS 1.3", certificate_encrypted=True, transport=transport)
    found = verdict(facts(visit))
    assert (found.presence, found.cause, found.confidence) == (
        "unknown",
        "certificate-encrypted",
        "confirmed",
    )
    assert ("QUIC" in found.summary) == (transport == "udp")


def test_a_decrypted_certificate_is_a_certificate() -> None:
    visit = handshake("shop.test", shop, version="TLS 1.3", decrypted=True)
    assert outcome(facts(shop, visit, exchange(shop))) == ("queried", "confirmed")


@pytest.mark.parametrize("subjects", [(), (shop,)], ids=["before", "after the certificate"])
def test_handshake_failed_by_alert(subjects: tuple[Any, ...]) -> None:
    visit = broken("shop.test", *subjects, alerts=(alert("unknown_ca"),))
    found = verdict(facts(*subjects, visit))
    assert (found.presence, found.cause, found.confidence) == ("absent", "handshake-failed", "confirmed")
    assert frames(found) == {99}


@pytest.mark.parametrize("name", ["bad_certificate", "certificate_unknown", "handshake_failure"])
def test_an_alert_that_may_mean_revocation_is_likely(name: str) -> None:
    assert outcome(facts(shop, broken("shop.test", shop, alerts=(alert(name),)))) == (
        "handshake-failed",
        "likely",
    )
    by_server = broken("shop.test", shop, alerts=(alert(name, "server"),))
    assert outcome(facts(shop, by_server)) == ("handshake-failed", "confirmed")
    assert outcome(facts(broken(alerts=(alert(name),)))) == ("handshake-failed", "confirmed")


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


def test_a_complete_handshake_without_a_certificate() -> None:
    found = verdict(facts(handshake("shop.test")))
    assert (found.cause, found.confidence) == ("session-resumed", "likely")
    assert "anonymous or pre-shared key" in found.summary
