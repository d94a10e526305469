from __future__ import annotations

from dataclasses import replace

from ocsp_pcap.crosscheck.labels import certificate_item
from ocsp_pcap.crosscheck.second_look import MOST, second_question
from tests.unit.crosscheck.parts import HASH, handshake

ITEM = certificate_item("tcp", 3, 8, HASH)


def test_nothing_missing_is_not_asked_for() -> None:
    assert second_question([], [handshake()]) is None


def test_it_names_the_streams_frames_and_ports() -> None:
    question = second_question(
        [ITEM, certificate_item("udp", 5, None, HASH)],
        [
            handshake(server_port=8443),
            handshake(stream=9),
            handshake(transport="udp", stream=5),
        ],
    )
    assert question is not None
    assert question.two_passes
    assert question.decode_as == {"tcp.port==8443": "tls"}
    assert "tcp.stream in {3}" in question.display_filter
    assert "udp.stream in {5}" in question.display_filter
    assert "frame.number in {8}" in question.display_filter


def test_it_does_not_grow_without_bound() -> None:
    many = [replace(ITEM, stream=number, frame=number) for number in range(10_000)]
    question = second_question(many, [handshake(stream=n, server_port=n) for n in range(10_000)])
    assert question is not None
    assert len(question.display_filter) < 20 * MOST
    assert len(question.decode_as) <= MOST
