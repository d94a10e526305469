"""Preludes of TLS on a connection: the handshake is found, however segments are cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.spoken.conversation import Conversation
from ocsp_pcap.spoken.seen import Tunnel
from ocsp_pcap.spoken.shared import Shared
from tests.unit.observe.wire import Message, converse, cut
from tests.unit.tls.wire import HOST, identity, record

TLS: list[Message] = [(0 if from_client else 1, data) for from_client, data in record()[0].flights]
CONNECT = b"CONNECT %b:443 HTTP/1.1\r\nHost: %b:443\r\n\r\n"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


PREFIXES: dict[str, tuple[list[Message], Tunnel | None]] = {
    "nothing": ([], None),
    "PROXY version 1": ([(0, b"PROXY TCP4 192.0.2.1 198.51.100.7 4000 443\r\n")], Tunnel("proxy-protocol")),
    "PROXY version 2": (
        [(0, b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12))],
        Tunnel("proxy-protocol"),
    ),
    "SOCKS 4": (
        [(0, b"\x04\x01\x01\xbb\xc0\x00\x02\x01me\x00"), (1, b"\x00\x5a" + bytes(6))],
        Tunnel("socks", "192.0.2.1", 443),
    ),
    "SOCKS 4A": (
        [(0, b"\x04\x01\x01\xbb\x00\x00\x00\x01\x00host.example\x00"), (1, b"\x00\x5a" + bytes(6))],
        Tunnel("socks", "host.example", 443),
    ),
    "SOCKS 5": (
        [
            (0, b"\x05\x02\x00\x02"),
            (1, b"\x05\x00"),
            (0, b"\x05\x01\x00\x03\x0chost.example\x01\xbb"),
            (1, b"\x05\x00\x00\x01" + bytes(6)),
        ],
        Tunnel("socks", "host.example", 443),
    ),
    "SOCKS 5 with a password": (
        [
            (0, b"\x05\x02\x00\x02"),
            (1, b"\x05\x02"),
            (0, b"\x01\x04user\x06secret"),
            (1, b"\x01\x00"),
            (0, b"\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbb"),
            (1, b"\x05\x00\x00\x03\x05proxy\x00\x50"),
        ],
        Tunnel("socks", "192.0.2.1", 443),
    ),
    "CONNECT": ([(0, CONNECT % ((b"host.example",) * 2)), (1, ESTABLISHED)], Tunnel("connect", HOST, 443)),
    "CONNECT inside CONNECT": (
        [
            (0, CONNECT % ((b"parent.example",) * 2)),
            (1, ESTABLISHED),
            (0, CONNECT % ((b"host.example",) * 2)),
            (1, ESTABLISHED),
        ],
        Tunnel("connect", HOST, 443),
    ),
    "CONNECT behind PROXY": (
        [
            (0, b"PROXY TCP4 192.0.2.1 198.51.100.7 4000 3128\r\n"),
            (0, CONNECT % ((b"host.example",) * 2)),
            (1, ESTABLISHED),
        ],
        Tunnel("connect", HOST, 443),
    ),
}
STARTTLS: dict[str, list[Message]] = {
    "SMTP": [
        (1, b"220 mail.example ESMTP\r\n"),
        (0, b"EHLO me\r\n"),
        (1, b"250-mail.example\r\n250 STARTTLS\r\n"),
        (0, b"STARTTLS\r\n"),
        (1, b"220 2.0.0 Ready\r\n"),
    ],
    "IMAP": [
        (1, b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready.\r\n"),
        (0, b"a1 STARTTLS\r\n"),
        (1, b"a1 OK Begin TLS.\r\n"),
    ],
    "PostgreSQL": [(0, b"\x00\x00\x00\x08\x04\xd2\x16\x2f"), (1, b"S")],
    "LDAP": [
        (0, bytes.fromhex("301d02010177188016312e332e362e312e342e312e313436362e3230303337")),
        (1, bytes.fromhex("300c02010178070a010004000400")),
    ],
}


def check(conversation: Conversation, tunnel: Tunnel | None) -> None:
    assert conversation.tracker is not None
    handshake = conversation.tracker.handshakes[0]
    assert len(conversation.tracker.handshakes) == 1
    assert handshake.client_hello is not None
    assert handshake.client_hello.server_name == HOST
    assert handshake.certificates == (identity().der,)
    assert handshake.complete
    assert not handshake.missing_bytes
    assert conversation.client == 0
    found = conversation.tunnel
    assert (None if found is None else (found.kind, found.host, found.port)) == (
        None if tunnel is None else (tunnel.kind, tunnel.host, tunnel.port)
    )


@pytest.mark.parametrize("name", PREFIXES)
@settings(max_examples=25, deadline=None)
@given(offsets=st.frozensets(st.integers(1, 400), max_size=12))
def test_any_split_behind_a_prefix(name: str, offsets: frozenset[int]) -> None:
    messages, tunnel = PREFIXES[name]
    check(converse(cut(messages + TLS, offsets)), tunnel)


@pytest.mark.parametrize("name", PREFIXES)
def test_byte_by_byte_behind_a_prefix(name: str) -> None:
    messages, tunnel = PREFIXES[name]
    check(converse(cut(messages + TLS, frozenset(range(1, 6000)))), tunnel)


@pytest.mark.parametrize("name", STARTTLS)
@settings(max_examples=25, deadline=None)
@given(offsets=st.frozensets(st.integers(1, 400), max_size=BOUNDS.watched_segments // 2))
def test_any_split_of_starttls(name: str, offsets: frozenset[int]) -> None:
    check(converse(cut(STARTTLS[name] + TLS, offsets)), Tunnel("starttls"))


@pytest.mark.parametrize("name", ["SMTP", "IMAP"])
def test_a_line_end_in_a_segment_of_its_own_before_tls(name: str) -> None:
    messages: list[Message] = []
    for direction, data in STARTTLS[name]:
        messages += [(direction, data[:-2]), (direction, data[-2:])]
    check(converse(messages + TLS), Tunnel("starttls"))


def test_the_server_may_have_sent_the_first_packet_of_the_capture() -> None:
    conversation = converse([(1 - direction, data) for direction, data in TLS])
    assert conversation.client == 1
    assert conversation.tracker is not None
    assert conversation.tracker.handshakes[0].certificates == (identity().der,)


def test_a_refused_socks_request_leads_nowhere() -> None:
    messages: list[Message] = [(0, b"\x04\x01\x01\xbb\xc0\x00\x02\x01\x00"), (1, b"\x00\x5b" + bytes(6))]
    assert converse(messages).tunnel is None


@pytest.mark.reaches("tunnels")
def test_tunnels_in_tunnels_are_bounded() -> None:
    step: list[Message] = [(0, CONNECT % ((b"host.example",) * 2)), (1, ESTABLISHED)]
    conversation = converse(step * (BOUNDS.tunnels + 1) + TLS)
    assert conversation.tracker is None


def test_an_unknown_protocol_is_given_up() -> None:
    conversation = Conversation(Shared())
    for frame in range(BOUNDS.watched_segments + 1):
        conversation.receive(frame % 2, b"SSH-2.0", frame, frame, True)
    assert not conversation.wants(0)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.binary(min_size=1, max_size=60)), max_size=30))
def test_noise_raises_nothing(messages: list[Message]) -> None:
    converse(messages)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_damage_raises_nothing(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(PREFIXES)))
    messages = [*PREFIXES[name][0], *TLS]
    index = data.draw(st.integers(0, len(messages) - 1))
    direction, whole = messages[index]
    at = data.draw(st.integers(0, len(whole) - 1))
    messages[index] = (direction, whole[:at] + data.draw(st.binary(max_size=3)) + whole[at + 1 :])
    converse([(way, part) for way, part in messages if part])
