from __future__ import annotations

from dataclasses import replace

from ocsp_pcap.crosscheck.ours import exchange_items, handshake_items
from ocsp_pcap.facts import CertIdFact, HandshakeFrames
from tests.unit.crosscheck.parts import HASH, RANDOM, handshake
from tests.unit.report.demo import exchange, response


def test_a_handshake_gives_hello_certificates_and_staples() -> None:
    fact = handshake(
        client_certificates=("cd" * 32,),
        staples=(response("a1"),),
        frames=HandshakeFrames(client_hello=4, certificate=8, certificate_status=9),
    )
    items = list(handshake_items([fact]))
    assert [(item.kind, item.frame) for item in items] == [
        ("client-hello", 4),
        ("certificate", 8),
        ("certificate", None),
        ("staple", 9),
    ]
    assert (items[0].identity, items[0].mark) == ("host.test", RANDOM)
    assert items[1].identity == HASH


def test_a_handshake_seen_from_its_middle_has_no_hello() -> None:
    assert list(handshake_items([handshake(frames=HandshakeFrames(), certificates=())])) == []


def test_an_exchange_gives_request_and_response() -> None:
    fact = replace(exchange(), method="POST", requests=(CertIdFact("sha1", "0f", "2f", "a1"),))
    request, answer = exchange_items([fact])
    assert (request.identity, request.frame) == ("0f/2f/a1", fact.frames.request)
    assert (answer.kind, answer.frame) == ("response", fact.frames.response)


def test_a_get_request_is_compared_by_its_url() -> None:
    fact = replace(exchange(), method="GET", url="http://ocsp.test/M", response=None)
    (request,) = exchange_items([fact])
    assert request.identity == "GET http://ocsp.test/M"
