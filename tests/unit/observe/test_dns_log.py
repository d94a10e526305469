from __future__ import annotations

import pickle
import struct

import dns.message
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.observe.dns_log import DnsLog
from ocsp_pcap.spoken.conversation import Conversation
from ocsp_pcap.spoken.dns_stream import DnsStream, begins_dns
from ocsp_pcap.spoken.shared import Shared
from tests.unit.tls.wire import HOST, record

from .wire import Message, cut

QUERIES = [dns.message.make_query(f"host{n}.site.test", "A", id=n) for n in range(1, 4)]


def answer(query: dns.message.QueryMessage) -> bytes:
    response = dns.message.make_response(query)
    name = query.question[0].name.to_text()
    response.answer = [dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.1")]
    return response.to_wire()


def framed(payload: bytes) -> bytes:
    return struct.pack("!H", len(payload)) + payload


MESSAGES: list[Message] = [
    (0, framed(QUERIES[0].to_wire()) + framed(QUERIES[1].to_wire())),
    (1, framed(answer(QUERIES[1])) + framed(answer(QUERIES[0]))),
    (0, framed(QUERIES[2].to_wire())),
    (1, framed(answer(QUERIES[2]))),
]
EXPECTED = [
    (0, QUERIES[0].to_wire()),
    (0, QUERIES[1].to_wire()),
    (1, answer(QUERIES[1])),
    (1, answer(QUERIES[0])),
    (0, QUERIES[2].to_wire()),
    (1, answer(QUERIES[2])),
]


def talk(messages: list[Message], log: DnsLog | None = None) -> tuple[Conversation, DnsLog]:
    log = log or DnsLog("tcp")
    conversation = Conversation(Shared(), keep_dns=log.keeper(7))
    for frame, (direction, data) in enumerate(messages, 1):
        if conversation.wants(direction):
            conversation.receive(direction, data, frame, frame * 1000, True)
    conversation.finish(len(messages), 0)
    return conversation, log


def kept(log: DnsLog) -> list[tuple[int, bytes]]:
    return [(packet.direction, packet.payload) for packet in log.packets]


def test_messages_are_cut_out() -> None:
    _, log = talk(MESSAGES)
    assert kept(log) == EXPECTED
    assert {(packet.stream, packet.transport) for packet in log.packets} == {(7, "tcp")}
    assert [packet.frame for packet in log.packets] == [1, 1, 2, 2, 3, 4]


@settings(max_examples=60, deadline=None)
@given(st.frozensets(st.integers(0, 400), max_size=60))
def test_however_segments_are_cut(offsets: frozenset[int]) -> None:
    assert kept(talk(cut(MESSAGES, offsets))[1]) == EXPECTED


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.binary(min_size=1, max_size=80)), max_size=12))
def test_anything_may_come(messages: list[Message]) -> None:
    talk(messages)
    talk([MESSAGES[0], *messages])


def test_an_answer_alone_is_enough() -> None:
    assert kept(talk(MESSAGES[1:2])[1]) == EXPECTED[2:4]


def test_after_missing_bytes_the_next_message_that_begins_a_segment_counts() -> None:
    log = DnsLog("tcp")
    stream = DnsStream(log.keeper(0))
    query = framed(QUERIES[0].to_wire())
    stream.receive(0, query[:10], 1, 0, True)
    stream.gap(0)
    stream.receive(0, query[20:], 2, 0, True)
    stream.receive(0, query, 3, 0, False)
    stream.receive(1, MESSAGES[1][1], 4, 0, True)
    stream.receive(0, query, 5, 0, True)
    assert [packet.frame for packet in log.packets] == [4, 4, 5]


def test_a_gap_in_a_conversation() -> None:
    log = DnsLog("tcp")
    conversation = Conversation(Shared(), keep_dns=log.keeper(0))
    conversation.receive(0, MESSAGES[0][1], 1, 0, True)
    conversation.gap(1, 100, 2, 0)
    conversation.receive(1, MESSAGES[3][1], 3, 0, True)
    assert [packet.frame for packet in log.packets] == [1, 1, 3]


@pytest.mark.reaches("dns_bytes")
def test_memory_is_bounded() -> None:
    log = DnsLog("tcp", max_bytes=500)
    conversation, _ = talk(MESSAGES * 50, log)
    assert len(log.packets) < 5
    assert not conversation.wants(0)


def test_tls_on_the_port_of_dns_is_tls() -> None:
    log = DnsLog("tcp")
    flights: list[Message] = [(0 if client else 1, data) for client, data in record()[0].flights]
    conversation, _ = talk(flights, log)
    assert log.packets == []
    assert conversation.tracker is not None
    hello = conversation.tracker.handshakes[0].client_hello
    assert hello is not None
    assert hello.server_name == HOST


def test_dns_on_another_port_is_not_looked_for() -> None:
    conversation = Conversation(Shared())
    for frame, (direction, data) in enumerate(MESSAGES, 1):
        conversation.receive(direction, data, frame, 0, True)
    assert conversation.tracker is None


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (MESSAGES[0][1], True),
        (MESSAGES[1][1], True),
        (b"", None),
        (MESSAGES[0][1][:7], None),
        (b"\x00\x05", False),
        (b"GET / HTTP/1.1\r\n", False),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", False),
        (framed(b"\x38" + bytes(13)), False),
        # An UPDATE (RFC 2136) is no lookup.
        (b"\x00\x40\x00\x01\x28\x00\x00\x01", False),
    ],
)
def test_what_begins_dns(data: bytes, verdict: bool | None) -> None:
    assert begins_dns(data) is verdict


def test_what_was_observed_can_be_handed_to_another_process() -> None:
    conversation, log = talk(MESSAGES)
    assert kept(pickle.loads(pickle.dumps((conversation, log)))[1]) == EXPECTED
