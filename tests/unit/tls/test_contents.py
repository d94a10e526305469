"""What is remembered of messages: it has to be what reading them would tell."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsp_pcap.bounds import BOUNDS
from ocsp_pcap.tls import contents
from ocsp_pcap.tls.contents import Content, Contents
from ocsp_pcap.tls.events import ClientHello, ServerHello
from ocsp_pcap.tls.messages import (
    HELLO_RETRY_REQUEST,
    RANDOM,
    read_certificate,
    read_client_hello,
    read_server_hello,
)
from ocsp_pcap.tls.shapes import NotPlainError
from tests.unit.tls.wire import certificate_message, client_hello, extension, server_hello, vector

KEEPS = Contents()
"""Keeps what all the examples of a test showed it."""
SNI = extension(0, vector(2, b"\0" + vector(2, b"a.test")))
OTHER_SNI = extension(0, vector(2, b"\0" + vector(2, b"b.test")))
EXTENSIONS = (
    SNI,
    OTHER_SNI,
    extension(16, vector(2, vector(1, b"h2"))),
    extension(51, bytes(12)),
    extension(51, bytes(12)),
    extension(35, bytes(9)),
    extension(35, b""),
    extension(0xFE0D, bytes(7)),
    extension(43, b"\x02\x03\x04"),
    extension(43, b"\x03\x04"),
    extension(0x1A1A, b"\0"),
    extension(41, vector(2, vector(2, b"id") + bytes(4)) + vector(2, vector(1, bytes(32)))),
)
BODIES = st.one_of(
    st.lists(st.sampled_from(EXTENSIONS), max_size=6).flatmap(
        lambda some: st.sampled_from((b"", b"s" * 32)).map(
            lambda session_id: (1, client_hello(*some, session_id=session_id))
        )
    ),
    st.lists(st.sampled_from(EXTENSIONS), max_size=4).flatmap(
        lambda some: st.sampled_from((b"s" * 32, HELLO_RETRY_REQUEST)).map(
            lambda random: (2, server_hello(*some, random=random))
        )
    ),
    st.just((2, server_hello(version=0x7F1C))),
)


def read(kind: int, body: bytes) -> ClientHello | ServerHello | None:
    event, fault = (read_client_hello if kind == 1 else read_server_hello)(body, 0, 0)
    return event if fault is None else None


def told(content: Content, body: bytes) -> ClientHello | ServerHello:
    """Return what the content of a hello says of this one."""
    hello: ClientHello | ServerHello = content.event
    return hello._replace(random=body[RANDOM], session_id=body[content.session])


@given(hello=BODIES, data=st.data())
@settings(max_examples=600, deadline=None)
def test_a_hello_that_is_known_says_what_reading_it_says(
    hello: tuple[int, bytes], data: st.DataObject
) -> None:
    kind, body = hello
    for _ in range(3):
        expected = read(kind, body)
        try:
            found = told(KEEPS.hello(kind, body), body)
        except NotPlainError:
            found = None
        assert found == expected
        place = data.draw(st.integers(0, len(body) - 1))
        body = body[:place] + data.draw(st.binary(min_size=1, max_size=3)) + body[place + 1 :]


RANDOMS = Random(8446)


@pytest.mark.parametrize("session_id", [0, 32])
def test_hellos_that_differ_in_what_is_their_own_are_read_once(session_id: int) -> None:
    known = Contents()

    def hello(*others: bytes, sni: bytes = SNI) -> bytes:
        keys = extension(51, RANDOMS.randbytes(36)), extension(35, RANDOMS.randbytes(16))
        own = RANDOMS.randbytes(32), RANDOMS.randbytes(session_id)
        return client_hello(
            sni, *keys, extension(0xFE0D, RANDOMS.randbytes(5)), *others, random=own[0], session_id=own[1]
        )

    content = known.hello(1, hello())
    assert known.hello(1, hello()) is content
    assert known.hello(1, hello(sni=OTHER_SNI)) is not content
    assert known.hello(1, hello(extension(42, b""))) is not content
    # Of a second key share nobody knows where it stands.
    twice = extension(51, b"1")
    assert known.hello(1, hello(twice)) is known.hello(1, hello(twice))
    assert known.hello(1, hello(twice)) is not known.hello(1, hello(extension(51, b"2")))


def test_a_retry_request_is_not_taken_for_a_server_hello() -> None:
    known = Contents()
    plain = known.hello(2, server_hello())
    retry = known.hello(2, server_hello(random=HELLO_RETRY_REQUEST))
    assert not plain.event.hello_retry_request
    assert retry.event.hello_retry_request
    assert known.hello(2, server_hello(random=bytes(32))) is plain
    assert known.hello(2, server_hello(random=HELLO_RETRY_REQUEST)) is retry
    assert plain.symbol != retry.symbol


def test_tickets_at_their_age_are_not_remembered() -> None:
    known = Contents()
    body = client_hello(EXTENSIONS[-1])
    content = known.hello(1, body)
    assert not content.kept
    assert known.hello(1, body) is not content


def test_certificates_are_those_of_their_sender() -> None:
    known = Contents()
    body = certificate_message(b"leaf", b"issuer")
    server, client = known.body(11, body, 0), known.body(11, body, 1)
    assert server.event == read_certificate(body, 0, 0, False, False, False)[0]
    assert client.event.from_client
    assert known.body(11, bytes(bytearray(body)), 0) is server
    with pytest.raises(NotPlainError):
        known.body(11, body[:-1], 0)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MOST_HELLOS", 3)
    monkeypatch.setattr(contents, "MOST_BODIES", 3)
    known = Contents()

    def hello(number: int) -> bytes:
        return client_hello(extension(7, b"%02d" % number))

    def certificate(number: int) -> bytes:
        return certificate_message(b"%02d" % number)

    for number in range(20):
        assert known.hello(1, hello(number)) is known.hello(1, hello(number))
        assert known.body(11, certificate(number), 0) is known.body(11, certificate(number), 0)
    first = known.hello(1, hello(0)), known.body(11, certificate(0), 0)
    remembered = [known.hello(1, hello(number)) for number in range(1, 4)][-1]
    assert known.hello(1, hello(3)) is remembered
    assert known.hello(1, hello(0)) is not first[0]
    for number in range(1, 4):
        known.body(11, certificate(number), 0)
    assert known.body(11, certificate(0), 0) is not first[1]
    long = client_hello(extension(7, bytes(contents.LONGEST_HELLO)))
    assert not known.hello(1, long).kept
    assert not known.body(11, certificate_message(bytes(contents.LONGEST_BODY)), 0).kept


def test_keys_in_ever_other_places_are_not_all_remembered() -> None:
    known = Contents()
    kept = []
    for place in range(contents.MOST_LAYOUTS + 2):
        others = [extension(100 + number, b"") for number in range(8)]
        others.insert(place, extension(51, b"key"))
        kept.append(known.hello(1, client_hello(*others)).kept)
    assert kept == [True] * contents.MOST_LAYOUTS + [False] * 2


def test_what_never_comes_twice_is_seldom_sought() -> None:
    known = Contents()

    def hello(number: int) -> bytes:
        return client_hello(extension(7, number.to_bytes(2)))

    kept = [known.hello(1, hello(number)).kept for number in range(contents.CHANCES + 40)]
    assert kept == [True] * (contents.CHANCES + 1) + ([False] * contents.PAUSE + [True]) * 4 + [False] * 7
    # Where the same one comes again it is found, and others are sought as before.
    assert known.hello(1, hello(1)) is known.hello(1, hello(1))
    for number in range(2000, 2002):
        assert known.hello(1, hello(number)) is known.hello(1, hello(number))


def test_a_chain_beyond_the_bound_is_not_plain() -> None:
    body = certificate_message(*(b"%02d" % number for number in range(BOUNDS.certificates + 1)))
    with pytest.raises(NotPlainError):
        Contents().body(11, body, 0)
