from __future__ import annotations

from dataclasses import replace

import pytest

from ocsp_pcap.crosscheck.differences import KnownDifference
from ocsp_pcap.crosscheck.dissection import Dissection
from ocsp_pcap.crosscheck.labels import certificate_item, hello_item, response_item
from ocsp_pcap.crosscheck.model import Item
from ocsp_pcap.crosscheck.rules import RULES, Discrepancy, Streams, explanation
from ocsp_pcap.facts import HandshakeFact
from tests.unit.crosscheck.parts import HASH, RANDOM, handshake, seen

HELLO = hello_item("tcp", 3, 11, "host.test", RANDOM)
CERTIFICATE = certificate_item("tcp", 3, 8, HASH)


def case(
    ours: Item | None,
    wireshark: Item | None,
    *facts: HandshakeFact,
    again: bool = False,
    first: Dissection | None = None,
    second: Dissection | None = None,
) -> Discrepancy:
    return Discrepancy(ours, wireshark, again, Streams(facts), first or seen(), second)


def test_a_hello_with_a_known_random_is_the_same_handshake() -> None:
    assert "frame 4" in (explanation(case(None, HELLO, handshake())) or "")
    assert explanation(case(None, replace(HELLO, mark="18" * 32), handshake())) is None
    assert explanation(case(None, replace(HELLO, mark=""), handshake(client_random=""))) is None
    assert explanation(case(None, replace(HELLO, stream=5), handshake())) is None


def test_a_retransmission_must_be_one_in_wiresharks_words_and_known() -> None:
    first = seen(sent_again={8: "spurious retransmission"})
    assert "spurious" in (explanation(case(None, CERTIFICATE, again=True, first=first)) or "")
    assert explanation(case(None, CERTIFICATE, again=False, first=first)) is None
    assert explanation(case(None, replace(CERTIFICATE, frame=9), again=True, first=first)) is None


def test_told_the_port_wireshark_must_show_the_same_thing_in_the_same_frame() -> None:
    assert "port 443" in (explanation(case(CERTIFICATE, None, handshake(), second=seen(CERTIFICATE))) or "")
    elsewhere = seen(replace(CERTIFICATE, frame=9))
    assert explanation(case(CERTIFICATE, None, handshake(), second=elsewhere)) is None
    other = replace(CERTIFICATE, identity="cd")
    assert explanation(case(CERTIFICATE, other, handshake(), second=seen(CERTIFICATE))) is None


def test_a_frame_held_back_in_vain_explains_what_wireshark_lacks_only() -> None:
    second = seen(held_back={8})
    assert "frame 8" in (explanation(case(CERTIFICATE, None, second=second)) or "")
    assert explanation(case(replace(CERTIFICATE, frame=9), None, second=second)) is None
    assert explanation(case(None, CERTIFICATE, second=second)) is None


def test_quic_that_wireshark_cannot_open() -> None:
    hello = replace(HELLO, transport="udp")
    assert "salt" in (explanation(case(hello, None, second=seen(locked={11}))) or "")
    assert explanation(case(hello, None, second=seen(locked={12}))) is None


@pytest.mark.parametrize("rule", [rule for _, rule in RULES], ids=lambda rule: rule.__name__)
def test_no_rule_explains_away_what_only_wireshark_saw(rule: object) -> None:
    everything = seen(sent_again={8: "retransmission"}, held_back={8}, locked={8})
    unknown = case(None, CERTIFICATE, handshake(certificates=()), first=everything, second=everything)
    assert rule(unknown) is None  # type: ignore[operator]


def test_each_reason_begins_with_the_kind_of_difference() -> None:
    """The same kinds as the tests have that hold real captures against Wireshark."""
    assert len({kind for kind, _ in RULES}) == len(RULES)
    found = explanation(case(CERTIFICATE, None, second=seen(opaque={8})))
    assert (found or "").startswith(f"{KnownDifference.TOO_LONG.value}: ")


def test_a_handshake_record_that_wireshark_takes_for_encrypted() -> None:
    second = seen(opaque={8})
    assert "64 KiB" in (explanation(case(CERTIFICATE, None, second=second)) or "")
    assert explanation(case(replace(CERTIFICATE, frame=9), None, second=second)) is None
    assert explanation(case(None, CERTIFICATE, second=second)) is None
    assert explanation(case(replace(HELLO, frame=8), None, second=second)) is None


@pytest.mark.parametrize("said", ["", "application/octet-stream", "text/html; charset=utf-8"])
def test_a_body_that_is_not_what_its_content_type_says(said: str) -> None:
    response = response_item("response", "tcp", 3, 8, "successful", [])
    second = seen(content_types={8: said})
    assert (said or "no Content-Type") in (explanation(case(response, None, second=second)) or "")
    assert explanation(case(replace(response, frame=9), None, second=second)) is None
    assert explanation(case(None, response, second=second)) is None
    for named in ("application/ocsp-response", "Application/OCSP-Response; x=y"):
        assert explanation(case(response, None, second=seen(content_types={8: named}))) is None
